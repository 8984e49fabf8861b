// Package events writes Events of the API group events.k8s.io/v1: what kubectl describe shows of an
// object's life.
//
//	recorder, err := events.New(c, events.Options{Controller: "example.com/budgets"})
//	…
//	go recorder.Run(ctx)
//	…
//	recorder.Warning(deployment, "NoSelector", "CreateBudget", "spec.selector matches no pod")
//
// Recording never waits for the API server. The goroutine of Run writes, and what is too much is
// dropped and counted:
//
//   - An occurrence that is equal to an earlier one continues its Event as a series, also after a
//     restart of the program. A series is written at most every 10 seconds, with pauses that double
//     up to 6 minutes.
//   - Of the Events about one object with the same type, reason and action, 10 may have notes of
//     their own within the time that they are remembered. Further ones are one series.
//   - One object gets 25 new Events at once, and one more each minute.
//   - The recorder writes QPS Events per second, and keeps at most Queue that are not written yet.
//
// Fields that are longer than the API permits are cut: the note to 1024 bytes, reason, action and
// instance to 128. An Event about a cluster-scoped object is in the namespace default. An Event
// whose namespace is being deleted, or which the program may not write, is dropped; the first such
// error is logged as a warning. The API server keeps an Event for an hour after its last write
// (--event-ttl).
//
// Needed rights: create, get and patch of events.events.k8s.io.
package events
