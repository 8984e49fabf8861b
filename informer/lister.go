package informer

import (
	"iter"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
)

// Lister reads the cache. It never asks the server, and before the initial list is there
// (HasSynced) it finds what has arrived so far.
//
// Objects that it returns are the caller's own, to keep and to change; View and Views lend the
// cache's, for reading only. Items cost nothing.
// Lists show the cache as it was at one moment; what changes meanwhile does not show.
//
// A Lister is a small value; it is safe for concurrent use.
type Lister[T any] struct {
	informer  *handle
	namespace string
}

// In returns the lister of one namespace; "" is all.
func (l Lister[T]) In(namespace string) Lister[T] {
	l.namespace = namespace
	return l
}

// Get returns the object of that name in the lister's namespace, or of that key ("namespace/name",
// or the name of a cluster-scoped object) when it is of all namespaces. Where there is none the
// error is one that apierrors.IsNotFound recognises.
func (l Lister[T]) Get(name string) (*T, error) {
	item, err := l.find(name)
	if err != nil {
		return nil, err
	}
	return item.Object()
}

// View calls f with what Get returns, as the cache shares it among all who read it, without a copy:
// f must not change it, nor anything in it, and must keep nothing of it (see [Item.View]). Its error
// is that of finding or decoding the object, or f's.
func (l Lister[T]) View(name string, f func(*T) error) error {
	item, err := l.find(name)
	if err != nil {
		return err
	}
	return item.View(f)
}

func (l Lister[T]) find(name string) (Item[T], error) {
	if err := l.informer.err(); err != nil {
		return Item[T]{}, err
	}
	item, ok := l.Item(name)
	if !ok {
		return Item[T]{}, apierrors.NewNotFound(l.informer.kind.GVR().GroupResource(), l.key(name))
	}
	return item, nil
}

func (l Lister[T]) key(name string) string {
	if l.namespace == "" {
		return name
	}
	return l.namespace + "/" + name
}

// Item returns what Get does, undecoded, and whether there is such an object.
func (l Lister[T]) Item(name string) (Item[T], bool) {
	item, ok := l.informer.store().Get(l.key(name))
	return itemOf[T](l.informer.shared, item), ok
}

// List returns the objects whose labels match; nil matches all. The order is not defined.
func (l Lister[T]) List(selector labels.Selector) ([]*T, error) {
	if err := l.informer.err(); err != nil {
		return nil, err
	}
	var all []*T
	for item := range l.Items(selector) {
		object, err := item.Object()
		if err != nil {
			return nil, err
		}
		all = append(all, object)
	}
	return all, nil
}

// Items goes over the items whose labels match, undecoded; a nil selector matches all.
func (l Lister[T]) Items(selector labels.Selector) iter.Seq[Item[T]] {
	return func(yield func(Item[T]) bool) {
		for item := range l.informer.store().Select(l.namespace, selector) {
			if !yield(itemOf[T](l.informer.shared, item)) {
				return
			}
		}
	}
}

// Views goes over the objects whose labels match, as the cache shares them among all who read it,
// without a copy; a nil selector matches all. Each is lent until the loop goes on: it must not be
// changed, nor anything in it, and nothing of it be kept (see [Item.View]). The error is of one
// object's decoding; with it the object is nil.
func (l Lister[T]) Views(selector labels.Selector) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if err := l.informer.err(); err != nil {
			yield(nil, err)
			return
		}
		more := true
		view := func(object *T) error {
			more = yield(object, nil)
			return nil
		}
		for item := range l.Items(selector) {
			if err := item.View(view); err != nil {
				more = yield(nil, err)
			}
			if !more {
				return
			}
		}
	}
}

// All goes over all objects, each the caller's own, made as it comes. The error is of one object's decoding; with
// it the object is nil.
func (l Lister[T]) All() iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if err := l.informer.err(); err != nil {
			yield(nil, err)
			return
		}
		for item := range l.Items(nil) {
			if !yield(item.Object()) {
				return
			}
		}
	}
}

// ByIndex returns the objects of the lister's namespace that an index finds under a value. It is a
// *store.UnknownIndexError if there is no such index.
func (l Lister[T]) ByIndex(index, value string) ([]*T, error) {
	if err := l.informer.err(); err != nil {
		return nil, err
	}
	items, err := l.ItemsByIndex(index, value)
	if err != nil {
		return nil, err
	}
	all := make([]*T, 0, len(items))
	for _, item := range items {
		object, err := item.Object()
		if err != nil {
			return nil, err
		}
		all = append(all, object)
	}
	return all, nil
}

// ItemsByIndex returns what ByIndex does, undecoded.
func (l Lister[T]) ItemsByIndex(index, value string) ([]Item[T], error) {
	found, err := l.informer.store().ByIndex(index, value)
	if err != nil {
		return nil, err
	}
	items := make([]Item[T], 0, len(found))
	for _, item := range found {
		if l.namespace == "" || item.Namespace() == l.namespace {
			items = append(items, itemOf[T](l.informer.shared, item))
		}
	}
	return items, nil
}

// Len returns how many objects there are in the lister's namespace.
func (l Lister[T]) Len() int {
	if l.namespace == "" {
		return l.informer.store().Len()
	}
	n := 0
	for range l.Items(nil) {
		n++
	}
	return n
}
