package store

import "github.com/skiff-k8s/skiff/wire"

// BeginReplace begins to take in a complete list. The list consists of the objects that are Set or
// Touched until EndReplace. To call BeginReplace again forgets the list begun before.
func (s *Store) BeginReplace() {
	s.write.Lock()
	defer s.write.Unlock()
	s.inList, s.replacing = nil, true
}

// Touch notes that an object with this metadata is in the list. It reports whether the store has
// just that state of it (its key, UID and resourceVersion); if not, the object is not noted, and
// has to be Set.
func (s *Store) Touch(m *wire.Meta) bool {
	s.write.Lock()
	defer s.write.Unlock()
	s.wake()
	e := s.entryOf(m)
	if e == 0 || !s.item(e).SameVersion(m.UID, m.ResourceVersion) {
		return false
	}
	if s.replacing {
		s.inList.add(e)
	}
	return true
}

// EndReplace removes the objects that are not in the list, and returns their last states. Without
// BeginReplace it removes nothing.
func (s *Store) EndReplace() (gone []Item) {
	s.write.Lock()
	defer s.write.Unlock()
	if !s.replacing {
		return nil
	}
	for e := range s.entries.all() {
		if !s.inList.has(e) {
			gone = append(gone, s.remove(e))
		}
	}
	s.inList, s.replacing = nil, false
	s.shrink()
	return gone
}

// bitset is a set of entries.
type bitset []uint64

func (b bitset) has(e uint32) bool {
	return int(e/64) < len(b) && b[e/64]&(1<<(e%64)) != 0
}

func (b *bitset) add(e uint32) {
	for int(e/64) >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[e/64] |= 1 << (e % 64)
}

func (b bitset) remove(e uint32) {
	if int(e/64) < len(b) {
		b[e/64] &^= 1 << (e % 64)
	}
}
