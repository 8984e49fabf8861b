package store

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/wire"
)

// Store is a set of objects by key ("namespace/name"). It is safe for concurrent use.
//
// One lock, held for moments: packing and index functions run before it is taken, and whoever goes
// over many items first copies a list of them (24 bytes each) under it and then holds nothing. So
// every list shows the store as it was at one moment, callbacks may read and write the store, and
// no reader keeps a writer waiting for longer than that copy takes.
type Store struct {
	decoded *decodedCache[*byte] // by Item.id

	// write is held by the one writer at a time, and taken before mu. It guards what only writers
	// look at: the fields below, entry.seen, scopes and bases.
	write    sync.Mutex
	lineages table[string, *lineage] // by lineage.id
	families table[string, *family]  // by family.id
	roots    table[string, *root]    // by root.id
	numbers  uint64                  // lineages that there ever were
	wanted   []membership
	round    uint32 // counts the BeginReplace

	*workshop // for packing; nil while nothing is packed

	// For Stats, which must not wait for write: the functions of indexes may call it.
	bases, baseBytes, scratchBytes atomic.Int64

	// mu guards what readers look at: the fields below, entries, groups and buckets. It is held for
	// writing only by who holds write, who therefore needs none to read.
	mu         sync.RWMutex
	entries    keyTable
	namespaces lineagesBy // by namespace
	owners     lineagesBy // by the owner's UID
	indexes    []*index
	places     table[*entry, []place] // of the entries that an index finds
	groups     int
	packed     int64
	raw        int64
}

// entry is the place of one key, whose state is exchanged as the object changes. There is one for
// each object: 32 bytes.
type entry struct {
	group *group
	state string
	at    uint32 // where it stands in its group
	seen  uint32 // the round in which the object was last Set or Touched
}

// New returns an empty store.
func New(o Options) *Store {
	return &Store{decoded: newDecodedCache[*byte](o.DecodedBytes)}
}

// Set packs o and puts it in the place of its key. It returns the item that stands there now, and
// the one that stood there before, which is zero if there was none. The store keeps no memory of
// o's.
func (s *Store) Set(o wire.Object) (now, was Item) {
	s.write.Lock()
	defer s.write.Unlock()
	s.open()
	e := s.entryOf(&o.Meta)
	var f *family
	if e != nil {
		was = Item{e.group, e.state}
		f = e.group.family
	}
	if f == nil || !f.has(&o) { // as a rule an object stays in its family
		f = s.familyOf(&o)
	}
	b := s.baseFor(f, o.Data, true)
	newBase := b != nil && b.root != nil && b.packs == 0
	now = Item{f.group(b), s.pack(b, &o)}
	s.wanted = s.memberships(s.wanted[:0], now)
	e = s.put(e, now)
	e.seen = s.round
	s.forget(was)
	if newBase {
		s.adopt(f, b)
	}
	return now, was
}

// entryOf returns the entry of an object's key, nil if there is none. s.write is held.
func (s *Store) entryOf(m *wire.Meta) *entry {
	s.key = appendKey(s.key[:0], m)
	return s.entries.get(unsafeString(s.key))
}

// put makes item the state of e, or of a new entry if that is nil. s.wanted is where it belongs.
func (s *Store) put(e *entry, item Item) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e == nil {
		e = new(entry)
		s.enter(e, item.group, item.state)
		s.entries.add(e)
	} else {
		s.exchange(e, item)
	}
	s.move(e, s.wanted)
	return e
}

// exchange makes item, of the same key, the state of e. Both locks are held.
func (s *Store) exchange(e *entry, item Item) {
	was, at, state := e.group, e.at, e.state
	if was == item.group {
		s.packed += int64(len(item.state) - len(state))
		s.raw += int64(rawLen(item.state) - rawLen(state))
		e.state = item.state
		return
	}
	s.enter(e, item.group, item.state) // first, so that what both groups belong to stays
	s.leave(was, at, state)
}

// Pack returns o as an item that is not in the store: the last state of an object that is gone.
func (s *Store) Pack(o wire.Object) Item {
	s.write.Lock()
	defer s.write.Unlock()
	s.open()
	f := s.familyOf(&o)
	b := s.baseFor(f, o.Data, false)
	item := Item{f.group(b), s.pack(b, &o)}
	if b != nil {
		s.settle(b) // packing may have let go of it, and no entry will say so
	}
	return item
}

// Delete removes a key and returns what stood there, and whether there was anything.
func (s *Store) Delete(key string) (last Item, had bool) {
	s.write.Lock()
	defer s.write.Unlock()
	e := s.entries.get(key)
	if e == nil {
		return Item{}, false
	}
	last = s.remove(e)
	s.forget(last)
	return last, true
}

func (s *Store) remove(e *entry) Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := Item{e.group, e.state}
	s.entries.remove(last.Key())
	s.move(e, nil)
	s.leave(e.group, e.at, e.state)
	return last
}

// BeginReplace begins to take in a complete list: what is neither Set nor Touched from here until
// EndReplace is not in the list. To begin again forgets the list begun before.
func (s *Store) BeginReplace() {
	s.write.Lock()
	defer s.write.Unlock()
	s.round++
}

// Touch says that an object with this metadata is in the list, and whether the store has just that
// state of it (its key, UID and resourceVersion), so that it need not be Set.
func (s *Store) Touch(m *wire.Meta) bool {
	s.write.Lock()
	defer s.write.Unlock()
	s.open()
	e := s.entryOf(m)
	if e == nil || !(Item{e.group, e.state}).SameVersion(m.UID, m.ResourceVersion) {
		return false
	}
	e.seen = s.round
	return true
}

// EndReplace removes what was not in the list and returns it.
func (s *Store) EndReplace() (gone []Item) {
	s.write.Lock()
	defer s.write.Unlock()
	var old []*entry
	for e := range s.entries.all {
		if e.seen != s.round {
			old = append(old, e)
		}
	}
	for _, e := range old {
		last := s.remove(e)
		s.forget(last)
		gone = append(gone, last)
	}
	return gone
}

// Get returns the item of a key and whether there is one.
func (s *Store) Get(key string) (Item, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.entries.get(key)
	if e == nil {
		return Item{}, false
	}
	return Item{e.group, e.state}, true
}

// Len returns how many objects there are.
func (s *Store) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.entries.len()
}

// All goes over all items, in no order, as they are at its beginning.
func (s *Store) All() iter.Seq[Item] { return s.Select("", nil) }

// Keys goes over the keys of all items, in no order, as they are at its beginning.
func (s *Store) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for item := range s.All() {
			if !yield(item.Key()) {
				return
			}
		}
	}
}

// Select goes over the items of a namespace ("" is all) whose labels match, in no order, as they
// are at its beginning. A nil selector matches all. No object is unpacked for it; siblings with the
// same labels are matched once together. The selector is asked while the store is locked, so it must
// not use the store.
func (s *Store) Select(namespace string, selector labels.Selector) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for _, item := range s.snapshot(namespace, selector) {
			if !yield(item) {
				return
			}
		}
	}
}

func (s *Store) snapshot(namespace string, selector labels.Selector) []Item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if namespace != "" {
		return s.namespaces.items(nil, namespace, selector)
	}
	var all []Item
	if selector == nil || selector.Empty() {
		all = make([]Item, 0, s.entries.len())
	}
	for namespace := range s.namespaces.m {
		all = s.namespaces.items(all, namespace, selector)
	}
	return all
}

// items appends the items of the lineages under a value whose labels match. s.mu is held.
func (t *lineagesBy) items(into []Item, value string, selector labels.Selector) []Item {
	list, ok := t.get(value)
	if !ok {
		return into
	}
	for _, l := range *list {
		for _, g := range l.groups {
			if selector != nil && !selector.Matches(g.family.labels) {
				continue
			}
			into = slices.Grow(into, len(g.entries))
			for _, e := range g.entries {
				into = append(into, Item{g, e.state})
			}
		}
	}
	return into
}

// ByIndex returns the items that an index finds under a value, in no order. The error is an
// *UnknownIndexError.
func (s *Store) ByIndex(name, value string) ([]Item, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch name {
	case NamespaceIndex:
		return s.namespaces.items(nil, value, nil), nil
	case OwnerIndex:
		return s.owners.items(nil, value, nil), nil
	}
	x := s.index(name)
	if x == nil {
		return nil, &UnknownIndexError{Name: name}
	}
	b, ok := x.buckets.get(value)
	if !ok {
		return nil, nil
	}
	items := make([]Item, 0, len(b.entries))
	for _, e := range b.entries {
		items = append(items, Item{e.group, e.state})
	}
	return items, nil
}

// IndexValues returns the values of an index that find anything, in no order. The error is an
// *UnknownIndexError.
func (s *Store) IndexValues(name string) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch name {
	case NamespaceIndex:
		return slices.Collect(maps.Keys(s.namespaces.m)), nil
	case OwnerIndex:
		return slices.Collect(maps.Keys(s.owners.m)), nil
	}
	x := s.index(name)
	if x == nil {
		return nil, &UnknownIndexError{Name: name}
	}
	return slices.Collect(maps.Keys(x.buckets.m)), nil
}

// AddIndex adds an index: every item is found under each of the values that f returns for it. f
// must depend on nothing but the item, and may read the store but not write to it. Items that are
// there already are indexed before AddIndex returns. It is an error to use a name twice.
func (s *Store) AddIndex(name string, f func(Item) []string) error {
	s.write.Lock()
	defer s.write.Unlock()
	if name == NamespaceIndex || name == OwnerIndex || s.index(name) != nil {
		return fmt.Errorf("store: there is an index %q already; choose another name", name)
	}
	x := &index{name: strings.Clone(name), values: f}
	type arrival struct {
		entry *entry
		at    []membership
	}
	var arrivals []arrival
	for e := range s.entries.all {
		if at := x.memberships(nil, Item{e.group, e.state}); len(at) > 0 {
			arrivals = append(arrivals, arrival{e, at})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range arrivals {
		places, _ := s.places.get(a.entry)
		places = slices.Grow(places, len(a.at))
		for _, m := range a.at {
			places = append(places, a.entry.enter(m))
		}
		s.places.put(a.entry, places)
	}
	s.indexes = append(s.indexes, x)
	return nil
}

func (s *Store) index(name string) *index {
	for _, x := range s.indexes {
		if x.name == name {
			return x
		}
	}
	return nil
}
