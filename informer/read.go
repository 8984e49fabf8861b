package informer

import (
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Object returns the object decoded. It is the caller's own, to keep and to change. If the informer
// has a Drop or a Transform, do not send it in an Update: what they left out would be deleted. If the cache
// has the object decoded (see "Reading" in the package's documentation), Object copies it with the
// generated DeepCopyInto of its type. Otherwise, or if the type has none, Object decodes it. The
// error is that T cannot hold the object, because it is not the type of its kind.
func (i Item[T]) Object() (*T, error) {
	if _, ok := any((*T)(nil)).(copier[T]); !ok {
		return i.decode()
	}
	object, shared, err := i.read()
	if err != nil || !shared {
		return object, err
	}
	own := new(T)
	any(object).(copier[T]).DeepCopyInto(own)
	return own, nil
}

// copier has the method that deepcopy-gen generates for *T.
type copier[T any] interface{ DeepCopyInto(*T) }

// View calls f with the object that all readers of the cache share, without a copy. f must not
// change it, nor anything in it, and must not keep any of it after it returns, except strings. To
// keep or change an object, use Object.
//
// Some methods seem to read and do write, such as AsDec and Cmp of a resource.Quantity. Call these
// on a copy of the value; String may be called on the object's own. [CheckViews] finds violations.
//
// View returns f's error, or the error of decoding.
func (i Item[T]) View(f func(*T) error) error {
	object, _, err := i.read()
	if err != nil {
		return err
	}
	if i.check {
		i.mustBeUnchanged(object, "before this View, after another one")
		defer i.mustBeUnchanged(object, "in this View")
	}
	return f(object)
}

// read returns the decoded object that all readers share, or one decoded for this caller alone.
func (i Item[T]) read() (object *T, shared bool, err error) {
	value, shared, err := i.item.Shared(decodeAs[T], footprint)
	if err != nil {
		return nil, false, redact(i.client, err)
	}
	if object, ok := value.(*T); ok {
		return object, shared, nil
	}
	// The shared object is of another Go type for the same kind, which was read first.
	object, err = i.decode()
	return object, false, err
}

func (i Item[T]) decode() (*T, error) {
	into := new(T)
	if err := i.item.Use(func(o wire.Object) error { return wire.Decode(o, into) }); err != nil {
		return nil, redact(i.client, err)
	}
	return into, nil
}

// redact returns an error of decoding, which may repeat a value of the object, without the client's
// credentials. c is nil for the zero Item.
func redact(c *rest.Client, err error) error {
	if c == nil {
		return err
	}
	return c.Redact(err)
}

func decodeAs[T any](o wire.Object) (any, error) {
	into := new(T)
	if err := wire.Decode(o, into); err != nil {
		return nil, err
	}
	return into, nil
}
