package store

// Stats is the state of a store. All sizes are in bytes.
type Stats struct {
	Objects      int
	PackedBytes  int64 // the objects with keys, versions and UIDs, as they are stored
	RawBytes     int64 // the objects unpacked
	Groups       int   // different sets of kind, namespace, owner, labels and base
	Bases        int   // objects that others are packed against (package pack)
	BaseBytes    int64 // of the bases
	ScratchBytes int64 // of the memory that packing works in: at most a few MB; 0 after Rest

	DecodedObjects int   // kept decoded by Item.Shared
	DecodedBytes   int64 // of those, with the memory that it takes to find them
	Hits, Misses   int64 // calls of Item.Shared that found the object decoded, and that did not
}

// Stats returns the state of the store. It goes over no objects, and does not wait for a writer.
func (s *Store) Stats() Stats {
	p := s.packer.Stats()
	st := Stats{Bases: p.Bases, BaseBytes: p.BaseBytes, ScratchBytes: p.ScratchBytes}
	st.DecodedObjects, st.DecodedBytes, st.Hits, st.Misses = s.decoded.stats()
	s.mu.RLock()
	defer s.mu.RUnlock()
	st.Objects, st.Groups = s.entries.len(), s.sets.len()
	st.PackedBytes, st.RawBytes = s.packed, s.raw
	return st
}
