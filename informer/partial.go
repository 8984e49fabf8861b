package informer

import (
	"errors"
	"reflect"
	"sync"

	"github.com/skiff-k8s/skiff/wire"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// Fields is a set of fields of T, for [Item.Partial]. It is immutable and safe for concurrent use.
// Make it once, not for each object.
type Fields[T any] struct{ fields *fieldpath.Set }

// NewFields returns the set of the fields at the given paths, which name them as JSON does (package
// fieldpath has the syntax): "spec.nodeName", "spec.containers[*].image",
// "metadata.annotations['example.com/a']". A path to an object or a list chooses all that is in it.
// The error is a *fieldpath.Error: a path that is malformed, or that T does not have.
func NewFields[T any](paths ...string) (*Fields[T], error) {
	fields, err := fieldpath.New(reflect.TypeFor[T](), paths...)
	if err != nil {
		return nil, err
	}
	return &Fields[T]{fields}, nil
}

// MustFields is NewFields for paths that are known when a program is written, such as those of a
// package's variables. It panics with NewFields' error.
func MustFields[T any](paths ...string) *Fields[T] {
	fields, err := NewFields[T](paths...)
	if err != nil {
		panic("informer: MustFields: " + err.Error())
	}
	return fields
}

// String returns the paths, sorted, each once.
func (f *Fields[T]) String() string { return f.fields.String() }

var errNoFields = errors.New("informer: Partial without fields: make them with NewFields")

// Partial returns the object with only these fields decoded. All other fields are zero, including
// metadata.name if it is not among them; Item.Name returns that. Lists keep their length. The
// result is the caller's own.
func (i Item[T]) Partial(fields *Fields[T]) (*T, error) {
	if fields == nil || fields.fields == nil {
		return nil, errNoFields
	}
	into := new(T)
	err := i.item.Use(func(o wire.Object) error {
		buf := partials.Get().(*[]byte)
		kept, err := o.Keep(fields.fields, *buf)
		if err != nil {
			return err
		}
		err = wire.Decode(kept, into)
		if *buf = kept.Data; cap(*buf) <= maxPartial {
			partials.Put(buf)
		}
		return err
	})
	if err != nil {
		return nil, redact(i.client, err)
	}
	return into, nil
}

// partials are buffers for the bytes of the fields until they are decoded.
var partials = sync.Pool{New: func() any { return new([]byte) }}

// maxPartial keeps a rare huge object from pinning memory for good.
const maxPartial = 1 << 20
