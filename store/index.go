package store

import (
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
)

// Names of the indexes that every store has.
const (
	// NamespaceIndex finds objects by their namespace; cluster-scoped ones under "".
	NamespaceIndex = "namespace"
	// OwnerIndex finds objects by the UID of the owner that has controller: true.
	OwnerIndex = "owner"
)

// UnknownIndexError is the error of a look-up in an index that the store does not have.
type UnknownIndexError struct {
	Name  string
	Known []string // the names of the indexes that there are
}

// Error names the index, those that there are, and the remedy.
func (e *UnknownIndexError) Error() string {
	return fmt.Sprintf("store: look up index %q: it is none of %q; add it with AddIndex first",
		e.Name, e.Known)
}

// AddIndex adds an index: every item is found under each of the values that f returns for it. Objects
// that are in the store already are indexed before AddIndex returns.
//
// f must depend on the item only. It may read the store but not write to it. AddIndex returns an error
// if the name is in use, or if it is called from a function of an index, of this store or another.
func (s *Store) AddIndex(name string, f func(Item) []string) error {
	if inIndexFunction() {
		return fmt.Errorf("store: add index %q: a function of an index cannot change indexes", name)
	}
	s.write.Lock()
	defer s.write.Unlock()
	if known := s.indexNames(); slices.Contains(known, name) {
		return fmt.Errorf("store: add index %q: there is one of that name already, of %q; choose "+
			"another name", name, known)
	}
	x := newIndex(strings.Clone(name), f)
	var wanted []membership
	for e := range s.entries.all() {
		wanted = x.memberships(wanted[:0], s.item(e))
		x.move(e, wanted)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexes = append(s.indexes, x)
	return nil
}

// inIndexFunction reports whether a function of an index is among the callers: such a function runs
// while the writer waits for it, and another writer would wait forever.
func inIndexFunction() bool {
	pcs := make([]uintptr, 64) //mutants:tuning callers at once
	//mutants:equal[1,3] the first frames are this function and the store's method, never the index's
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		frames := runtime.CallersFrames(pcs[:n])
		//mutants:equal[>=,-1,1] no frames have no next one, and the last frame is the goroutine's
		for more := n > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.HasSuffix(f.Function, "/store.(*index).memberships") {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// indexNames returns the names of all indexes. s.write or s.mu is held.
func (s *Store) indexNames() []string {
	names := []string{NamespaceIndex, OwnerIndex}
	for _, x := range s.indexes {
		names = append(names, x.name)
	}
	return names
}

func (s *Store) index(name string) *index {
	for _, x := range s.indexes {
		if x.name == name {
			return x
		}
	}
	return nil
}

// moveInIndexes brings an entry into exactly the places that it should be in. Both locks are held.
func (s *Store) moveInIndexes(e uint32, wanted []membership) {
	for _, x := range s.indexes {
		n := 0
		for n < len(wanted) && wanted[n].index == x {
			n++
		}
		x.move(e, wanted[:n])
		wanted = wanted[n:]
	}
}

// membership is a value of an index that an entry should be found under.
type membership struct {
	index *index
	value string
}

// index finds entries by the values that a function returns for them.
//
// The entries of a value are a doubly linked list, so that an entry leaves it without a search. The
// links stand in an array by the entry's number: 16 bytes an entry. An entry with several values
// has further places, in an array of their own. Store.write guards the index, and Store.mu all that
// is found in it. (The two indexes that every store has are siblingsBy.)
type index struct {
	name     string
	function func(Item) []string

	values  records[indexValue]
	byValue table

	places   chunks[place] // by the entry's number
	more     chunks[morePlace]
	moreFree uint32 // the first free element of more, with inMore set; its next leads to the others
	moreUsed int
}

// indexValue is a value that entries are found under.
type indexValue struct {
	value string
	first uint32 // place
	count uint32 // of places
}

// place is where an entry stands in the list of a value. Its number is the entry's number, or that
// of an element of more, with inMore set.
type place struct {
	value      uint32 // the number of the indexValue; 0: the place is free
	next, prev uint32 // places of that value; 0 is none
	more       uint32 // the next place of the same entry; 0 is none
}

type morePlace struct {
	place
	entry uint32
}

const inMore = 1 << 31

func newIndex(name string, f func(Item) []string) *index {
	x := &index{name: name, function: f}
	x.byValue = newTable(func(number uint32) string { return x.values.at[number].value })
	return x
}

// memberships appends where item belongs. It calls the index's function.
func (x *index) memberships(into []membership, item Item) []membership {
	values := x.function(item)
	//mutants:equal[>=,0] sorts one value
	if len(values) > 1 { // each once
		values = slices.Clone(values)
		slices.SortFunc(values, strings.Compare) // crypto/x509 links it, and not slices.Sort
		values = slices.Compact(values)
	}
	for _, v := range values {
		into = append(into, membership{x, v})
	}
	return into
}

//go:noinline // to keep programs small
func (x *index) at(p uint32) *place {
	if p&inMore != 0 {
		return &x.more.at(p &^ inMore).place
	}
	return x.places.at(p)
}

// entryAt returns the entry of a place.
func (x *index) entryAt(p uint32) uint32 {
	if p&inMore != 0 {
		return x.more.at(p &^ inMore).entry
	}
	return p
}

// count returns how many entries are found under a value.
func (x *index) count(value string) int {
	if number := x.byValue.get(value); number != 0 {
		return int(x.values.at[number].count)
	}
	return 0 //mutants:tuning[1] callers make room
}

// entriesOf returns an iterator over the entries that are found under a value.
func (x *index) entriesOf(value string) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		number := x.byValue.get(value)
		if number == 0 {
			return
		}
		for p := x.values.at[number].first; p != 0; p = x.at(p).next {
			if !yield(x.entryAt(p)) {
				return
			}
		}
	}
}

// valuesOf returns an iterator over the values that an entry is found under.
func (x *index) valuesOf(e uint32) iter.Seq[string] {
	return func(yield func(string) bool) {
		if int(e) >= x.places.len() || x.places.at(e).value == 0 {
			return
		}
		for p := e; p != 0; p = x.at(p).more {
			if !yield(x.values.at[x.at(p).value].value) {
				return
			}
		}
	}
}

// stands reports whether an entry is found under these values, in that order, and no others: the
// usual case.
func (x *index) stands(e uint32, wanted []membership) bool {
	n := 0
	for value := range x.valuesOf(e) {
		if n == len(wanted) || wanted[n].value != value {
			return false
		}
		n++
	}
	return n == len(wanted)
}

// move makes an entry found under exactly these values.
func (x *index) move(e uint32, wanted []membership) {
	if x.stands(e, wanted) {
		return
	}
	if int(e) < x.places.len() && x.places.at(e).value != 0 {
		for p := e; p != 0; {
			p = x.leave(p)
		}
	}
	//mutants:tuning[-1] makes room for the entry
	if len(wanted) == 0 {
		return
	}
	x.places.reach(e)
	last := uint32(0)
	for _, m := range wanted {
		p := e
		if last != 0 {
			p = x.newMore(e)
			x.at(last).more = p
		}
		x.enter(p, m.value)
		last = p
	}
}

// enter puts a place into the list of a value.
func (x *index) enter(p uint32, value string) {
	number := x.byValue.get(value)
	if number == 0 {
		// A clone, so that the string that value is part of can be freed.
		number = x.values.add(&indexValue{value: strings.Clone(value)})
		x.byValue.put(number)
	}
	v := x.values.at[number]
	if v.first != 0 {
		x.at(v.first).prev = p
	}
	at := x.at(p)
	at.value, at.next = number, v.first
	v.first = p
	v.count++
}

// leave takes a place out of the list of its value and frees it. It returns the next place of the
// entry, 0 for none.
func (x *index) leave(p uint32) (more uint32) {
	at := *x.at(p)
	v := x.values.at[at.value]
	if at.next != 0 {
		x.at(at.next).prev = at.prev
	}
	if at.prev != 0 {
		x.at(at.prev).next = at.next
	} else {
		v.first = at.next
	}
	if v.count--; v.count == 0 {
		x.byValue.remove(v.value)
		x.values.remove(at.value)
	}
	*x.at(p) = place{}
	if p&inMore != 0 {
		x.at(p).next = x.moreFree
		x.moreFree = p
		x.moreUsed--
	}
	return at.more
}

// newMore returns a further place for an entry.
func (x *index) newMore(e uint32) (p uint32) {
	x.moreUsed++
	if p = x.moreFree; p != 0 {
		x.moreFree = x.at(p).next
	} else {
		p = uint32(x.more.len()) | inMore
		x.more.push(morePlace{})
	}
	*x.more.at(p &^ inMore) = morePlace{entry: e}
	return p
}

// sparse reports whether most of the index's memory is not used.
func (x *index) sparse() bool { return x.values.sparse() || sparse(x.moreUsed, x.more.len()) }

// rebuild makes the index anew, without memory to spare, for entries whose numbers are changed by
// to.
func (x *index) rebuild(to func(e uint32) uint32) {
	old := *x
	*x = *newIndex(old.name, old.function)
	x.byValue = newTable(func(number uint32) string { return x.values.at[number].value })
	var wanted []membership
	for e := range old.places.len() {
		wanted = wanted[:0]
		for value := range old.valuesOf(uint32(e)) {
			wanted = append(wanted, membership{x, value})
		}
		//mutants:equal[>=,-1] leaves the entry under no value
		if len(wanted) > 0 {
			x.move(to(uint32(e)), wanted)
		}
	}
}
