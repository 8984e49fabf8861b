// Package informer keeps a copy of a resource in this process and tells handlers what changes.
//
// An informer lists a resource once, watches it from there, and goes on doing so through dropped
// connections, restarts of the server and expired histories, until its context ends:
//
//	factory := informer.NewFactory(c) // c is a *rest.Client
//	pods := informer.For[corev1.Pod](factory)
//	pods.AddHandler(informer.Handler[corev1.Pod]{
//		OnAdd:    func(pod informer.Item[corev1.Pod]) { queue.Add(pod.Key()) },
//		OnUpdate: func(old, new informer.Item[corev1.Pod]) { queue.Add(new.Key()) },
//		OnDelete: func(last informer.Item[corev1.Pod]) { queue.Add(last.Key()) },
//	})
//	factory.Start(ctx)
//	if err := factory.WaitForSync(ctx); err != nil {
//		return err
//	}
//	pod, err := pods.Lister().In("default").Get("web-0") // the caller's own copy
//
// # The way of an object
//
// Objects stay bytes until somebody reads them. The reflector (reflector.go) cuts them off the
// stream, the DeltaFIFO (deltafifo.go) carries them in order to the store (package store), which
// keeps them packed, and the processor (processor.go) gives each handler an [Item]: key, labels and
// owner at no cost, the object itself decoded when Item.Object is called.
//
// # What is promised
//
//   - The cache converges to the server's state after any fault.
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
