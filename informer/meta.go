package informer

import (
	"github.com/skiff-k8s/skiff/store"
	"github.com/skiff-k8s/skiff/wire"
)

// Meta is the part of an [Item] that does not depend on the object's Go type: its metadata. It is
// an immutable value, safe for concurrent use. No method decodes the object.
//
// The zero Meta stands for no object; its methods return zero values.
type Meta struct{ item store.Item }

// Key returns "namespace/name", or "name" for a cluster-scoped object.
func (m Meta) Key() string { return m.item.Key() }

// Namespace returns the object's namespace; "" when it is cluster-scoped.
func (m Meta) Namespace() string { return m.item.Namespace() }

// Name returns the object's name.
func (m Meta) Name() string { return m.item.Name() }

// UID returns the object's UID, which no other object ever has, even one of the same name.
func (m Meta) UID() string { return m.item.UID() }

// ResourceVersion returns the version of this state of the object.
func (m Meta) ResourceVersion() string { return m.item.ResourceVersion() }

// Generation returns metadata.generation, which counts the changes of the desired state.
func (m Meta) Generation() int64 { return m.item.Generation() }

// Deleting reports whether the object's deletion has begun (metadata.deletionTimestamp is set).
func (m Meta) Deleting() bool { return m.item.Deleting() }

// Labels returns the object's labels. They implement the Labels interface of
// k8s.io/apimachinery/pkg/labels, so that a Selector matches them as they are.
func (m Meta) Labels() wire.Labels { return m.item.Labels() }

// Owner returns the owner that has controller: true; the zero Owner when there is none.
func (m Meta) Owner() wire.Owner { return m.item.Owner() }

// Annotation returns the value of one annotation and whether it is set. It unpacks the object's
// bytes and searches them, without decoding.
func (m Meta) Annotation(key string) (string, bool) { return m.item.Annotation(key) }

// IsZero reports whether m stands for no object.
func (m Meta) IsZero() bool { return m.item.IsZero() }
