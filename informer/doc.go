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
// Reading before the initial list is there is a [NotSyncedError], and reading a resource that the
// server does not serve (of [WhenServed]) a [NotServedError]. None of them is taken for NotFound.
//
// # States
//
// [Informer.Status] returns what an informer is doing, as State:
//
//	idle       It has not been started.
//	streaming  It reads a list by a watch (watch-list, KEP-3157).
//	paging     It reads a list in pages, because the server does no watch-list.
//	watching   It receives changes.
//	checking   A watch broke off. It asks whether the server has come to the version that has been
//	           read. A server that was restored from a backup has not; then a list follows.
//	asking     It asks the server to come to a version that a WaitFor or Contains waits for.
//	polling    The resource cannot be watched (Status.Unwatchable). It waits for the next list,
//	           for two to four minutes.
//	waiting    A request failed (Status.LastError). It waits before the next attempt.
//	discovering
//	           Of [WhenServed]: a request was answered by 404. It asks whether the server serves the
//	           resource.
//	unserved   Of [WhenServed]: the server does not serve the resource. It asks again after 1 to 60
//	           seconds.
//	stopped    Its context has ended, or it was closed.
//
// # The way of an object
//
// An object is not decoded until it is read. The reflector reads it from the server's stream as
// bytes. The DeltaFIFO passes it to the store in the order of the stream, and the store (package
// store) keeps it packed. The processor calls each handler with an [Item], which has the metadata.
// [Item.Object] decodes the object.
//
// # Reading
//
// The cache holds bytes. The cost of a read depends on how much of the object it decodes, and on
// whether the cache has the object in decoded form already. Objects that are read often stay
// decoded, within a budget ([DecodedBudget], 16 MiB for each informer). Readers share that decoded
// object. The table is for a Pod of 4.2 KB (as protobuf) on one core of a small machine, the
// cheapest read first. "packed" means that the cache has only the bytes:
//
//	                                     packed   decoded
//	Lister.Item, Items: key, labels...   0.05 µs  0.05 µs  metadata; nothing is unpacked
//	Lister.View, Views, Item.View        35 µs    0.07 µs  shared: do not change or keep it
//	Item.Annotation                      1.4 µs   1.4 µs   found in the bytes
//	Item.Partial: two fields             3 µs     3 µs     a copy of what is asked for
//	Item.Partial: the whole status       9 µs     9 µs
//	Lister.Get, List, All, Item.Object   35 µs    17 µs    a copy; DeepCopy alone takes 15 µs
//
// (go test ./informer -run '^$' -bench Read -benchmem measures them.) A decoded Pod takes 16 KB of
// memory, a packed one a few hundred bytes. So:
//
//   - Use [Lister.Items] and [Lister.Item] if names, labels, owner and versions are enough. An
//     index by them, or by the value of a field ([Informer.AddFieldIndex]), decodes nothing either.
//   - Use [Lister.Get] to work with an object. The copy is yours to change, send and keep.
//   - Use [Lister.View] and [Lister.Views] in hot loops that only read, and run their tests with
//     [CheckViews].
//   - Use [Item.Partial] to read a few fields of objects that are not read again soon, or of all
//     objects. It does not change which objects are kept decoded.
//   - Use [KeepDecoded] for a type that is always read as a whole, such as a scheduler's Nodes.
//     After each change, the first View decodes the object and the others find it decoded.
//   - Use [Drop] for fields that nobody reads. The cache never holds them. [Transform] changes objects
//     by a function, and drops objects. Do not write back what either has changed.
//
// An object is kept decoded from its third read in a short time on. One pass over all objects
// therefore does not displace the objects that are read often, and a controller that reads a state
// once for its change and once for what it wrote itself keeps nothing decoded. When the budget is
// used up, objects that have not been read lately are dropped. When an object changes, its old
// decoded state is dropped at once. [Informer.Stats] returns how much is kept, and how many reads
// found their object decoded.
//
// # What is promised
//
//   - The cache converges to the server's state after any fault.
//   - A handler is first called when the initial list is complete, so that it may read the cache. Of
//     [Namespaces], that is the list of the object's namespace.
//   - A handler sees the changes of one key in order: one Add, any number of Updates, one Delete,
//     and perhaps an Add again. The old item of an Update is the item of the handler's previous
//     call for that key. If a relist finds an object unchanged, byte for byte, no handler is called.
//     If an object was deleted and created again meanwhile (its UID differs), a Delete and an Add
//     follow.
//   - A Delete carries the last known item, also when the deletion itself was missed.
//   - Handlers do not wait for each other, and the stream does not wait for handlers. A handler
//     that keeps up sees every change. For a handler that lags far behind, the changes of one key
//     that it has not seen yet are merged into one. The events that wait for it are therefore
//     bounded by the objects that it knows and those that exist.
//   - When a handler is called, the store is at least as new as the handler's item.
//
// Nothing is promised about the order of changes of different keys.
package informer
