package informer

import (
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/store"
	"github.com/skiff-k8s/skiff/wire"
)

// Item is one state of one object, as the cache holds it: its metadata, and the object as bytes. It
// is an immutable value, safe for concurrent use. It may be kept; as long as it is, so are the
// object's compressed bytes.
//
// The zero Item stands for no object; its methods return zero values, and Object an error.
type Item[T any] struct {
	item    store.Item
	initial bool
	resync  bool
	check   bool         // CheckViews
	client  *rest.Client // knows the credentials that no error may hold
}

func itemOf[T any](s *shared, item store.Item) Item[T] {
	return Item[T]{item: item, check: s.wishes.check.Load(), client: s.client}
}

// Meta returns the item without its Go type.
func (i Item[T]) Meta() Meta { return Meta{i.item} }

// Key returns "namespace/name", or "name" for a cluster-scoped object. A workqueue.Key is a struct
// instead: workqueue.Key{Namespace: i.Namespace(), Name: i.Name()}.
func (i Item[T]) Key() string { return i.item.Key() }

// Namespace returns the object's namespace; "" when it is cluster-scoped.
func (i Item[T]) Namespace() string { return i.item.Namespace() }

// Name returns the object's name.
func (i Item[T]) Name() string { return i.item.Name() }

// UID returns the object's UID, which no other object ever has, even one of the same name.
func (i Item[T]) UID() string { return i.item.UID() }

// ResourceVersion returns the version of this state of the object.
func (i Item[T]) ResourceVersion() string { return i.item.ResourceVersion() }

// Generation returns metadata.generation, which counts the changes of the desired state.
func (i Item[T]) Generation() int64 { return i.item.Generation() }

// Deleting reports whether the object's deletion has begun (metadata.deletionTimestamp is set).
func (i Item[T]) Deleting() bool { return i.item.Deleting() }

// Labels returns the object's labels. They implement the Labels
// interface of k8s.io/apimachinery/pkg/labels, so that a Selector matches them as they are.
func (i Item[T]) Labels() wire.Labels { return i.item.Labels() }

// Owner returns the owner that has controller: true; the zero Owner when there is none.
func (i Item[T]) Owner() wire.Owner { return i.item.Owner() }

// Annotation returns the value of one annotation and whether it is set. It unpacks the object's
// bytes and searches them, without decoding.
func (i Item[T]) Annotation(key string) (string, bool) { return i.item.Annotation(key) }

// Initial reports, in OnAdd, whether the object is part of the state that the handler started from:
// the initial list, or what the cache contained when the handler was added. It is false anywhere
// else.
func (i Item[T]) Initial() bool { return i.initial }

// Resync reports, in OnUpdate, whether the call is part of a resync: then nothing has changed, and
// old and new are the same state. It is false anywhere else. An equal resourceVersion does not mean a
// resync: a default that a schema gains, a conversion or an upgrade of the server changes an object
// whose resourceVersion stays, and OnUpdate is called for that change.
func (i Item[T]) Resync() bool { return i.resync }

// IsZero reports whether the item stands for no object.
func (i Item[T]) IsZero() bool { return i.item.IsZero() }

// Wire returns the object as the bytes that the server sent (without managedFields, unless the
// informer keeps them, and as Drop and Transform left them). They are the caller's own copy.
func (i Item[T]) Wire() (wire.Object, error) { return i.item.Object() }
