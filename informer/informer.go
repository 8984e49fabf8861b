package informer

import (
	"context"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/store"
)

// Untyped is the part of [Informer] that does not depend on the object's Go type. *Informer[T]
// implements it, and nothing outside of this package can.
type Untyped interface {
	// Kind returns the kind of the informer's objects.
	Kind() kind.Info
	// Namespace returns the namespace that the informer is confined to; "" is all. The names of
	// several are joined by commas.
	Namespace() string
	// String names the informer for people: `pods in namespace "web" with labels app=db`.
	String() string
	// HasSynced reports whether the initial list has arrived in the cache.
	HasSynced() bool
	// WaitForSync waits until the initial list is in the cache.
	WaitForSync(ctx context.Context) error
	// Done returns a channel that is closed when the informer has stopped.
	Done() <-chan struct{}
	// Err returns why the informer has stopped or cannot run.
	Err() error
	// ResourceVersion returns the newest version that the cache contains.
	ResourceVersion() string
	// Contains reports whether the cache contains everything up to that version.
	Contains(resourceVersion string) bool
	// WaitFor waits until the cache contains everything up to that version.
	WaitFor(ctx context.Context, resourceVersion string) error
	// WaitForNow waits until the cache contains everything that the server has at the call.
	WaitForNow(ctx context.Context) error
	// OnProgress calls f after each time that the cache has moved on, until stop is called.
	OnProgress(f func(resourceVersion string)) (stop func())
	// Status returns the informer's state and its last error.
	Status() Status
	// Stats returns the cache's counts and sizes.
	Stats() store.Stats

	base() *shared
}

var (
	_ Untyped = (*shared)(nil)
	_ Untyped = (*Informer[struct{}])(nil)
)

// Informer is the cache of one resource as Go type T, and calls handlers for its changes. [For] and
// [ForResource] return one. It is safe for concurrent use.
type Informer[T any] struct{ handle handle }

// For returns the factory's informer of the resource of T (see package kind), with these options.
//
// T is the struct, such as corev1.Pod; P is inferred. A pointer type does not compile: of
// For[*corev1.Pod] the compiler reports a missing method GetAnnotations.
//
// Calls with the same resource, namespace, selectors, format, KeepManagedFields, Drop, Transform and
// WhenServed share one cache and one stream. Of the options that differ
//
//   - OnError, Logger and CrashOnPanic are those of the first call;
//   - DecodedBudget is the largest of all calls;
//   - CheckViews holds if one call has it;
//   - Resync holds for the handlers that are added to the informer of its own call.
//
// A mistake in the call is the error of every method of the informer and its lister that returns
// one, and Factory.Run and Start return it at once:
//
//   - a *kind.UnknownError, if nobody has registered T;
//   - a *kind.MisuseError, if T is unstructured.Unstructured (see [ForResource]), if Namespace
//     or Namespaces is among opts and T is cluster-scoped, if Namespaces has no or a wrong name, or if a Transform takes another type;
//   - a *fieldpath.Error, if T has no field that Drop names.
func For[T any, P kind.Object[T]](f *Factory, opts ...Option) *Informer[T] {
	t := reflect.TypeFor[T]()
	k, err := kind.OfType(t)
	// By name: a mention of the type links all of its methods into every informer program.
	if t.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured" {
		err = &kind.MisuseError{Verb: "make informer of", Resource: t.String(),
			Problem: "it can hold objects of any kind; use ForResource, which takes the kind"}
	}
	return newInformer[T](f, k, t, err, opts)
}

// ForResource returns the factory's informer of any resource, custom or built in, without a Go type
// of its own. The objects come as JSON, for that is what Unstructured holds. It is like For in
// everything else; a kind without Version or Resource is a mistake.
func ForResource(f *Factory, k kind.Info, opts ...Option) *Informer[unstructured.Unstructured] {
	return newInformer[unstructured.Unstructured](f, k, nil, incomplete(k),
		append(opts[:len(opts):len(opts)], JSON()))
}

// newInformer returns the informer of k, as Go type T. t is T, or nil if its fields are not known;
// mistake is why there can be none.
func newInformer[T any](f *Factory, k kind.Info, t reflect.Type, mistake error,
	opts []Option) *Informer[T] {
	i := &Informer[T]{}
	f.open(&i.handle, k, t, mistake, opts)
	return i
}

// Close ends the use of this Informer. When all Informers of the same cache are closed, the stream
// ends and the cache is freed; For then makes a new one. Close does not wait for that.
//
// The handlers added to this Informer are removed, and from now on its methods that return an
// error, and its listers', return a *StoppedError. Closing it again does nothing.
func (i *Informer[T]) Close() { i.handle.close() }

// Done returns a channel that is closed when the informer has stopped: after Close, when the
// factory's context has ended, or at once if it cannot run. Its cache has been freed. Calls of
// handlers may still be under way (see Registration.Done).
func (i *Informer[T]) Done() <-chan struct{} { return i.handle.alive().Done() }

// Err returns why the informer has stopped, a *StoppedError, or why it cannot run (see For). It is
// nil while the informer runs, and before its factory is started.
func (i *Informer[T]) Err() error { return i.handle.err() }

// Kind returns the kind of the informer's objects. It is zero if T is not registered.
func (i *Informer[T]) Kind() kind.Info { return i.handle.Kind() }

// Namespace returns the namespace that the informer is confined to; "" is all. The names of several
// are joined by commas.
func (i *Informer[T]) Namespace() string { return i.handle.Namespace() }

// String names the informer for people: `pods in namespace "web" with labels app=db`.
func (i *Informer[T]) String() string { return i.handle.String() }

// HasSynced reports whether the initial list has arrived in the cache; of Namespaces, the lists of all.
// Whether a handler has been called for all of it, its Registration reports.
func (i *Informer[T]) HasSynced() bool { return i.handle.HasSynced() }

// WaitForSync waits until the initial list is in the cache. If ctx ends first, the error wraps
// ctx's and the last one that the informer met, and names the namespaces that are missing. If the informer has stopped or cannot run, it is
// Err's. A wait of ten seconds is logged, and again each minute.
func (i *Informer[T]) WaitForSync(ctx context.Context) error {
	return i.handle.wait(ctx, i.handle.WaitForSync)
}

// ResourceVersion returns the newest version that the cache contains: every change of the
// informer's objects up to it is in the cache. Events and bookmarks move it on. It falls if the server
// was restored from a backup. It is "" before the initial list, and if the server gives its lists no
// version.
func (i *Informer[T]) ResourceVersion() string { return i.handle.ResourceVersion() }

// Contains reports, without waiting, whether the cache contains everything up to that version,
// which may come from any object, list or bookmark of the same resource (KEP-5504: versions of one
// resource are ordered). For a version that is no such number, as aggregated servers may have, it
// returns true: nobody can know, and nobody should wait for it forever. Before the initial list it
// returns false. If the server was restored from a backup, it returns false for a version that it
// returned true for, until the restored server has come to it again: with other changes.
func (i *Informer[T]) Contains(resourceVersion string) bool {
	return i.handle.Contains(resourceVersion)
}

// WaitFor waits until the cache contains everything up to that version: after it, the lister sees
// the write that returned it. If ctx ends first, the error wraps ctx's. If the version cannot be
// compared, it is an *OpaqueVersionError at once. If the server is restored from a backup to a
// version before it meanwhile, it is a *RestoredError. If the informer has stopped or cannot run, it
// is Err's.
//
// A write of an object of this informer is seen by its own event. (Of [Namespaces], wait for the
// stream of its namespace: i.In(namespace).WaitFor.) Where no event comes (the version is of another
// namespace, or a list's), the server is asked how far it is, so that this
// takes seconds even if nothing changes. If the server does not tell, because it has no watch cache
// for the resource (Events), the informer lists after some 15 seconds.
func (i *Informer[T]) WaitFor(ctx context.Context, resourceVersion string) error {
	return i.handle.wait(ctx, func(ctx context.Context) error {
		return i.handle.WaitFor(ctx, resourceVersion)
	})
}

// WaitForNow waits until the cache contains everything that the server has when WaitForNow is called.
// It lists the objects, and returns that request's error, or what WaitFor returns. It is for tests: a
// controller knows the version of what it wrote.
func (i *Informer[T]) WaitForNow(ctx context.Context) error {
	return i.handle.wait(ctx, func(ctx context.Context) error {
		return i.handle.WaitForNow(ctx)
	})
}

// OnProgress calls f each time that the cache has moved on, with the version that it contains now:
// the cache has been updated already, and handlers have the events in their queues. f is called
// from the stream's own goroutine and must not block. It is not called for the past. A version below
// that of the call before means that the server was restored from a backup. After stop has returned,
// or the informer was closed, no call begins, except one that was about to.
func (i *Informer[T]) OnProgress(f func(resourceVersion string)) (stop func()) {
	return i.handle.onProgress(i.handle.feeds, f)
}

// Status returns the informer's state and its last error.
func (i *Informer[T]) Status() Status { return i.handle.Status() }

// Stats returns the cache's counts and exact sizes, packed and decoded. It takes constant time.
func (i *Informer[T]) Stats() store.Stats { return i.handle.Stats() }

// AddHandler calls h's functions for every change from now on, beginning with OnAdd for each object
// that is in the cache already. They are called one at a time and in order, in a goroutine that
// belongs to this handler and ends with it or with the informer.
func (i *Informer[T]) AddHandler(h Handler[T], opts ...HandlerOption) *Registration {
	cfg := handlerConfig{owner: &i.handle, resync: i.handle.resync}
	for _, o := range opts {
		o.applyToHandler(&cfg)
	}
	s := i.handle.shared
	return s.add(func(e *event) { h.call(s, e) }, cfg)
}

// Lister returns the reader of the cache.
func (i *Informer[T]) Lister() Lister[T] { return Lister[T]{informer: &i.handle} }

func (i *Informer[T]) base() *shared { return i.handle.shared }
