package store

// shrink gives memory back where most of it is not used any more: it gives what is left new
// numbers, without gaps. It is called last, for it changes the numbers of entries. s.write is held.
func (s *Store) shrink() {
	if sparse(s.entries.len(), s.entries.room()) {
		s.mu.Lock()
		s.renumberEntries()
		s.mu.Unlock()
	}
	if s.sets.sparse() {
		s.mu.Lock()
		s.renumberSets()
		s.mu.Unlock()
	}
	if s.siblings.sparse() {
		s.mu.Lock()
		s.renumberSiblings()
		s.mu.Unlock()
	}
	for _, x := range s.indexes {
		if x.sparse() {
			s.mu.Lock()
			x.rebuild(func(e uint32) uint32 { return e })
			s.mu.Unlock()
		}
	}
}

func (s *Store) renumberEntries() {
	to := s.entries.renumber()
	for _, set := range s.sets.at {
		if set != nil {
			set.first = to[set.first]
		}
	}
	for _, x := range s.indexes {
		x.rebuild(func(e uint32) uint32 { return to[e] })
	}
	if s.replacing != nil {
		old := s.inList
		s.inList = nil
		for e := range to {
			if e := uint32(e); old.has(e) {
				s.inList.add(to[e])
			}
		}
	}
}

func (s *Store) renumberSets() {
	to := make([]uint32, len(s.sets.at))
	for number := range to {
		to[number] = uint32(number)
	}
	s.sets.renumber(func(set *labelSet, from, number uint32) {
		set.number, to[from] = number, number
		for e := set.first; e != 0; e = s.entries.links.at(e).next {
			s.entries.links.at(e).set = number
		}
	})
	s.byLabels.renumber(func(number uint32) uint32 { return to[number] })
}

func (s *Store) renumberSiblings() {
	to := make([]uint32, len(s.siblings.at))
	for number := range to {
		to[number] = uint32(number)
	}
	s.siblings.renumber(func(from *siblings, was, number uint32) {
		from.number, to[was] = number, number
	})
	for _, t := range []*table{&s.byOrigin, &s.namespaces.first, &s.owners.first} {
		t.renumber(func(number uint32) uint32 { return to[number] })
	}
}
