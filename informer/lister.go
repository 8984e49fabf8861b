package informer

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/store"
)

// Lister reads the cache of an [Informer]. It never asks the server. It is a small value, safe for
// concurrent use.
//
//	method  returns                                      of
//	Get     a copy, the caller's own                     one object
//	ByKey   a copy, the caller's own                     one object
//	Item    metadata; the object decoded on demand       one object
//	View    lends the decoded object to a function       one object
//	List    copies, the caller's own                     a Query
//	All     the same, each made as the loop comes to it  a Query
//	Items   as Item                                      a Query
//	Views   as View                                      a Query
//	Len     their number                                 a Query
//
// Lists show the cache as it was at one moment, in no order.
//
// Every method returns, or yields once, these errors:
//
//   - a *NotSyncedError, until the initial list is in the cache (see Informer.WaitForSync);
//   - a *StoppedError, after the informer has stopped or was closed;
//   - a *kind.MisuseError, for a call that cannot be right: a name without the namespace that the
//     resource has, a namespace that the resource does not have, or one that the informer is not
//     for;
//   - the error of the call of For, if the informer cannot run.
//
// Where there is no such object, Get, ByKey, Item and View return an error that
// apierrors.IsNotFound recognises. It is false for the errors above. An error of decoding means
// that T cannot hold the object.
type Lister[T any] struct{ informer *handle }

// Get returns the object of that namespace and name; the namespace is "" for a cluster-scoped
// resource.
func (l Lister[T]) Get(namespace, name string) (*T, error) {
	item, err := l.Item(namespace, name)
	if err != nil {
		return nil, err
	}
	return item.Object()
}

// ByKey returns the object of that key, as Item.Key returns it: "namespace/name", or the name for a
// cluster-scoped resource.
func (l Lister[T]) ByKey(key string) (*T, error) {
	namespace, name, ok := strings.Cut(key, "/")
	switch {
	case !ok:
		namespace, name = "", key
	case namespace == "" && !l.informer.kind.Namespaced:
		name = key // "/name" is no key: the error says that a name has no slash
	}
	item, err := l.item("get", key, namespace, name)
	if err != nil {
		return nil, err
	}
	return item.Object()
}

// Item returns what Get does, undecoded.
func (l Lister[T]) Item(namespace, name string) (Item[T], error) {
	key := name
	if namespace != "" {
		key = namespace + "/" + name
	}
	return l.item("get", key, namespace, name)
}

func (l Lister[T]) item(verb, key, namespace, name string) (Item[T], error) {
	h := l.informer
	if err := h.checkName(verb, namespace, name); err != nil {
		return Item[T]{}, err
	}
	cache, err := h.read(namespace)
	if err != nil {
		return Item[T]{}, err
	}
	item, ok := cache.Get(key)
	if !ok {
		return Item[T]{}, apierrors.NewNotFound(h.kind.GVR().GroupResource(), strings.Clone(key))
	}
	return itemOf[T](h.shared, item), nil
}

// View calls f with the object that Get copies, which all readers of the cache share. f must not
// change it, nor anything in it, and must not keep any of it (see [Item.View]). View returns f's
// error.
func (l Lister[T]) View(namespace, name string, f func(*T) error) error {
	item, err := l.Item(namespace, name)
	if err != nil {
		return err
	}
	return item.View(f)
}

// List returns the objects that q chooses.
func (l Lister[T]) List(q Query) ([]*T, error) {
	var all []*T
	for object, err := range l.All(q) {
		if err != nil {
			return nil, err
		}
		all = append(all, object)
	}
	return all, nil
}

// All yields the objects that q chooses. Where one cannot be decoded it yields nil and the error,
// and goes on.
func (l Lister[T]) All(q Query) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for item, err := range l.Items(q) {
			var object *T
			if err == nil {
				object, err = item.Object()
			}
			if !yield(object, err) {
				return
			}
		}
	}
}

// Items yields what All does, undecoded. The only error is the first that it yields.
func (l Lister[T]) Items(q Query) iter.Seq2[Item[T], error] {
	return func(yield func(Item[T], error) bool) {
		items, err := l.informer.query("list", q)
		if err != nil {
			yield(Item[T]{}, err)
			return
		}
		for item := range items {
			if !yield(itemOf[T](l.informer.shared, item), nil) {
				return
			}
		}
	}
}

// Views calls f with each object that q chooses, without a copy: all readers of the cache share it.
// f must not change it, nor anything in it, and must not keep any of it (see [Item.View]). Views
// stops at the first error, of f or of decoding, and returns it.
func (l Lister[T]) Views(q Query, f func(*T) error) error {
	for item, err := range l.Items(q) {
		if err == nil {
			err = item.View(f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Len returns how many objects q chooses. For the zero Query it takes constant time.
func (l Lister[T]) Len(q Query) (int, error) {
	if q == (Query{}) {
		cache, err := l.informer.read("")
		if err != nil {
			return 0, err
		}
		return cache.Len(), nil
	}
	items, err := l.informer.query("count", q)
	if err != nil {
		return 0, err
	}
	n := 0
	for range items {
		n++
	}
	return n, nil
}

// query returns the items that q chooses.
func (h *handle) query(verb string, q Query) (iter.Seq[store.Item], error) {
	if err := h.checkQuery(verb, &q); err != nil {
		return nil, err
	}
	cache, err := h.read(q.Namespace)
	if err != nil {
		return nil, err
	}
	if q.Index == "" {
		return cache.Select(q.Namespace, q.Labels), nil
	}
	items, err := cache.ByIndex(q.Index, q.Value)
	if err != nil {
		return nil, fmt.Errorf("informer %s: %w", h, err)
	}
	return slices.Values(slices.DeleteFunc(items, func(item store.Item) bool {
		return q.Namespace != "" && item.Namespace() != q.Namespace ||
			q.Labels != nil && !q.Labels.Matches(item.Labels())
	})), nil
}
