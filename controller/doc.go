// Package controller is the loop at the heart of a Kubernetes controller: it
// watches objects, and calls a Reconcile for each one that may not be in the
// state that it should be in, until it is.
//
// What enters is a sentence about what the controller is For, what it Owns and
// what it Watches; what leaves is calls of a function of one key. A whole
// controller:
//
//	factory := informer.NewFactory(c) // c is a *rest.Client
//	services := informer.For[corev1.Service](factory).Lister()
//	err := controller.New("addingress", factory,
//		func(ctx context.Context, key controller.Key) (controller.Result, error) {
//			svc, err := services.In(key.Namespace).Get(key.Name)
//			…
//		},
//		controller.For[corev1.Service](),
//		controller.Owns[networkingv1.Ingress](),
//		controller.Workers(5),
//	).Run(ctx)
//
// # The way of an event
//
//   - A source ([For], [Owns], [Watches]; source.go) registers a handler with an
//     informer. From each change it makes keys, out of what an item tells without
//     decoding: its own name, its controller owner's, or what a function says.
//     [Source.Where] and [Source.WhenChanged] drop what cannot matter.
//   - Keys go through a workqueue: one that is queued ten times is reconciled once,
//     and never twice at the same time.
//   - A worker (turn.go) calls the Reconcile. Its error has the key come back later
//     each time, up to [MaxRetries]; [Terminal] errors do not come back; a panic is
//     an error.
//   - A key that has written waits until the caches show what it wrote (holds.go).
//     Writes are noted by package client under the Reconcile's context, and
//     resourceVersions are comparable since Kubernetes 1.35, so this needs no
//     bookkeeping in the Reconcile: it may trust what a lister says of its own
//     writes. It may not trust it of others' writes; those are what preconditions
//     (a resourceVersion in an update, a UID in a delete) are for.
//
// # Stopping
//
// When Run's context ends no more keys are taken. Reconciles under way go on under
// a context that lives for the [DrainTimeout] more, and Run returns when they have
// finished.
package controller
