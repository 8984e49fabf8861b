package store

// Stats says what a store holds. All sizes are in bytes.
type Stats struct {
	Objects      int
	PackedBytes  int64 // the objects with their names, as they are kept
	RawBytes     int64 // the objects as they came
	Groups       int   // different sets of namespace, owner, labels and base
	Bases        int   // objects kept for others to be packed against
	BaseBytes    int64 // what those take
	ScratchBytes int64 // memory that packing works in, the same however much is packed; 0 after Rest

	DecodedObjects int   // kept decoded by Item.Shared
	DecodedBytes   int64 // what those take, with what it takes to keep them
	Hits, Misses   int64 // of Item.Shared: found decoded, and not
}

// Stats counts. It costs little: only groups are gone over.
func (s *Store) Stats() Stats {
	s.write.Lock()
	defer s.write.Unlock()
	st := Stats{
		Objects: s.entries.len(), PackedBytes: s.packed, RawBytes: s.raw,
		Bases: s.bases, BaseBytes: s.baseBytes,
		ScratchBytes: s.workshop.bytes(),
	}
	st.DecodedObjects, st.DecodedBytes, st.Hits, st.Misses = s.decoded.stats()
	for _, f := range s.families.m {
		st.Groups += len(f.groups)
	}
	return st
}
