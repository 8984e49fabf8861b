package informer

import (
	"context"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/store"
)

// Any is an informer of any type: what can be said without its Go type. *Informer[T] implements it,
// and nothing outside of this package can.
type Any interface {
	// Kind returns what the informer is for.
	Kind() kind.Info
	// Namespace returns the namespace that the informer is confined to; "" is all.
	Namespace() string
	// String names the informer for people: `pods in namespace "web" with labels app=db`.
	String() string
	// HasSynced says whether the initial list is in the cache.
	HasSynced() bool
	// WaitForSync waits until the initial list is in the cache.
	WaitForSync(ctx context.Context) error
	// ResourceVersion returns the newest version that the cache contains.
	ResourceVersion() string
	// Contains says whether the cache contains everything up to that version.
	Contains(resourceVersion string) bool
	// WaitFor waits until the cache contains everything up to that version.
	WaitFor(ctx context.Context, resourceVersion string) error
	// OnProgress has f called after each time that the cache has moved on.
	OnProgress(f func(resourceVersion string)) (stop func())
	// Status says how the informer is.
	Status() Status
	// Stats says what the cache holds and what that takes.
	Stats() store.Stats

	base() *shared
}

var _ Any = (*Informer[struct{}])(nil)

// Informer is the cache of one resource, as Go type T, and the place to ask to be told of its
// changes. It is safe for concurrent use.
type Informer[T any] struct {
	*shared
	resyncEvery time.Duration
}

// For returns the factory's informer of the resource that T is (see package kind), with these
// options. Ask as often as you like: the same resource, namespace, selectors, format,
// KeepManagedFields and Drop are one cache and one stream, which has the OnError, Logger and
// CrashOnPanic of the first who asked, the largest DecodedBudget that anybody asked for, and
// CheckViews if anybody did. Resync holds for the handlers added to what For returns.
//
// If nobody has registered T, WaitForSync and the lister's methods return the *kind.UnknownError; if
// T has no field that Drop names, the *wire.PathError.
func For[T any](f *Factory, opts ...Option) *Informer[T] {
	k, err := kind.OfType(reflect.TypeFor[T]())
	cfg := f.config.with(opts)
	if err == nil {
		err = cfg.compile(reflect.TypeFor[T]())
	}
	return &Informer[T]{f.informer(k, reflect.TypeFor[T](), err, cfg), cfg.resync}
}

// ForResource returns the factory's informer of any resource, custom or built in, without a Go type
// of its own. The objects come as JSON, for that is what Unstructured holds.
func ForResource(f *Factory, k kind.Info, opts ...Option) *Informer[unstructured.Unstructured] {
	cfg := f.config.with(opts)
	cfg.json = true
	err := cfg.compile(nil)
	return &Informer[unstructured.Unstructured]{f.informer(k, nil, err, cfg), cfg.resync}
}

// AddHandler has h told of every change from now on, beginning with an OnAdd for each object that
// is in the cache already. h's functions are called one at a time and in order, in a goroutine that
// belongs to this handler and ends with it or with the informer's context.
func (i *Informer[T]) AddHandler(h Handler[T], opts ...HandlerOption) *Registration {
	cfg := handlerConfig{resync: i.resyncEvery}
	for _, o := range opts {
		o.applyToHandler(&cfg)
	}
	return i.add(func(e *event) { h.call(i.shared, e) }, cfg)
}

// Lister returns the way to read the cache.
func (i *Informer[T]) Lister() Lister[T] { return Lister[T]{informer: i.shared} }
