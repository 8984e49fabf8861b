package store

import (
	"fmt"
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

// UnknownIndexError says that a store has no index of that name.
type UnknownIndexError struct{ Name string }

// Error says which index was asked for and what to do.
func (e *UnknownIndexError) Error() string {
	return fmt.Sprintf("store: there is no index %q; add it with AddIndex first", e.Name)
}

// index finds entries by a value. Its fields are set once; buckets is guarded by Store.mu.
type index struct {
	name    string
	values  func(Item) []string // nil for the two that every store has
	buckets table[*bucket]
}

// bucket is the entries of one value of an index, in no order. It is guarded by Store.mu.
type bucket struct {
	index   *index
	value   string
	entries []*entry
}

// place is where an entry stands in a bucket. Knowing it, an entry leaves without a search: a
// namespace may hold a million of them.
type place struct {
	bucket *bucket
	at     int32
}

// membership is a bucket that an entry should be in.
type membership struct {
	index *index
	value string
}

// memberships appends where item belongs. It calls the indexes' functions.
func (s *Store) memberships(into []membership, item Item) []membership {
	for _, x := range s.indexes {
		into = x.memberships(into, item)
	}
	return into
}

func (x *index) memberships(into []membership, item Item) []membership {
	switch {
	case x.values != nil:
		values := x.values(item)
		if len(values) > 1 { // each once
			values = slices.Compact(slices.Sorted(slices.Values(values)))
		}
		for _, v := range values {
			into = append(into, membership{x, v})
		}
	case x.name == NamespaceIndex:
		into = append(into, membership{x, item.Namespace()})
	case item.Owner().UID != "": // OwnerIndex
		into = append(into, membership{x, item.Owner().UID})
	}
	return into
}

// move brings e into exactly the buckets that it should be in. s.mu is held for writing.
func (e *entry) move(wanted []membership) {
	if e.stands(wanted) {
		return
	}
	old := e.places
	e.places = make([]place, 0, len(wanted))
	for _, m := range wanted {
		if i := slices.IndexFunc(old, func(p place) bool { return p.bucket.is(m) }); i >= 0 {
			e.places = append(e.places, old[i])
			old[i].bucket = nil
			continue
		}
		e.enter(m)
	}
	for _, p := range old {
		if p.bucket != nil {
			p.leave()
		}
	}
}

// stands says whether e is in those buckets, in that order, and in no other: the usual case.
func (e *entry) stands(wanted []membership) bool {
	if len(wanted) != len(e.places) {
		return false
	}
	for i, m := range wanted {
		if !e.places[i].bucket.is(m) {
			return false
		}
	}
	return true
}

func (b *bucket) is(m membership) bool { return b != nil && b.index == m.index && b.value == m.value }

// enter puts e into a bucket, which is made if it is the first.
func (e *entry) enter(m membership) {
	b, ok := m.index.buckets.get(m.value)
	if !ok {
		b = &bucket{index: m.index, value: strings.Clone(m.value)} // not to pin the item it came from
		m.index.buckets.put(b.value, b)
	}
	e.places = append(e.places, place{b, int32(len(b.entries))})
	b.entries = append(b.entries, e)
}

// leave takes the entry at p out of its bucket; the bucket's last one moves to its place.
func (p place) leave() {
	b := p.bucket
	last := len(b.entries) - 1
	if moved := b.entries[last]; int(p.at) != last {
		b.entries[p.at] = moved
		for i := range moved.places {
			if moved.places[i].bucket == b {
				moved.places[i].at = p.at
			}
		}
	}
	b.entries[last] = nil
	b.entries = b.entries[:last]
	switch {
	case last == 0:
		b.index.buckets.delete(b.value)
	case cap(b.entries) > shrinkAbove && last < cap(b.entries)/shrinkAt:
		b.entries = slices.Clone(b.entries)
	}
}

// items returns the bucket's items as they are now. s.mu is held for reading.
func (b *bucket) items(into []Item) []Item {
	into = slices.Grow(into, len(b.entries))
	for _, e := range b.entries {
		into = append(into, Item{e.record})
	}
	return into
}
