// Package informer keeps a copy of a resource in this process and calls handlers for what changes.
//
// An informer lists a resource once and watches it from there. It goes on through dropped
// connections, restarts of the server and expired histories, until its context ends:
//
//	queue := workqueue.New[workqueue.Key]()
//	add := func(pod informer.Item[corev1.Pod]) {
//		queue.Add(workqueue.Key{Namespace: pod.Namespace(), Name: pod.Name()})
//	}
//	factory := informer.NewFactory(c) // c is a *rest.Client
//	pods := informer.For[corev1.Pod](factory)
//	pods.AddHandler(informer.Handler[corev1.Pod]{
//		OnAdd:    add,
//		OnUpdate: func(old, new informer.Item[corev1.Pod]) { add(new) },
//		OnDelete: add,
//	})
//	if err := factory.Start(ctx); err != nil { // or Run, which blocks
//		return err
//	}
//	if err := pods.WaitForSync(ctx); err != nil {
//		return err
//	}
//	pod, err := pods.Lister().Get("default", "web-0") // the caller's own copy
//
// # Life
//
// [Factory.Run] blocks, runs every informer of the factory and returns when its context and
// everything that it started have ended. [Factory.Start] does the same in the background.
// [Informer.Close] gives one informer back. An informer that has stopped closes [Informer.Done];
// reading it is a [StoppedError] from then on, so that nobody works on a cache that stands still.
// Reading before the initial list is there is a [NotSyncedError]. Neither is taken for NotFound.
//
// # The way of an object
//
// Objects stay bytes until somebody reads them. The reflector (reflector.go) cuts them off the
// stream, the DeltaFIFO (deltafifo.go) carries them in order to the store (package store), which
// keeps them packed, and the processor (processor.go) gives each handler an [Item]: key, labels and
// owner at no cost, the object itself decoded when Item.Object is called.
//
// # Reading
//
// The cache holds bytes. What a read costs depends on how much of the object it decodes, and on
// whether that has been done already: what is read often stays decoded, within a budget
// ([DecodedBudget], 16 MiB an informer), as one object that all readers share. From cheap to dear,
// for a Pod of 4.2 KB (as protobuf) on one core of a small machine:
//
//	                                     packed   decoded
//	Lister.Item, Items: key, labels...   0.05 µs  0.05 µs  metadata; nothing is unpacked
//	Lister.View, Views, Item.View        35 µs    0.07 µs  lent: not to be changed or kept
//	Item.Annotation                      1.4 µs   1.4 µs   found in the bytes
//	Item.Partial: two fields             3 µs     3 µs     a copy of what is asked for
//	Item.Partial: the whole status       9 µs     9 µs
//	Lister.Get, List, All, Item.Object   35 µs    17 µs    a copy; DeepCopy alone takes 15 µs
//
// (go test ./informer -run '^$' -bench Read -benchmem measures them.) A decoded Pod takes 16 KB of
// memory, a packed one a few hundred bytes. So:
//
//   - [Lister.Items] and [Lister.Item], wherever names, labels, owner and versions are enough. An
//     index by them, or by a field's value with [Informer.AddFieldIndex], decodes nothing either.
//   - [Lister.Get], wherever the object is worked with. Change it, send it, keep it: it is yours.
//   - [Lister.View] and [Lister.Views] in hot loops that only look. Run the tests with
//     [CheckViews].
//   - [Item.Partial], to look at little of objects that are not read again soon, or of all of them:
//     it leaves what is decoded alone.
//   - [KeepDecoded], for a type that is looked at as a whole all the time, such as a scheduler's
//     Nodes: then every View is of a decoded object.
//   - [Drop], for what nobody reads: it is never kept at all.
//
// An object is kept decoded from the second time on that it is read within a while; to go over
// everything once pushes out nothing that is hot, and what has not been read for long makes room.
// When it changes, the old state goes at once. [Informer.Stats] says how much is kept and how often
// it was there.
//
// # What is promised
//
//   - The cache converges to the server's state after any fault.
//   - A handler is first called when the initial list is complete, so that it may read the cache.
//   - A handler sees the changes of one key in their order: one Add, any number of Updates, one
//     Delete; then perhaps an Add again. Nothing is invented: an Update's old item is what this
//     handler was told last, and an object that a relist finds unchanged is not told again. An
//     object that was deleted and created again meanwhile, which its UID tells, is a Delete and
//     an Add.
//   - A Delete carries the last known item, also when the deletion itself was missed.
//   - Handlers do not wait for each other, and the stream waits for none of them. A handler that
//     keeps up sees every change. One that lags far behind has the changes of a key that it has not
//     seen yet merged into one (queue.go says how), so that what waits for it stays bounded
//     by the objects that it knows of and those that exist.
//   - What the store contains is at least as new as what a handler is told of.
//
// Nothing is promised about the order of changes of different keys.
package informer
