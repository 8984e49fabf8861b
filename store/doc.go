// Package store keeps objects packed in memory and finds them again: an informer's Indexer.
//
//	s := store.New()
//	s.Set(object) // a wire.Object: bytes in, compressed bytes kept
//	for _, item := range s.Select("default", selector) {
//		fmt.Println(item.Key(), item.Labels()) // nothing is unpacked for this
//	}
//	item, ok := s.Get("default/web-0")
//	err := item.Use(func(o wire.Object) error { return wire.Decode(o, &pod) })
//
// What selectors, indexes and handlers need (names, UID, resourceVersion, labels, owner) stands
// beside the packed bytes and is shared between objects where it is the same. Nothing that the
// store keeps refers to the memory of what it was given.
package store
