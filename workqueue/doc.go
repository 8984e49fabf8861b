// Package workqueue is the queue between a controller's event handlers and its workers. Handlers
// add the keys of objects that changed; workers take a key, bring its object into the right state,
// and put the key back if that failed.
//
// What the queue promises:
//
//   - A key is queued at most once, however often it is added. A worker acts on the latest state,
//     so one turn covers all events before it.
//   - No two workers have the same key at once. If a key is added while a worker has it, it is
//     queued at that worker's Done.
//   - No Add is lost: after it, the key is handed out at least once.
//   - Keys are handed out in the order in which they were queued. A key that is queued again goes
//     to the end, so a busy key does not starve the others. [WithPriority] lets the keys of
//     AddLow, such as those of an initial list, wait behind the others for a limited time.
//   - If AddAfter is called several times for a key, the earliest time counts. Times are those of
//     the monotonic clock, so a change of the wall clock has no effect.
//   - The queue owns no goroutine. One timer is set to the earliest delayed key; ShutDown stops it.
//   - The memory used depends on the keys that are queued, processed, delayed or failing now, not
//     on past keys.
//
// The names are those of client-go's workqueue. Three things differ, each because the original
// invites a mistake. Get takes a context, so that a worker can be stopped without stopping the
// queue, and returns an error in place of a boolean, so that a loop written for the original's
// inverse flag does not compile. ShutDownWithDrain takes a context too, and waits for the keys
// still queued as well as for those being processed. Done of a key that is not being processed does
// nothing.
//
// A whole worker:
//
//	queue := workqueue.New[workqueue.Key]()
//	// in an event handler: queue.Add(workqueue.Key{Namespace: item.Namespace(), Name: item.Name()})
//
//	for {
//		key, err := queue.Get(ctx)
//		if err != nil {
//			return // shut down and empty, or ctx has ended
//		}
//		if err := reconcile(ctx, key); err != nil {
//			queue.AddRateLimited(key) // again, later each time
//		} else {
//			queue.Forget(key) // the next failure starts from the shortest delay
//		}
//		queue.Done(key)
//	}
//
// Every key from Get needs its Done; until then it is not handed out again. Run the loop in as many
// goroutines as there are to be workers.
package workqueue
