package store

import (
	"sync"
	"weak"

	"github.com/skiff-k8s/skiff/pack"
	"github.com/skiff-k8s/skiff/wire"
)

// Store is a set of objects by key ("namespace/name"). It is safe for concurrent use.
//
// Writers wait for each other. A writer packs and calls the functions of indexes before it takes
// the lock that readers take, and holds that one for moments. A reader of many items copies a list
// of them (32 bytes each) under that lock, and then holds nothing. So every list shows the store as
// it was at one moment. Functions of indexes may read the store; selectors, and whoever goes through
// a list, may write to it too.
type Store struct {
	self    weak.Pointer[Store]
	decoded *decodedCache[uint64] // by Item.generation

	// write is held by the one writer at a time, and taken before mu. It guards the fields below,
	// and what the comments say it guards.
	write       sync.Mutex
	packer      pack.Packer
	kinds       map[string]*kind
	serials     uint64 // siblings that there ever were
	generations uint64 // states that there ever were
	wanted      []membership
	inList      bitset   // the entries that were Set or Touched since BeginReplace
	replacing   []string // namespaces whose list is being taken in
	*buffers             // nil while nothing is packed

	// mu guards the fields below, and what the comments say it guards. It is held for writing only
	// by holders of write, who therefore need it not to read.
	mu          sync.RWMutex
	entries     *entries
	sets        records[labelSet]
	siblings    records[siblings]
	byLabels    table // of sets, by labelSet.id
	byOrigin    table // of siblings, by siblings.id
	namespaces  siblingsBy
	owners      siblingsBy // by the owner's UID
	changes     uint64     // of which label sets there are
	indexes     []*index
	packed, raw int64
}

// Options are the options of a store.
type Options struct {
	// DecodedBytes is the budget for decoded objects that Item.Shared keeps, in bytes of memory as
	// its size function counts them. 0 means that none are kept; negative means no limit.
	DecodedBytes int64
}

// New returns an empty store.
func New(o Options) *Store {
	s := &Store{
		decoded: newDecodedCache[uint64](o.DecodedBytes),
		kinds:   make(map[string]*kind),
		entries: newEntries(),
	}
	s.self = weak.Make(s)
	s.byLabels = newTable(func(number uint32) string { return s.sets.at[number].id })
	s.byOrigin = newTable(func(number uint32) string { return s.siblings.at[number].id })
	s.namespaces = newSiblingsBy(&s.siblings,
		func(from *siblings) string { return from.origin.namespace },
		func(from *siblings) *links { return &from.inNamespace })
	s.owners = newSiblingsBy(&s.siblings,
		func(from *siblings) string { return from.origin.owner.UID },
		func(from *siblings) *links { return &from.ofOwner })
	return s
}

// Set packs o and stores it under its key. It returns the item that is stored now, and the one that
// was stored before, which is zero if there was none. The store keeps no memory of o's.
func (s *Store) Set(o wire.Object) (now, was Item) {
	s.write.Lock()
	defer s.write.Unlock()
	s.wake()
	e := s.entryOf(&o.Meta)
	var set, old *labelSet
	if e != 0 {
		was, old = s.item(e), s.setOf(e)
	}
	if set = old; set == nil || !set.common.fits(&o) {
		set = s.labelSetFor(&o)
	}
	state, base, changed := s.add(set.group, &o)
	set = set.withBase(base)
	now = s.newItem(set, state)
	s.callIndexes(set, now)
	e = s.put(e, set, now)
	if s.replacing != nil {
		s.inList.add(e)
	}
	if old != nil {
		s.packer.Release(old.group, was.handle())
		s.decoded.forget(was.generation)
	}
	if changed != nil {
		s.repack(changed, set)
	}
	s.shrink()
	return now, was
}

// add packs an object of a group that the store keeps, and returns its state.
func (s *Store) add(g *pack.Group,
	o *wire.Object) (state string, b *pack.Base, changed *pack.Group) {
	out := s.appendHead(o)
	out, b, changed = s.packer.Add(out, g, o.Data,
		unsafeString(s.key), o.Meta.UID, o.Meta.ResourceVersion)
	s.state = small(out)
	return string(out), b, changed
}

// appendHead returns the beginning of the state of o in s.state, and its key in s.key.
func (s *Store) appendHead(o *wire.Object) []byte {
	m := &o.Meta
	s.key = appendKey(s.key[:0], m)
	return appendHead(s.state[:0], s.key, m.ResourceVersion, m.UID, m.Generation)
}

// newItem returns a state of an object of set, with a generation of its own. s.write is held.
func (s *Store) newItem(set *labelSet, state string) Item {
	s.generations++
	return Item{set.common, state, s.generations}
}

// callIndexes finds in s.wanted where an item belongs that has been added to set's group. It calls
// the functions of indexes; if one panics, the item is released.
func (s *Store) callIndexes(set *labelSet, item Item) {
	s.wanted = s.wanted[:0]
	//mutants:equal[-1] calls none
	if len(s.indexes) == 0 {
		return
	}
	returned := false
	defer func() {
		if !returned {
			s.packer.Release(set.group, item.handle())
		}
	}()
	for _, x := range s.indexes {
		s.wanted = x.memberships(s.wanted, item)
	}
	returned = true
}

// entryOf returns the entry of an object's key, 0 if there is none. s.write is held.
func (s *Store) entryOf(m *wire.Meta) uint32 {
	s.key = appendKey(s.key[:0], m)
	return s.entries.byKey.get(unsafeString(s.key))
}

// item returns the state of an entry. It is not inlined, to keep programs small: it has ten callers.
//
//go:noinline
func (s *Store) item(e uint32) Item {
	return Item{s.setOf(e).common, *s.entries.states.at(e), *s.entries.generations.at(e)}
}

//go:noinline // to keep programs small
func (s *Store) setOf(e uint32) *labelSet { return s.sets.at[s.entries.links.at(e).set] }

// put makes item, of a label set, the state of e, or of a new entry if that is 0, and returns the
// entry. s.wanted is where it belongs.
func (s *Store) put(e uint32, set *labelSet, item Item) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e == 0 {
		s.packed += int64(len(item.state))
		s.raw += int64(item.handle().Size())
		e = s.entries.add(item.state, item.generation)
		s.link(e, set)
	} else {
		s.replace(e, set, item)
	}
	s.moveInIndexes(e, s.wanted)
	return e
}

// replace makes item, of a label set, the state of an entry of the same key. Both locks are held.
func (s *Store) replace(e uint32, set *labelSet, item Item) {
	was := s.item(e)
	s.packed += int64(len(item.state) - len(was.state))
	s.raw += int64(item.handle().Size() - was.handle().Size())
	if s.setOf(e) != set {
		if set.number == 0 {
			s.addLabelSet(set) // first, so that what both have in common stays
		}
		s.unlink(e)
		s.link(e, set)
	}
	s.entries.set(e, item.state, item.generation)
}

// repack packs objects of a group again that has a new base, because of an object of set: a few of
// those that are packed against a base further outside. s.write is held.
func (s *Store) repack(changed *pack.Group, set *labelSet) {
	var sets []*labelSet
	for other := set.siblings.first; other != nil; other = other.next {
		changes := other.group == changed || set.siblings.group == changed
		if changes && pack.Repackable(other.group, other.common.base) {
			sets = append(sets, other)
		}
	}
	n := 0
	for _, set := range sets {
		for e := set.first; e != 0 && n < pack.RepackAtMost; {
			next := s.entries.links.at(e).next
			if s.repackEntry(e) {
				n++
			}
			e = next
		}
	}
}

// repackEntry packs an object again, and reports whether that made a difference. s.write is held.
func (s *Store) repackEntry(e uint32) bool {
	was, set := s.item(e), s.setOf(e)
	p := parseState(was.state)
	s.uid = p.appendUID(s.uid[:0])
	head := was.state[:len(was.state)-len(p.body)]
	out, base, ok := s.packer.Repack(append(s.state[:0], head...), set.group, was.handle(),
		p.key, unsafeString(s.uid), p.version)
	s.state = small(out)
	if !ok {
		return false
	}
	to := set.withBase(base)
	now := s.newItem(to, string(out))
	s.mu.Lock()
	s.replace(e, to, now)
	s.mu.Unlock()
	s.packer.Release(set.group, was.handle())
	s.decoded.forget(was.generation)
	return true
}

// Pack returns o as an item that is not in the store: the last state of an object that is gone.
func (s *Store) Pack(o wire.Object) Item {
	s.write.Lock()
	defer s.write.Unlock()
	s.wake()
	set := s.labelSetFor(&o)
	out, base := s.packer.Pack(s.appendHead(&o), set.group, o.Data,
		unsafeString(s.key), o.Meta.UID, o.Meta.ResourceVersion)
	s.state = small(out)
	return s.newItem(set.withBase(base), string(out))
}

// Delete removes a key. It returns the item that was stored there, and reports whether there was
// one.
func (s *Store) Delete(key string) (last Item, had bool) {
	s.write.Lock()
	defer s.write.Unlock()
	e := s.entries.byKey.get(key)
	if e == 0 {
		return Item{}, false
	}
	last = s.remove(e)
	s.shrink()
	return last, true
}

// remove removes an entry and returns its last state. s.write is held.
func (s *Store) remove(e uint32) Item {
	last, set := s.item(e), s.setOf(e)
	s.mu.Lock()
	s.packed -= int64(len(last.state))
	s.raw -= int64(last.handle().Size())
	s.moveInIndexes(e, nil)
	s.unlink(e)
	s.entries.remove(e)
	s.mu.Unlock()
	if s.replacing != nil {
		s.inList.remove(e)
	}
	s.packer.Release(set.group, last.handle())
	s.decoded.forget(last.generation)
	return last
}
