// Package store keeps objects packed in memory and finds them again: it is an informer's Indexer.
//
//	s := store.New(store.Options{})
//	s.Set(object) // a wire.Object: bytes in, packed bytes kept
//	for item := range s.Select("default", selector) {
//		fmt.Println(item.Key(), item.Labels()) // nothing is unpacked for this
//	}
//	item, ok := s.Get("default/web-0")
//	err := item.Use(func(o wire.Object) error { return wire.Decode(o, &pod) })
//
// # How objects are kept
//
// An entry is the place of one object. It has a number, and leads to two things:
//
//   - The state is one string of what belongs to the object alone: key, UID, resourceVersion, and
//     the object itself as package pack made it. A change of the object replaces the state.
//   - The label set is the record of what the object has in common with others: kind, namespace,
//     controller owner and labels. It exists once for all of them.
//
// A table of numbers finds an entry by its key. Lists of numbers lead from a namespace or an owner
// to label sets, and from a label set to its entries. So the indexes by namespace and by owner cost
// nothing for an object, and a selector is asked once for each label set. An index that a program
// adds costs 16 bytes an object, in an array by the entry's number, and one record for each value.
//
// The store decides which objects are expected to be alike, by owner, namespace and labels. It
// passes that to pack as groups.
//
// # What it costs
//
// The store costs what is in it now, not what was ever in it: with the last object that needs them
// go label sets and bases, and tables, lists and arrays shrink when most of them is free.
// [Store.Stats] returns the sizes. Nothing that the store keeps refers to the memory of what it was
// given.
package store
