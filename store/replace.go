package store

import (
	"bytes"
	"slices"

	"github.com/skiff-k8s/skiff/wire"
)

// BeginReplace begins to take in a complete list of the objects of a namespace; "" means of all. The
// list consists of the objects of the namespace that are Set or Touched until EndReplace. To call
// BeginReplace again forgets the namespace's list begun before. Lists of several namespaces may be
// taken in at a time, but not one of all objects beside another.
func (s *Store) BeginReplace(namespace string) {
	s.write.Lock()
	defer s.write.Unlock()
	//mutants:equal[>=,-1] without a list nothing is noted, and there is nothing to remove
	if s.endReplacing(namespace); len(s.replacing) > 0 {
		for e := range s.entries.all() {
			if s.isOf(e, namespace) {
				s.inList.remove(e)
			}
		}
	}
	s.replacing = append(s.replacing, namespace)
}

// endReplacing forgets the list of a namespace, and reports whether it had begun. s.write is held.
func (s *Store) endReplacing(namespace string) bool {
	i := slices.Index(s.replacing, namespace)
	if i < 0 {
		return false
	}
	if s.replacing = slices.Delete(s.replacing, i, i+1); len(s.replacing) == 0 {
		s.inList, s.replacing = nil, nil
	}
	return true
}

// isOf reports whether an entry is an object of a namespace; "" means any. s.write is held.
func (s *Store) isOf(e uint32, namespace string) bool {
	return namespace == "" || s.setOf(e).common.origin.namespace == namespace
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
	if s.replacing != nil {
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

// EndReplace removes the objects of the namespace that are not in its list, and returns their last
// states. Without BeginReplace of the same namespace it removes nothing.
func (s *Store) EndReplace(namespace string) (gone []Item) {
	s.write.Lock()
	defer s.write.Unlock()
	if !slices.Contains(s.replacing, namespace) {
		return nil
	}
	for e := range s.entries.all() {
		if !s.inList.has(e) && s.isOf(e, namespace) {
			gone = append(gone, s.remove(e))
		}
	}
	s.endReplacing(namespace)
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
