// Package store keeps objects packed in memory and finds them again: an informer's Indexer.
//
//	s := store.New(store.Options{})
//	s.Set(object) // a wire.Object: bytes in, compressed bytes kept
//	for _, item := range s.Select("default", selector) {
//		fmt.Println(item.Key(), item.Labels()) // nothing is unpacked for this
//	}
//	item, ok := s.Get("default/web-0")
//	err := item.Use(func(o wire.Object) error { return wire.Decode(o, &pod) })
//
// # How objects are kept
//
// What selectors, indexes and handlers need (names, UID, resourceVersion, labels, owner) stands
// beside the packed bytes and is shared between objects where it is the same (group.go). The object
// itself is packed against one that is like it, a sibling of the same owner if there are any
// (base.go, internal/near), so that it takes little more than what no other object has: its names,
// addresses, times and hashes.
//
// The store costs what is in it now, not what was ever in it: with the last object that needs them
// go labels, owners and bases, and tables shrink. [Store.Stats] has the books.
//
// Nothing that the store keeps refers to the memory of what it was given.
package store
