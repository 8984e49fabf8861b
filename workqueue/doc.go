// Package workqueue is the queue between a controller's event handlers and its
// workers. Handlers add the keys of objects that changed; workers take a key,
// bring its object into the right state, and put the key back if that failed.
//
// What the queue promises:
//
//   - A key is queued at most once, however often it is added: a worker acts on
//     the latest state, so one turn answers any number of events before it.
//   - A key is never with two workers at once. One that is added while a worker
//     has it is handed out again after that worker's Done.
//   - An Add is never lost: after it, the key is handed out at least once.
//   - Keys are handed out in the order in which they were queued, and a key that
//     comes back queues behind those that wait already. A busy key starves nobody.
//   - AddAfter keeps the earliest time that a key was asked for. Time is the
//     monotonic clock's: a jump of the wall clock moves nothing.
//   - The queue owns no goroutine. One timer is armed for the earliest delayed
//     key; ShutDown stops it.
//   - Memory follows the keys that are queued, processed, delayed or failing now,
//     not those that ever were.
//
// The names are those of client-go's workqueue. Three things differ, each
// because the original invites a mistake. Get takes a context, so that a worker
// can be stopped without stopping the queue, and returns an error in place of a
// boolean, so that a loop written for the original's inverse flag does not
// compile. ShutDownWithDrain takes a context too, and waits for the keys still
// queued as well as for those being processed. Done of a key that is not being
// processed does nothing.
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
// Every key from Get needs its Done; until then it is not handed out again. Run
// the loop in as many goroutines as there are to be workers.
package workqueue
