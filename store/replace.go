package store

import (
	"bytes"

	"github.com/skiff-k8s/skiff/wire"
)

// BeginReplace begins to take in a complete list. The list consists of the objects that are Set or
// Touched until EndReplace. To call BeginReplace again forgets the list begun before.
func (s *Store) BeginReplace() {
	s.write.Lock()
	defer s.write.Unlock()
	s.inList, s.replacing = nil, true
}

// Touch notes that o is in the list, and reports whether the store has o just as it is. If not, o
// is not noted, and has to be Set.
//
// The bytes are compared. UID and resourceVersion do not identify them: a default that a schema
// gains, a conversion, an upgrade of the server and a restored backup change an object whose
// resourceVersion stays.
func (s *Store) Touch(o wire.Object) bool {
	s.write.Lock()
	defer s.write.Unlock()
	s.wake()
	e := s.entryOf(&o.Meta)
	if e == 0 || !s.has(e, &o) {
		return false
	}
	if s.replacing {
		s.inList.add(e)
	}
	return true
}

// has reports whether o is what an entry has. An entry that cannot be unpacked has nothing: then o
// takes its place. s.write is held.
func (s *Store) has(e uint32, o *wire.Object) bool {
	item := s.item(e)
	p := parseState(item.state)
	// What differs most often, and costs least, is compared first.
	if p.version != o.Meta.ResourceVersion || !item.HasUID(o.Meta.UID) || !item.common.fits(o) {
		return false
	}
	h := item.handle()
	if o.Format != wire.JSON && h.Size() != len(o.Data) {
		return false
	}
	s.uid = p.appendUID(s.uid[:0])
	data, err := h.Unpack(s.data[:0], p.key, unsafeString(s.uid), p.version)
	s.data = small(data)
	if err != nil {
		return false
	}
	if o.Format != wire.JSON {
		return bytes.Equal(data, o.Data)
	}
	return bytes.Equal(untyped(data, o), untyped(o.Data, o))
}

// untyped returns the JSON of an object like o from its first field on, without kind and apiVersion
// if these come first. kube-apiserver writes them so for its own types, and leaves them out of the
// items of a list: the same object has them when a watch brings it, and lacks them in a list.
func untyped(data []byte, o *wire.Object) []byte {
	rest := data
	for _, part := range [...]string{`{"kind":"`, o.Kind, `","apiVersion":"`, o.APIVersion, `",`} {
		if string(rest[:min(len(part), len(rest))]) != part {
			return bytes.TrimPrefix(data, []byte("{"))
		}
		rest = rest[len(part):]
	}
	return rest
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
