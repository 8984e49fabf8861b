package store

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/skiff-k8s/skiff/wire"
	"k8s.io/apimachinery/pkg/labels"
)

// Store is a set of objects by key ("namespace/name"). It is safe for concurrent use.
//
// One lock, held for moments: packing and index functions run before it is taken, and whoever goes
// over many items first copies a list of them (8 bytes each) under it and then holds nothing. So
// every list shows the store as it was at one moment, callbacks may read and write the store, and
// no reader keeps a writer waiting for longer than that copy takes.
type Store struct {
	// write is held by the one writer at a time, and taken before mu. It guards what only writers
	// look at: families, scratch, wanted, round, entry.seen.
	write    sync.Mutex
	families table[*family]
	scratch  []byte
	wanted   []membership
	round    uint32 // counts the BeginReplace

	// mu guards what readers look at: the fields below, entries, indexes and buckets. It is held
	// for writing only by who holds write, who therefore needs none to read.
	mu      sync.RWMutex
	entries table[*entry]
	indexes []*index
	packed  int64
	raw     int64
}

// entry is the place of one key, whose record is exchanged as the object changes.
type entry struct {
	record *record
	places []place
	seen   uint32 // the round in which the object was last Set or Touched
}

// New returns an empty store.
func New() *Store {
	return &Store{indexes: []*index{{name: NamespaceIndex}, {name: OwnerIndex}}}
}

// Set packs o and puts it in the place of its key. It returns the item that stands there now, and
// the one that stood there before, which is zero if there was none. The store keeps no memory of
// o's.
func (s *Store) Set(o wire.Object) (now, was Item) {
	s.write.Lock()
	defer s.write.Unlock()
	now = s.pack(&o)
	s.wanted = s.memberships(s.wanted[:0], now)
	e, had := s.entries.get(now.Key())

	s.mu.Lock()
	defer s.mu.Unlock()
	s.account(now, +1) // first, so that a family that both belong to stays
	if had {
		was = Item{e.record}
		s.account(was, -1)
	} else {
		e = new(entry)
	}
	e.record, e.seen = now.r, s.round
	s.entries.put(now.Key(), e) // also when it is there: the old key is part of the old record
	e.move(s.wanted)
	return now, was
}

// Pack returns o as an item that is not in the store: the last state of an object that is gone.
func (s *Store) Pack(o wire.Object) Item {
	s.write.Lock()
	defer s.write.Unlock()
	return s.pack(&o)
}

// Delete removes a key and returns what stood there, and whether there was anything.
func (s *Store) Delete(key string) (last Item, had bool) {
	s.write.Lock()
	defer s.write.Unlock()
	e, had := s.entries.get(key)
	if !had {
		return Item{}, false
	}
	s.remove(e)
	return Item{e.record}, true
}

func (s *Store) remove(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	item := Item{e.record}
	s.entries.delete(item.Key())
	e.move(nil)
	s.account(item, -1)
}

// BeginReplace begins to take in a complete list: what is neither Set nor Touched from here until
// EndReplace is not in the list. To begin again forgets the list begun before.
func (s *Store) BeginReplace() {
	s.write.Lock()
	defer s.write.Unlock()
	s.round++
}

// Touch says that the object with this key, UID and resourceVersion is in the list, and whether the
// store has just that state of it, so that it need not be Set.
func (s *Store) Touch(key, uid, resourceVersion string) bool {
	s.write.Lock()
	defer s.write.Unlock()
	e, ok := s.entries.get(key)
	if !ok || !(Item{e.record}).SameVersion(uid, resourceVersion) {
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
	for _, e := range s.entries.m {
		if e.seen != s.round {
			old = append(old, e)
		}
	}
	for _, e := range old {
		s.remove(e)
		gone = append(gone, Item{e.record})
	}
	return gone
}

// Get returns the item of a key and whether there is one.
func (s *Store) Get(key string) (Item, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.entries.get(key)
	if !ok {
		return Item{}, false
	}
	return Item{e.record}, true
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
// are at its beginning. A nil selector matches all. No object is unpacked for it.
func (s *Store) Select(namespace string, selector labels.Selector) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		var family *family
		matches := true
		for _, item := range s.snapshot(namespace) {
			// Siblings often come one after the other and have the same labels.
			if selector != nil && item.r.family != family {
				family = item.r.family
				matches = selector.Matches(family.labels)
			}
			if matches && !yield(item) {
				return
			}
		}
	}
}

func (s *Store) snapshot(namespace string) []Item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	byNamespace := &s.indexes[0].buckets
	if namespace != "" {
		if b, ok := byNamespace.get(namespace); ok {
			return b.items(nil)
		}
		return nil
	}
	all := make([]Item, 0, s.entries.len())
	for _, b := range byNamespace.m {
		all = b.items(all)
	}
	return all
}

// ByIndex returns the items that an index finds under a value, in no order. The error is an
// *UnknownIndexError.
func (s *Store) ByIndex(name, value string) ([]Item, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x := s.index(name)
	if x == nil {
		return nil, &UnknownIndexError{Name: name}
	}
	if b, ok := x.buckets.get(value); ok {
		return b.items(nil), nil
	}
	return nil, nil
}

// IndexValues returns the values of an index that find anything, in no order. The error is an
// *UnknownIndexError.
func (s *Store) IndexValues(name string) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x := s.index(name)
	if x == nil {
		return nil, &UnknownIndexError{Name: name}
	}
	values := make([]string, 0, x.buckets.len())
	for v := range x.buckets.m {
		values = append(values, v)
	}
	return values, nil
}

// AddIndex adds an index: every item is found under each of the values that f returns for it. f
// must depend on nothing but the item, and may read the store but not write to it. Items that are
// there already are indexed before AddIndex returns. It is an error to use a name twice.
func (s *Store) AddIndex(name string, f func(Item) []string) error {
	s.write.Lock()
	defer s.write.Unlock()
	if s.index(name) != nil {
		return fmt.Errorf("store: there is an index %q already; choose another name", name)
	}
	x := &index{name: strings.Clone(name), values: f}
	type arrival struct {
		entry *entry
		at    []membership
	}
	var arrivals []arrival
	for _, e := range s.entries.m {
		if at := x.memberships(nil, Item{e.record}); len(at) > 0 {
			arrivals = append(arrivals, arrival{e, at})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range arrivals {
		a.entry.places = slices.Grow(a.entry.places, len(a.at))
		for _, m := range a.at {
			a.entry.enter(m)
		}
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

// Stats says what a store holds.
type Stats struct {
	Objects     int
	PackedBytes int64 // the objects with their names, as they are kept
	RawBytes    int64 // the objects as they came
	Families    int   // different sets of labels, namespace and owner
}

// Stats counts, at no cost.
func (s *Store) Stats() Stats {
	s.write.Lock()
	families := s.families.len()
	s.write.Unlock()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Stats{Objects: s.entries.len(), PackedBytes: s.packed, RawBytes: s.raw, Families: families}
}

// account counts an item in or out. Both locks are held.
func (s *Store) account(item Item, by int) {
	s.packed += int64(by * len(item.r.all))
	s.raw += int64(by) * int64(item.r.rawLen)
	f := item.r.family
	if f.refs == 0 {
		s.families.put(f.id, f)
	}
	if f.refs += by; f.refs == 0 {
		s.families.delete(f.id)
	}
}

// maxScratch keeps a rare huge object from pinning memory for good.
const maxScratch = 1 << 20

// pack makes a record of o. It is account that remembers a new family. write is held.
func (s *Store) pack(o *wire.Object) Item {
	s.scratch = familyID(s.scratch[:0], o)
	f, ok := s.families.getBytes(s.scratch)
	if !ok {
		f = newFamily(string(s.scratch))
	}

	m := &o.Meta
	b := s.scratch[:0]
	if m.Namespace != "" {
		b = append(append(b, m.Namespace...), '/')
	}
	b = append(b, m.Name...)
	r := &record{family: f, generation: m.Generation, keyLen: uint32(len(b))}
	b = append(append(b, m.UID...), m.ResourceVersion...)
	r.uidLen, r.versionLen, r.rawLen = uint32(len(m.UID)), uint32(len(m.ResourceVersion)), uint32(len(o.Data))

	b = slices.Grow(b, max(s2.MaxEncodedLen(len(o.Data)), len(o.Data)))
	head := len(b)
	if packed := s2.Encode(b[head:cap(b)], o.Data); len(packed) < len(o.Data) {
		b = b[:head+len(packed)]
	} else {
		b = append(b, o.Data...) // equal lengths say that it is not packed
	}
	r.all = string(b)
	if s.scratch = b; cap(b) > maxScratch {
		s.scratch = nil
	}
	return Item{r}
}
