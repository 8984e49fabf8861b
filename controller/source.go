package controller

import (
	"context"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// Source is a kind of object whose changes give keys to reconcile. For, Owns and
// Watches make one; it is an Option of New. A Source belongs to one controller.
type Source[T any] struct {
	isFor    bool
	resource func() (kind.Info, error)
	informer func(*informer.Factory) *informer.Informer[T]
	keys     func(c *Controller, item informer.Item[T]) []Key // nil items are not asked for
	match    func(informer.Item[T]) bool
	changed  func(old, new informer.Item[T]) bool

	// Set by open, once.
	controller *Controller
	shared     *informer.Informer[T]
	view       *view
}

// source is a Source of any type.
type source interface {
	primary() bool
	kind() (kind.Info, error)
	open(*Controller)
	listen() (stop func())
	wait(context.Context) error
	demand(client.Write) (demand, bool)
	cutOff() bool
}

// For says what the controller is about: T's objects, whose keys are reconciled.
// The options are the informer's: a namespace, selectors, a resync.
func For[T any, P kind.Object[T]](opts ...informer.Option) *Source[T] {
	s := typed[T, P](opts, ownKey[T])
	s.isFor = true
	return s
}

// ForResource is For of any kind, such as a custom resource without a Go type.
func ForResource(k kind.Info, opts ...informer.Option) *Source[unstructured.Unstructured] {
	s := untyped(k, opts, ownKey[unstructured.Unstructured])
	s.isFor = true
	return s
}

// Owns has a change of a T reconcile its controller owner (the owner reference
// with controller: true), if that is of the kind the controller is For.
func Owns[T any, P kind.Object[T]](opts ...informer.Option) *Source[T] {
	return typed[T, P](opts, ownerKey[T])
}

// OwnsResource is Owns of any kind.
func OwnsResource(k kind.Info, opts ...informer.Option) *Source[unstructured.Unstructured] {
	return untyped(k, opts, ownerKey[unstructured.Unstructured])
}

// Watches has a change of a T reconcile the keys that keys names for it. After an
// update it is asked about the object as it was and as it is. It must not block:
// it may read listers, and should do without decoding what it is given.
func Watches[T any, P kind.Object[T]](keys func(informer.Item[T]) []Key, opts ...informer.Option) *Source[T] {
	return typed[T, P](opts, func(_ *Controller, item informer.Item[T]) []Key { return keys(item) })
}

// WatchesResource is Watches of any kind.
func WatchesResource(k kind.Info, keys func(informer.Item[unstructured.Unstructured]) []Key, opts ...informer.Option) *Source[unstructured.Unstructured] {
	return untyped(k, opts, func(_ *Controller, item informer.Item[unstructured.Unstructured]) []Key { return keys(item) })
}

// Where limits the source to objects for which match is true, and returns it. An
// update counts if the object matches now or did before, so that leaving is
// noticed; a deletion, if it matched at the end. match should look at what an
// item tells without decoding: labels, an annotation, the owner.
//
// Where does not limit what is cached; a selector among the informer's options
// does.
func (s *Source[T]) Where(match func(informer.Item[T]) bool) *Source[T] {
	s.match = match
	return s
}

// WhenChanged limits the source's updates to those for which changed is true, and
// returns it. A resync, which shows an object as it was, is always let through: it
// is there to mend what events did not tell. So is an update by which the object
// comes to match Where, or ceases to.
func (s *Source[T]) WhenChanged(changed func(old, new informer.Item[T]) bool) *Source[T] {
	s.changed = changed
	return s
}

func (s *Source[T]) apply(c *Controller) { c.sources = append(c.sources, s) }

func typed[T any, P kind.Object[T]](opts []informer.Option, keys func(*Controller, informer.Item[T]) []Key) *Source[T] {
	return &Source[T]{
		resource: kind.Of[T, P],
		informer: func(f *informer.Factory) *informer.Informer[T] { return informer.For[T, P](f, opts...) },
		keys:     keys,
	}
}

func untyped(k kind.Info, opts []informer.Option, keys func(*Controller, informer.Item[unstructured.Unstructured]) []Key) *Source[unstructured.Unstructured] {
	return &Source[unstructured.Unstructured]{
		resource: func() (kind.Info, error) { return k, nil },
		informer: func(f *informer.Factory) *informer.Informer[unstructured.Unstructured] {
			return informer.ForResource(f, k, opts...)
		},
		keys: keys,
	}
}

func keyOf[T any](item informer.Item[T]) Key {
	return Key{Namespace: item.Namespace(), Name: item.Name()}
}

func ownKey[T any](_ *Controller, item informer.Item[T]) []Key { return []Key{keyOf(item)} }

func ownerKey[T any](c *Controller, item informer.Item[T]) []Key {
	owner := item.Owner()
	gv, err := schema.ParseGroupVersion(owner.APIVersion)
	// Any version: an owner reference goes on to name the one it was written with.
	if err != nil || owner.Kind != c.primary.Kind || gv.Group != c.primary.Group {
		return nil
	}
	key := Key{Name: owner.Name}
	if c.primary.Namespaced {
		key.Namespace = item.Namespace() // owners are in the namespace of what they own, or cluster-scoped
	}
	return []Key{key}
}

func (s *Source[T]) primary() bool            { return s.isFor }
func (s *Source[T]) kind() (kind.Info, error) { return s.resource() }

func (s *Source[T]) open(c *Controller) {
	s.controller = c
	s.shared = s.informer(c.factory)
	s.view = c.holds.newView()
}

// listen registers the source's handlers. stop removes them.
func (s *Source[T]) listen() (stop func()) {
	stopProgress := s.shared.OnProgress(func(version string) {
		if n, ok := numbered(version); ok {
			s.view.contains(n)
		}
	})
	registration := s.shared.AddHandler(informer.Handler[T]{
		OnAdd:    s.added,
		OnUpdate: s.updated,
		OnDelete: s.deleted,
	})
	return func() {
		registration.Remove()
		stopProgress()
	}
}

func (s *Source[T]) added(item informer.Item[T]) {
	s.noteDeleting(item)
	if s.matches(item) {
		s.enqueue(item)
	}
}

func (s *Source[T]) updated(old, new informer.Item[T]) {
	s.noteDeleting(new)
	before, now := s.matches(old), s.matches(new)
	if !before && !now {
		return
	}
	resync := old.ResourceVersion() == new.ResourceVersion()
	if s.changed != nil && before == now && !resync && !s.changed(old, new) {
		return
	}
	s.enqueue(old, new)
}

func (s *Source[T]) deleted(last informer.Item[T]) {
	s.view.lost(keyOf(last))
	if s.matches(last) {
		s.enqueue(last)
	}
}

// noteDeleting tells the keys that wait for an object to go of one that is going.
func (s *Source[T]) noteDeleting(item informer.Item[T]) {
	if item.Deleting() {
		s.view.lost(keyOf(item))
	}
}

func (s *Source[T]) matches(item informer.Item[T]) bool {
	return s.match == nil || s.match(item)
}

// enqueue adds the keys of the items, each once: a worker may be through with a key
// before the second item names it again.
func (s *Source[T]) enqueue(items ...informer.Item[T]) {
	added := map[Key]bool{}
	for _, item := range items {
		for _, key := range s.keys(s.controller, item) {
			if !added[key] {
				added[key] = true
				s.controller.queue.Add(key)
			}
		}
	}
}

func (s *Source[T]) wait(ctx context.Context) error { return s.shared.WaitForSync(ctx) }

// cutOff reports whether the informer has lost the API server and not found it
// again yet.
func (s *Source[T]) cutOff() bool { return s.shared.Status().Failures > 0 }

// demand is what w, a write made by a reconcile, asks of the source's cache: to
// contain the version it made, or, where a deletion left none, not to contain the
// object as if nothing had happened. A write of what is not cached asks nothing.
func (s *Source[T]) demand(w client.Write) (demand, bool) {
	mine := s.shared.Kind()
	if w.Kind.Group != mine.Group || w.Kind.Resource != mine.Resource { // versions of one resource share their numbers
		return demand{}, false
	}
	if scope := s.shared.Namespace(); scope != "" && scope != w.Namespace {
		return demand{}, false
	}
	if w.ResourceVersion == "" {
		object := Key{Namespace: w.Namespace, Name: w.Name}
		return demand{view: s.view, object: object, met: func() bool {
			item, err := s.shared.Lister().Item(w.Namespace, w.Name)
			return err != nil || item.Deleting() || w.UID != "" && item.UID() != w.UID
		}}, w.Deleted
	}
	version, ok := numbered(w.ResourceVersion)
	return demand{view: s.view, version: version, met: func() bool {
		return s.shared.Contains(w.ResourceVersion)
	}}, ok
}

// numbered reads a resourceVersion as the number that it is since Kubernetes
// 1.35 (KEP-5504). An aggregated API server may have others, which nothing can be
// said of.
func numbered(version string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(version, 10, 64)
	return n, err == nil && n > 0
}
