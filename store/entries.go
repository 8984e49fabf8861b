package store

import "iter"

// entries are the objects of the store, each under a number. An entry takes 20 bytes without a
// pointer, the header of its state, and its slot in the table of keys.
type entries struct {
	links       chunks[entry]
	generations chunks[uint64]
	states      chunks[string]

	byKey table
	free  uint32 // the first free number; links of it lead to the others
}

// entry is the place of an object among those of its label set.
type entry struct {
	set        uint32 // the number of its label set; 0: the entry is free
	next, prev uint32 // entries of that set; 0 is none
}

func newEntries() *entries {
	t := new(entries)
	t.byKey = newTable(func(e uint32) string { return stateKey(*t.states.at(e)) })
	t.push() // 0 is no number
	return t
}

func (t *entries) push() {
	t.links.push(entry{})
	t.generations.push(0) //mutants:equal nobody reads that of a free entry
	t.states.push("")
}

func (t *entries) len() int { return t.byKey.n }

// room returns how many entries there is memory for.
func (t *entries) room() int { return t.links.len() - 1 }

// add returns the number of a new entry with that state.
func (t *entries) add(state string, generation uint64) (e uint32) {
	if e = t.free; e != 0 {
		t.free = t.links.at(e).next
		*t.links.at(e) = entry{}
	} else {
		e = uint32(t.links.len())
		t.push()
	}
	t.set(e, state, generation)
	t.byKey.put(e)
	return e
}

// set replaces the state of an entry by another one of the same key.
func (t *entries) set(e uint32, state string, generation uint64) {
	*t.states.at(e) = state
	*t.generations.at(e) = generation
}

// remove removes an entry that is in no label set any more.
func (t *entries) remove(e uint32) {
	t.byKey.remove(stateKey(*t.states.at(e)))
	t.set(e, "", 0) //mutants:equal[1] nobody reads it
	*t.links.at(e) = entry{next: t.free}
	t.free = e
}

// all returns an iterator over the numbers of all entries.
func (t *entries) all() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		//mutants:equal[0] that one is free
		for e := uint32(1); int(e) <= t.room(); e++ {
			if t.links.at(e).set != 0 && !yield(e) {
				return
			}
		}
	}
}

// renumber gives all entries new numbers, without gaps, and returns the new ones by the old ones.
func (t *entries) renumber() (to []uint32) {
	to = make([]uint32, t.links.len())
	n := uint32(0)
	for e := range t.all() {
		n++
		to[e] = n
	}
	old := *t
	t.links, t.generations, t.states = chunks[entry]{}, chunks[uint64]{}, chunks[string]{}
	t.free = 0
	t.push()
	for e := range old.all() {
		link := *old.links.at(e)
		t.links.push(entry{set: link.set, next: to[link.next], prev: to[link.prev]})
		t.generations.push(*old.generations.at(e))
		t.states.push(*old.states.at(e))
	}
	t.byKey.renumber(func(e uint32) uint32 { return to[e] })
	return to
}
