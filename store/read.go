package store

import (
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// Get returns the item of a key, and reports whether there is one.
func (s *Store) Get(key string) (Item, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.entries.byKey.get(key)
	if e == 0 {
		return Item{}, false
	}
	return s.item(e), true
}

// Len returns the number of objects.
func (s *Store) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.entries.len()
}

// Items returns all items, in no order.
func (s *Store) Items() []Item { return s.snapshot("", nil) }

// All returns an iterator over all items, in no order, as they are when the iteration begins.
func (s *Store) All() iter.Seq[Item] { return s.Select("", nil) }

// Select returns an iterator over the items of a namespace ("" means all) whose labels match, in no
// order, as they are when the iteration begins. A nil selector matches all. No object is unpacked
// for it, and the selector is asked once for each label set. The selector is asked while the store
// is locked, so it must not use the store.
func (s *Store) Select(namespace string, selector labels.Selector) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for _, item := range s.snapshot(namespace, selector) {
			if !yield(item) {
				return
			}
		}
	}
}

func (s *Store) snapshot(namespace string, selector labels.Selector) (items []Item) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if namespace != "" {
		for from := s.namespaces.get(namespace); from != nil; from = from.inNamespace.next {
			items = s.appendSiblings(items, from, selector)
		}
		return items
	}
	if selector == nil || selector.Empty() {
		items = make([]Item, 0, s.entries.len())
	}
	for _, from := range s.siblings.at {
		if from != nil {
			items = s.appendSiblings(items, from, selector)
		}
	}
	return items
}

// appendSiblings appends the items of siblings whose labels match. s.mu is held.
func (s *Store) appendSiblings(items []Item, from *siblings, selector labels.Selector) []Item {
	for set := from.first; set != nil; set = set.next {
		if selector != nil && !selector.Matches(set.common.labels) {
			continue
		}
		items = slices.Grow(items, int(set.count))
		for e := set.first; e != 0; e = s.entries.links.at(e).next {
			items = append(items, Item{set.common, *s.entries.states.at(e),
				*s.entries.generations.at(e)})
		}
	}
	return items
}

// ByIndex returns the items that an index finds under a value, in no order. The error is an
// *UnknownIndexError.
func (s *Store) ByIndex(name, value string) (items []Item, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch name {
	case NamespaceIndex:
		for from := s.namespaces.get(value); from != nil; from = from.inNamespace.next {
			items = s.appendSiblings(items, from, nil)
		}
		return items, nil
	case OwnerIndex:
		for from := s.owners.get(value); from != nil; from = from.ofOwner.next {
			items = s.appendSiblings(items, from, nil)
		}
		return items, nil
	}
	x := s.index(name)
	if x == nil {
		return nil, &UnknownIndexError{Name: name}
	}
	items = make([]Item, 0, x.count(value))
	for e := range x.entriesOf(value) {
		items = append(items, s.item(e))
	}
	return items, nil
}
