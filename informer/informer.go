package informer

import (
	"context"

	"github.com/skiff-k8s/skiff/kind"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const defaultPageSize = 500

// Any is an informer of any type: what can be said without its Go type. It is implemented by
// *Informer[T] only.
type Any interface {
	// Kind returns what the informer is for.
	Kind() kind.Kind
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

	base() *shared
}

var _ Any = (*Informer[struct{}])(nil)

// Informer is the cache of one resource, as Go type T, and the place to ask to be told of its
// changes. It is safe for concurrent use.
type Informer[T any] struct {
	*shared
}

// For returns the factory's informer of the resource that T is (see package kind), with these
// options. Ask as often as you like: the same resource, namespace and selectors are one cache and
// one stream.
//
// If nobody has registered T, WaitForSync and the lister's methods return the *kind.UnknownError.
func For[T any](f *Factory, opts ...Option) *Informer[T] { panic("not built yet") }

// ForResource returns the factory's informer of any resource, custom or built in, without a Go type
// of its own. The objects come as JSON, for that is what Unstructured holds.
func ForResource(f *Factory, k kind.Kind, opts ...Option) *Informer[unstructured.Unstructured] {
	panic("not built yet")
}

// AddHandler has h told of every change from now on, beginning with an OnAdd for each object that
// is in the cache already. h's functions are called one at a time and in order, in a goroutine that
// belongs to this handler.
func (i *Informer[T]) AddHandler(h Handler[T], opts ...HandlerOption) *Registration {
	panic("not built yet")
}

// AddIndex adds an index that Lister.ByIndex can look objects up by: each object is found under
// the values that f returns for it. f must depend on nothing but the item, must not change the
// informer, and is called for each change in the stream's own goroutine, so it ought to be fast:
// metadata costs nothing, Object decodes. It is an error to use a name twice.
func (i *Informer[T]) AddIndex(name string, f func(Item[T]) []string) error { panic("not built yet") }

// Lister returns the way to read the cache.
func (i *Informer[T]) Lister() Lister[T] { panic("not built yet") }

// Kind returns what the informer is for. It is zero if T is not registered.
func (i *Informer[T]) Kind() kind.Kind { panic("not built yet") }

// Namespace returns the namespace that the informer is confined to; "" is all.
func (i *Informer[T]) Namespace() string { panic("not built yet") }

// String names the informer for people: `pods in namespace "web" with labels app=db`.
func (i *Informer[T]) String() string { panic("not built yet") }

// HasSynced says whether the initial list is in the cache. That a handler has been told of it, its
// Registration says.
func (i *Informer[T]) HasSynced() bool { panic("not built yet") }

// WaitForSync waits until the initial list is in the cache. The error wraps ctx's, and says the
// last error that the informer met.
func (i *Informer[T]) WaitForSync(ctx context.Context) error { panic("not built yet") }

// ResourceVersion returns the newest version that the cache contains: every change of the
// informer's objects up to it is in the store. Events and bookmarks move it on. "" before the
// initial list.
func (i *Informer[T]) ResourceVersion() string { panic("not built yet") }

// Contains says, without waiting, whether the cache contains everything up to that version, which
// may come from any object, list or bookmark of the same resource (KEP-5504: versions of one
// resource are ordered). For a version that is no such number (aggregated servers may have their
// own) it says true, for nobody can know, and nobody should wait for it forever.
func (i *Informer[T]) Contains(resourceVersion string) bool { panic("not built yet") }

// WaitFor waits until the cache contains everything up to that version: after it, the lister sees
// the write that returned it. It returns ctx's error, wrapped, if that ends first, and an
// *OpaqueVersionError at once if the version cannot be compared.
//
// A write of an object of this informer is seen by its own event. Where no event comes (the
// version is of another namespace, or a list's), the server is asked how far it is, so that this
// takes seconds even if nothing changes.
func (i *Informer[T]) WaitFor(ctx context.Context, resourceVersion string) error {
	panic("not built yet")
}

// OnProgress has f called each time that the cache has moved on, with the version that it
// contains now: the store has been updated already, and handlers have the events in their queues.
// It is called from the stream's own goroutine and must not block. It is not called for the past.
// After stop returns, it is not called again, unless a call is in progress.
func (i *Informer[T]) OnProgress(f func(resourceVersion string)) (stop func()) {
	panic("not built yet")
}

// Status says how the informer is: what it is doing, what it holds, what went wrong.
func (i *Informer[T]) Status() Status { panic("not built yet") }
