package controller

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// Source is an informer whose changes name keys to reconcile. For, Owns and Watches make one. It is
// an Option of New, and belongs to one controller.
type Source[T any] struct {
	role     role
	informer *informer.Informer[T]
	naming   naming[T]
	owners   *informer.Fields[T] // of AnyOwner
	where    []func(informer.Item[T]) bool
	when     []Predicate
	mistake  error // the first one found while the source was made

	controller atomic.Pointer[Controller] // set by New
	parts      []part                     // one for each stream of the informer; set by New
}

// part is a stream of a source's informer, and the waits for it.
type part struct {
	stream informer.Stream
	view   *view
}

// role is which function made a source.
type role string

const (
	roleFor     role = "For"
	roleOwns    role = "Owns"
	roleWatches role = "Watches"
)

// source is the part of Source that does not depend on the object's type.
type source interface {
	isFor() bool
	cache() informer.Untyped
	check(*Controller) error
	nameAll(filter func(informer.Meta) bool) error
	covers(namespace string) bool
	attach(*holds)
	listen(primary kind.Info) (stop func())
	demand(client.Write) (demand, bool)
	cutOff() bool
}

// For makes the objects of i what the controller is about: their keys are reconciled. A controller
// has one For, or several of one kind, such as the informers of two namespaces.
func For[T any](i *informer.Informer[T]) *Source[T] {
	return newSource(roleFor, i, func(_ *listener[T], item informer.Item[T]) []Key {
		return []Key{keyOf(item)}
	})
}

// Owns makes a change of an object of i reconcile its controller owner (the owner reference with
// controller: true), if that is of the kind that the controller is For, and in a namespace that a For
// of the controller caches. [Source.AnyOwner] makes it reconcile the other owners too.
func Owns[T any](i *informer.Informer[T]) *Source[T] {
	return newSource(roleOwns, i, ownerKeys[T])
}

// Watches makes a change of an object of i reconcile the keys that keys returns for it. After an
// update keys is called with the object as it was and with the object as it is.
//
// keys is first called when all caches of the controller are in sync, and may read them. It must
// not block, and is fastest if it does without decoding the object.
//
// K is Key in a controller of New, and the key's own type in one of NewKeyed.
func Watches[T any, K comparable](i *informer.Informer[T], keys func(informer.Item[T]) []K) *Source[T] {
	s := newSource(roleWatches, i, func(_ *listener[T], item informer.Item[T]) []K { return keys(item) })
	if keys == nil {
		s.mistaken("its function is nil")
	}
	return s
}

func newSource[T any, K comparable](r role, i *informer.Informer[T],
	keys func(*listener[T], informer.Item[T]) []K) *Source[T] {
	s := &Source[T]{role: r, informer: i, naming: keysOf[T, K]{keys}}
	if i == nil {
		s.mistaken("its informer is nil")
	}
	return s
}

// When limits the source's updates to those for which all predicates hold, and returns the source.
// What several calls of When add up must hold together; [Or] and [Not] say anything else.
//
// These pass always: an object that is added or deleted; a resync, which repairs what events did
// not tell; an update by which an object comes to match Where, or ceases to; an update that leaves
// the resourceVersion as it was, because neither version nor generation counts such a change (a
// default that the schema gained, a conversion).
func (s *Source[T]) When(predicates ...Predicate) *Source[T] {
	if slices.ContainsFunc(predicates, isNil) {
		s.mistaken("When has a nil predicate")
	}
	s.when = append(s.when, predicates...)
	return s
}

// Where limits the source to the objects for which match returns true, and returns the source. If
// it is called several times all functions must return true. An update counts if the object matches
// now or did before; a deletion counts if the object matched at the end.
//
// match is first called when all caches of the controller are in sync. It must not block, and is
// fastest if it does without decoding the object. Where does not limit what is cached: a selector
// among the informer's options does.
func (s *Source[T]) Where(match func(informer.Item[T]) bool) *Source[T] {
	if match == nil {
		s.mistaken("Where has a nil function")
	}
	s.where = append(s.where, match)
	return s
}

func (s *Source[T]) mistaken(what string) {
	if s.mistake == nil {
		s.mistake = fmt.Errorf("%s: %s", s.role, what)
	}
}

func (s *Source[T]) apply(c *Controller) {
	if !s.controller.CompareAndSwap(nil, c) {
		c.mistakes = append(c.mistakes,
			fmt.Errorf("%s: the source was given to New before: make one for each controller", s.role))
		return
	}
	c.sources = append(c.sources, s)
}

func keyOf[T any](item informer.Item[T]) Key {
	return Key{Namespace: item.Namespace(), Name: item.Name()}
}

func (s *Source[T]) isFor() bool             { return s.role == roleFor }
func (s *Source[T]) cache() informer.Untyped { return s.informer }
func (s *Source[T]) cutOff() bool            { return cutOff(s.informer) }

// covers reports whether the source's informer caches the objects of a namespace; "" is that of
// cluster-scoped objects.
func (s *Source[T]) covers(namespace string) bool { return s.part(namespace) != nil }

// part returns the part of the source that has the objects of a namespace, nil if there is none.
func (s *Source[T]) part(namespace string) *part {
	for i := range s.parts {
		if s.parts[i].stream.Covers(namespace) {
			return &s.parts[i]
		}
	}
	return nil
}

// attach makes a view for each stream of the informer.
func (s *Source[T]) attach(h *holds) {
	if s.informer == nil {
		return
	}
	for _, stream := range s.informer.Streams() {
		s.parts = append(s.parts, part{stream, h.newView()})
	}
}

// lost ends the waits for an object of the source to go.
func (s *Source[T]) lost(object Key) {
	if p := s.part(object.Namespace); p != nil {
		p.view.lost(object)
	}
}

// check returns the source's mistake.
func (s *Source[T]) check(c *Controller) error {
	if s.mistake != nil {
		return s.mistake
	}
	if err := mistakeOf(s.informer); err != nil {
		return fmt.Errorf("%s: %w", s.role, err)
	}
	if c.keyed && s.role != roleWatches {
		return fmt.Errorf("%s: the keys of NewKeyed name no objects: use Watches", s.role)
	}
	return s.naming.check(c, string(s.role))
}

// nameAll queues the keys that the objects name for which filter returns true.
func (s *Source[T]) nameAll(filter func(informer.Meta) bool) error {
	l := &listener[T]{Source: s, to: s.controller.Load()}
	for item, err := range s.informer.Lister().Items(informer.Query{}) {
		if err != nil {
			return err
		}
		if l.to.all.over.Load() {
			return errEnded
		}
		if l.matches(item) && (filter == nil || filter(item.Meta())) {
			l.naming.name(l, Cause{Source: "ReconcileAll", Low: true}, item)
		}
	}
	return nil
}

// listen adds the source's handlers to its informer. stop removes them, and waits until none is
// running.
func (s *Source[T]) listen(primary kind.Info) (stop func()) {
	l := &listener[T]{s, primary, s.controller.Load()}
	var stops []func()
	for _, p := range s.parts {
		progressed := func(version string) {
			if n, ok := numbered(version); ok {
				p.view.contains(n)
			}
		}
		progressed(p.stream.ResourceVersion()) // so that a fall from it is noticed
		stops = append(stops, p.stream.OnProgress(progressed))
	}
	registration := s.informer.AddHandler(informer.Handler[T]{
		OnAdd:    l.added,
		OnUpdate: l.updated,
		OnDelete: l.deleted,
	})
	return func() {
		registration.Remove()
		for _, stop := range stops {
			stop()
		}
		<-registration.Done()
	}
}

// demand returns what w, a write made by a reconcile, asks of the source's cache: to contain the
// version that w made, or, after a deletion that returned no version, to have lost the object. A
// write of an object that the cache does not hold asks for nothing.
func (s *Source[T]) demand(w client.Write) (demand, bool) {
	mine := s.informer.Kind()
	if w.Kind.Group != mine.Group || w.Kind.Resource != mine.Resource { // versions of one resource share their numbers
		return demand{}, false
	}
	p := s.part(w.Namespace)
	if p == nil {
		return demand{}, false
	}
	if w.ResourceVersion == "" {
		object := Key{Namespace: w.Namespace, Name: w.Name}
		return demand{view: p.view, object: object, met: func() bool {
			item, err := s.informer.Lister().Item(w.Namespace, w.Name)
			return err != nil || item.Deleting() || w.UID != "" && item.UID() != w.UID
		}}, w.Deleted
	}
	version, ok := numbered(w.ResourceVersion)
	return demand{view: p.view, version: version, met: func() bool {
		return p.stream.Contains(w.ResourceVersion)
	}}, ok
}

// numbered returns a resourceVersion as the number that it is since Kubernetes 1.35 (KEP-5504). An
// aggregated API server may have other ones, which cannot be compared.
func numbered(version string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(version, 10, 64)
	return n, err == nil && n > 0
}
