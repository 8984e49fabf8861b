package controller

import (
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// listener puts the keys that a source's changes name into the controller's queue.
type listener[T any] struct {
	*Source[T]
	primary kind.Info
	to      *Controller
}

func (l *listener[T]) added(item informer.Item[T]) {
	l.noteDeleting(item)
	if l.matches(item) {
		l.enqueue(changeAdded(item.Initial()), item)
	}
}

func (l *listener[T]) updated(old, new informer.Item[T]) {
	l.noteDeleting(new)
	before, now := l.matches(old), l.matches(new)
	switch always := new.Resync() || keepsVersion(old, new); {
	case !before && !now:
	case before == now && !always && !l.matters(old, new):
	default:
		l.enqueue(changeUpdated(new.Resync()), old, new)
	}
}

// keepsVersion reports whether an update has left the resourceVersion as it was: the bytes changed,
// and what predicates compare may not show it.
func keepsVersion[T any](old, new informer.Item[T]) bool {
	return new.ResourceVersion() != "" && old.ResourceVersion() == new.ResourceVersion()
}

func (l *listener[T]) deleted(last informer.Item[T]) {
	l.lost(keyOf(last))
	if l.matches(last) {
		l.enqueue(changeDeleted, last)
	}
}

// noteDeleting ends the waits for an object to go when its deletion has begun.
func (l *listener[T]) noteDeleting(item informer.Item[T]) {
	if item.Deleting() {
		l.lost(keyOf(item))
	}
}

// matches reports whether all functions of Where return true. One that panics counts as true, so
// that no change is missed.
func (l *listener[T]) matches(item informer.Item[T]) bool {
	for _, match := range l.where {
		if !l.match(match, item) {
			return false
		}
	}
	return true
}

func (l *listener[T]) match(f func(informer.Item[T]) bool, item informer.Item[T]) (is bool) {
	defer func() {
		if v := recover(); v != nil {
			is = true
			l.panicked(v, "function of Where", "the object counts", item)
		}
	}()
	return f(item)
}

// matters reports whether all predicates of When hold. One that panics counts as true.
func (l *listener[T]) matters(old, new informer.Item[T]) bool {
	for _, p := range l.when {
		if !l.matter(p, old, new) {
			return false
		}
	}
	return true
}

func (l *listener[T]) matter(p Predicate, old, new informer.Item[T]) (is bool) {
	defer func() {
		if v := recover(); v != nil {
			is = true
			l.panicked(v, "predicate of When", "the update counts", new)
		}
	}()
	return p(old.Meta(), new.Meta())
}

func (l *listener[T]) panicked(v any, what, next string, item informer.Item[T]) {
	l.to.panicked(v, what, next, "object", item.Key(), "informer", l.informer.String())
}

// The changes of an object, as Cause has them. listed and resync are of low priority: as far as is
// known, nothing has happened to the object.
const (
	changeListed  = "listed"
	changeNew     = "added"
	changeUpdate  = "updated"
	changeResync  = "resync"
	changeDeleted = "deleted"
)

func changeAdded(initial bool) string {
	if initial {
		return changeListed
	}
	return changeNew
}

func changeUpdated(resync bool) string {
	if resync {
		return changeResync
	}
	return changeUpdate
}

// enqueue names the keys of the items.
func (l *listener[T]) enqueue(change string, items ...informer.Item[T]) {
	l.naming.name(l, Cause{Source: string(l.role), Change: change,
		Low: change == changeListed || change == changeResync}, items...)
}

// naming is how a source makes keys, without their type.
type naming[T any] interface {
	// check returns an error if the controller has keys of another type.
	check(c *Controller, what string) error
	// name puts the keys of the items into the queue of the listener's controller.
	name(l *listener[T], cause Cause, items ...informer.Item[T])
}

type keysOf[T any, K comparable] struct {
	keys func(l *listener[T], item informer.Item[T]) []K
}

func (k keysOf[T, K]) check(c *Controller, what string) error {
	_, err := loopFor[K](c, what)
	return err
}

// name adds the keys of the items, each once: a worker may be done with a key before the second item
// names it again.
func (k keysOf[T, K]) name(l *listener[T], cause Cause, items ...informer.Item[T]) {
	loop := l.to.loop.(*loop[K]) // check has seen to that
	added := map[K]bool{}
	for _, item := range items {
		for _, key := range k.of(l, item) {
			if added[key] {
				continue
			}
			added[key] = true
			if l.to.observed() {
				cause.Informer, cause.Object = l.informer.String(), item.Key()
			}
			loop.name(key, cause)
		}
	}
}

// of returns the keys that item names; none if the source's function panics.
func (k keysOf[T, K]) of(l *listener[T], item informer.Item[T]) (keys []K) {
	defer func() {
		if v := recover(); v != nil {
			l.panicked(v, "function of "+string(l.role), "the change names no key", item)
		}
	}()
	return k.keys(l, item)
}
