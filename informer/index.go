package informer

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/skiff-k8s/skiff/store"
	"github.com/skiff-k8s/skiff/wire"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// Names of the indexes that every informer has.
const (
	// NamespaceIndex finds objects by their namespace.
	NamespaceIndex = store.NamespaceIndex
	// OwnerIndex finds objects by the UID of the owner that has controller: true.
	OwnerIndex = store.OwnerIndex
)

// AddIndex adds an index for Query.Index: each object is found under the values that f returns for
// it. f must depend on nothing but the item. It is called for each change in the stream's own
// goroutine, so it should be fast: reading metadata costs nothing, Object decodes. f may read the
// informer, and add and remove handlers; it must not wait for the informer. To index by the value of
// a field, use AddFieldIndex. If f panics, the object has no values and the error is reported (see
// OnError).
//
// A name that is in use is an error, and so is a call from within an index function. If the informer
// has stopped or cannot run, the error is Err's.
func (i *Informer[T]) AddIndex(name string, f func(Item[T]) []string) error {
	s := i.handle.shared
	if err := i.Err(); err != nil {
		return err
	}
	return s.addIndex(name, func(item store.Item) (values []string) {
		s.contain(func() { values = f(itemOf[T](s, item)) }, func() string {
			return fmt.Sprintf("index %q has no values for %s", name, item.Key())
		})
		return values
	})
}

// AddFieldIndex adds an index by the values of a field, such as "spec.nodeName" or
// "spec.volumes[*].secret.secretName" (package fieldpath has the syntax). They are read from the
// object's bytes; nothing is decoded. Values are text as JSON has it: strings without their quotes,
// numbers, true and false. An object without the field has no value.
//
// If T has no such field, or it is a list, a map or an object, the error is a *fieldpath.Error. For
// the elements of a list of strings, end the path with [*]. Of an unstructured T nothing is known:
// a path to a list or an object has no values there. Otherwise the errors are AddIndex's.
func (i *Informer[T]) AddFieldIndex(name, path string) error {
	s := i.handle.shared
	if err := i.Err(); err != nil {
		return err
	}
	fields, err := fieldpath.New(reflect.TypeFor[T](), path)
	if err == nil {
		err = fields.NeedValues()
	}
	if err != nil {
		return fmt.Errorf("informer %s: index %q: %w", i, name, err)
	}
	return s.addIndex(name, func(item store.Item) (values []string) {
		err := item.Use(func(o wire.Object) error {
			values = slices.Collect(o.Values(fields))
			return nil
		})
		if err != nil {
			s.report(fmt.Errorf("informer %s: index %q: %w", i, name, err))
		}
		return values
	})
}

// addIndex adds an index to the cache.
func (s *shared) addIndex(name string, f func(store.Item) []string) error {
	if err := s.store().AddIndex(name, f); err != nil {
		return fmt.Errorf("informer %s: %w", s, err)
	}
	return nil
}
