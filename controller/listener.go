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
		l.enqueue(item)
	}
}

func (l *listener[T]) updated(old, new informer.Item[T]) {
	l.noteDeleting(new)
	before, now := l.matches(old), l.matches(new)
	switch always := new.Resync() || keepsVersion(old, new); {
	case !before && !now:
	case before == now && !always && !l.matters(old.Meta(), new.Meta()):
	default:
		l.enqueue(old, new)
	}
}

// keepsVersion reports whether an update has left the resourceVersion as it was: the bytes changed,
// and what predicates compare may not show it.
func keepsVersion[T any](old, new informer.Item[T]) bool {
	return new.ResourceVersion() != "" && old.ResourceVersion() == new.ResourceVersion()
}

func (l *listener[T]) deleted(last informer.Item[T]) {
	l.view.lost(keyOf(last))
	if l.matches(last) {
		l.enqueue(last)
	}
}

// noteDeleting ends the waits for an object to go when its deletion has begun.
func (l *listener[T]) noteDeleting(item informer.Item[T]) {
	if item.Deleting() {
		l.view.lost(keyOf(item))
	}
}

// matches reports whether all functions of Where return true.
func (l *listener[T]) matches(item informer.Item[T]) bool {
	for _, match := range l.where {
		if !match(item) {
			return false
		}
	}
	return true
}

// matters reports whether all predicates of When hold.
func (l *listener[T]) matters(old, new informer.Meta) bool {
	for _, p := range l.when {
		if !p(old, new) {
			return false
		}
	}
	return true
}

// enqueue adds the keys of the items, each once: a worker may be done with a key before the second
// item names it again.
func (l *listener[T]) enqueue(items ...informer.Item[T]) {
	added := map[Key]bool{}
	for _, item := range items {
		for _, key := range l.keys(l.primary, item) {
			if l.role == roleOwns && !l.to.isFor(key.Namespace) {
				continue
			}
			if !added[key] {
				added[key] = true
				l.to.queue.Add(key)
			}
		}
	}
}
