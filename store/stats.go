package store

// Stats is the state of a store. All sizes are in bytes.
type Stats struct {
	Objects      int
	PackedBytes  int64 // the objects with their names, as they are kept
	RawBytes     int64 // the objects as they came
	Groups       int   // different sets of kind, namespace, owner, labels and base
	Bases        int   // objects kept for others to be packed against
	BaseBytes    int64 // of the bases
	ScratchBytes int64 // memory that packing works in, at most a few MB however much is packed; 0 after Rest

	DecodedObjects int   // kept decoded by Item.Shared
	DecodedBytes   int64 // what those take, with what it takes to keep them
	Hits, Misses   int64 // of Item.Shared: found decoded, and not
}

// Stats returns the state of the store. It goes over no objects, and does not wait for a writer.
func (s *Store) Stats() Stats {
	p := s.packer.Stats()
	st := Stats{Bases: p.Bases, BaseBytes: p.BaseBytes, ScratchBytes: p.ScratchBytes}
	st.DecodedObjects, st.DecodedBytes, st.Hits, st.Misses = s.decoded.stats()
	s.mu.RLock()
	defer s.mu.RUnlock()
	st.Objects, st.PackedBytes, st.RawBytes, st.Groups = s.entries.len(), s.packed, s.raw, s.sets.len()
	return st
}
