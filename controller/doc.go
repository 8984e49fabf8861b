// Package controller runs the reconcile loop of a Kubernetes controller: it watches objects, and
// calls a [Reconcile] for each object that may not be in the state that it should have, until it
// is.
//
// A controller is made of informers (package informer) and one function:
//
//	factory := informer.NewFactory(c) // c is a *rest.Client
//	services := informer.For[corev1.Service](factory)
//	ingresses := informer.For[networkingv1.Ingress](factory)
//
//	reconcile := func(ctx context.Context, key controller.Key) (controller.Result, error) {
//		svc, err := services.Lister().Get(key.Namespace, key.Name)
//		…
//	}
//	err := controller.Run(ctx, factory, controller.New("addingress", reconcile,
//		controller.For(services), controller.Owns(ingresses), controller.Workers(5)))
//
// # From an event to a call
//
//   - A source ([For], [Owns], [Watches]) adds a handler to its informer. For each change it makes
//     keys from the object's metadata, without decoding the object: its own key, the key of its
//     controller owner, or what a function returns. [Source.When] and [Source.Where] ignore changes
//     that do not matter.
//
//   - The keys go through a workqueue. A key that is queued ten times is reconciled once, and never
//     twice at the same time. The keys of an initial list or a resync wait behind those of live
//     events, retries and RequeueAfter, for a limited time ([LowWait]).
//
//   - [Channel] and [Feed] name keys without an informer. [NewKeyed] makes a controller whose keys name
//     no objects.
//
//   - A worker calls the Reconcile. After an error or a panic the key is tried again, with growing
//     pauses, up to [MaxRetries]. A key whose error is [Terminal] is not tried again.
//
//   - After a reconcile has written, its key is not reconciled again until the caches have seen that
//     write. Package client reports the writes that are made under the Reconcile's context, and
//     resourceVersions can be compared since Kubernetes 1.35, so the Reconcile does nothing for this:
//     it may rely on its listers for its own writes. It may not rely on them for the writes of
//     others; use preconditions for those (a resourceVersion in an update, a UID in a delete).
//
// This source ignores changes of the status, and Deployments without the label "app":
//
//	controller.For(deployments).
//		When(controller.Or(controller.GenerationChanged, controller.LabelChanged("app"))).
//		Where(func(d informer.Item[appsv1.Deployment]) bool { return d.Labels().Has("app") })
//
// The controller calls each function that it was given without a lock, so that they may call the
// controller, its informers and each other. A panic is logged, with its stack if that is new, and
// contained. A [Reconcile] that panics has failed. A function of [Source.Where] or [Source.When]
// that panics has returned true, and that of [Watches] names no key. In place of a [RateLimiter]
// that panics the default one is asked.
//
// # Metrics and traces
//
// [Controller.Stats] returns counts and levels, and an [Observer] is called for what happens: for the
// figures of workqueue_* and controller_runtime_*, for a span around each reconcile, and for the
// history of a key.
//
// # Starting and stopping
//
// [Run] runs a factory with its controllers; [Controller.Run] runs one controller on informers that
// run already. Both wait until all caches of the controller are in sync: those of its sources and
// those that [Reads] names. Only then the functions of the controller are called, so each of them
// may read these caches.
//
// A controller never goes on with a cache that stands still. If one of its caches stops, Run ends
// with an error. If one of them is not in sync within the [SyncTimeout] while the API server
// answers, because the controller may not list the resource or a CustomResourceDefinition is
// missing, Run ends with an error that names the informer and its last error. A server that cannot
// be reached is waited for, and the log says so.
//
// When Run's context ends the controller takes no more keys. Reconciles that are running go on,
// under a context of their own, for up to the [DrainTimeout], and Run returns when they have
// finished. If the cause of the end has a method Aborts() bool that returns true, as the loss of
// leadership has (election.LostError), the contexts of running reconciles end at once. If it has a
// method DrainTimeout() time.Duration, the shorter of the two times holds, unless one is negative.
package controller
