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
func (s *Store) Items() []Item { return s.snapshot("") }

// ItemsOf returns the items of a namespace, in no order; "" means all.
func (s *Store) ItemsOf(namespace string) []Item { return s.snapshot(namespace) }

// All returns an iterator over all items, in no order, as they are when the iteration begins.
func (s *Store) All() iter.Seq[Item] { return s.Select("", nil) }

// Select returns an iterator over the items of a namespace ("" means all) whose labels match, in no
// order, as they are when the iteration begins. A nil selector matches all. No object is unpacked
// for it, and the selector is asked once for each label set. The selector is asked without a lock:
// it may use the store.
func (s *Store) Select(namespace string, selector labels.Selector) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		var items []Item
		if selector == nil || selector.Empty() {
			items = s.snapshot(namespace)
		} else {
			items = s.selected(namespace, selector)
		}
		for _, item := range items {
			if !yield(item) {
				return
			}
		}
	}
}

// snapshot returns the items of a namespace; "" means all.
func (s *Store) snapshot(namespace string) (items []Item) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if namespace == "" {
		items = make([]Item, 0, s.entries.len())
	}
	for _, set := range s.setsOf(namespace) {
		items = s.appendSet(items, set)
	}
	return items
}

// selected returns the items of a namespace whose labels match. The store is looked at twice,
// because the selector is asked without the lock: at first for the label sets to ask it for, and
// then for the items. Items of label sets that have come in between are returned by the second look
// and asked for at last.
func (s *Store) selected(namespace string, selector labels.Selector) (items []Item) {
	s.mu.RLock()
	sets, at := s.setsOf(namespace), s.changes
	s.mu.RUnlock()
	matches := make([]bool, len(sets))
	for i, set := range sets {
		matches[i] = selector.Matches(set.common.labels)
	}

	var late []Item
	s.mu.RLock()
	if s.changes == at {
		for i, set := range sets {
			if matches[i] {
				items = s.appendSet(items, set)
			}
		}
	} else {
		asked := make(map[*labelSet]bool, len(sets))
		for i, set := range sets {
			asked[set] = matches[i]
		}
		for _, set := range s.setsOf(namespace) {
			if matches, ok := asked[set]; !ok {
				late = s.appendSet(late, set)
			} else if matches {
				items = s.appendSet(items, set)
			}
		}
	}
	s.mu.RUnlock()
	var common *common
	match := false
	for _, item := range late { // those of one label set follow each other
		if item.common != common {
			common, match = item.common, selector.Matches(item.common.labels)
		}
		if match {
			items = append(items, item)
		}
	}
	return items
}

// setsOf returns the label sets of a namespace; "" means all. s.mu is held.
func (s *Store) setsOf(namespace string) (sets []*labelSet) {
	if namespace != "" {
		for from := s.namespaces.get(namespace); from != nil; from = from.inNamespace.next {
			sets = from.appendSets(sets)
		}
		return sets
	}
	sets = make([]*labelSet, 0, s.sets.len())
	for _, from := range s.siblings.at {
		if from != nil {
			sets = from.appendSets(sets)
		}
	}
	return sets
}

// appendSets appends the label sets of siblings. Store.mu is held.
func (from *siblings) appendSets(sets []*labelSet) []*labelSet {
	for set := from.first; set != nil; set = set.next {
		sets = append(sets, set)
	}
	return sets
}

// appendSet appends the items of a label set. s.mu is held.
func (s *Store) appendSet(items []Item, set *labelSet) []Item {
	items = slices.Grow(items, int(set.count))
	for e := set.first; e != 0; e = s.entries.links.at(e).next {
		items = append(items, Item{set.common, *s.entries.states.at(e),
			*s.entries.generations.at(e)})
	}
	return items
}

// ByIndex returns the items that an index finds under a value, in no order. The error is an
// *UnknownIndexError.
func (s *Store) ByIndex(name, value string) (items []Item, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var sets []*labelSet
	switch name {
	case NamespaceIndex:
		for from := s.namespaces.get(value); from != nil; from = from.inNamespace.next {
			sets = from.appendSets(sets)
		}
	case OwnerIndex:
		for from := s.owners.get(value); from != nil; from = from.ofOwner.next {
			sets = from.appendSets(sets)
		}
	default:
		return s.byOwnIndex(name, value)
	}
	for _, set := range sets {
		items = s.appendSet(items, set)
	}
	return items, nil
}

// byOwnIndex is ByIndex for an index that was added. s.mu is held.
func (s *Store) byOwnIndex(name, value string) (items []Item, err error) {
	x := s.index(name)
	if x == nil {
		return nil, &UnknownIndexError{Name: name, Known: s.indexNames()}
	}
	items = make([]Item, 0, x.count(value))
	for e := range x.entriesOf(value) {
		items = append(items, s.item(e))
	}
	return items, nil
}
