package informer

import (
	"github.com/skiff-k8s/skiff/wire"
)

// Object returns the object decoded, the caller's own to keep and to change. If the cache has it
// decoded (see "Reading" in the package's documentation) this copies it with its type's generated
// DeepCopyInto; if not, or if the type has none, this decodes it. It is an error if T cannot hold
// the object: a type that does not fit its kind.
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

// copier is what deepcopy-gen makes of a *T.
type copier[T any] interface{ DeepCopyInto(*T) }

// View calls f with the object as the cache shares it among all who read it, without a copy: f must
// not change it, nor anything in it, and must keep nothing of it when it returns (strings, which
// nobody can change, it may). What needs to be kept or changed, take from Object.
//
// Methods that look like reading and write, such as AsDec and Cmp of a resource.Quantity, must be
// called on a copy of the value; String may be called on the object's own. [CheckViews] finds what
// is done wrong.
//
// It returns f's error, or that of decoding.
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

// read returns the object as the cache shares it, or else decoded for the caller alone.
func (i Item[T]) read() (object *T, shared bool, err error) {
	value, shared, err := i.item.Shared(decodeAs[T], footprint)
	if err != nil {
		return nil, false, err
	}
	if object, ok := value.(*T); ok {
		return object, shared, nil
	}
	// Another Go type of the same kind reads this cache too, and was first.
	object, err = i.decode()
	return object, false, err
}

func (i Item[T]) decode() (*T, error) {
	into := new(T)
	if err := i.item.Use(func(o wire.Object) error { return wire.Decode(o, into) }); err != nil {
		return nil, err
	}
	return into, nil
}

func decodeAs[T any](o wire.Object) (any, error) {
	into := new(T)
	if err := wire.Decode(o, into); err != nil {
		return nil, err
	}
	return into, nil
}
