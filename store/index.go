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

// index finds entries by the values that a function returns for them. Its fields are set once;
// buckets is guarded by Store.mu. (The two indexes that every store has are the lists of lineages in
// Store, which cost nothing for each object.)
type index struct {
	name    string
	values  func(Item) []string
	buckets table[string, *bucket]
}

// bucket is the entries of one value of an index, in no order. It is guarded by Store.mu.
type bucket struct {
	index   *index
	value   string
	entries []*entry
}

// place is where an entry stands in a bucket. Knowing it, an entry leaves without a search: a bucket
// may hold a million of them.
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
	values := x.values(item)
	if len(values) > 1 { // each once
		values = slices.Compact(slices.Sorted(slices.Values(values)))
	}
	for _, v := range values {
		into = append(into, membership{x, v})
	}
	return into
}

// move brings e into exactly the buckets that it should be in. s.mu is held for writing.
func (s *Store) move(e *entry, wanted []membership) {
	old, _ := s.places.get(e)
	if stands(old, wanted) {
		return
	}
	places := make([]place, 0, len(wanted))
	for _, m := range wanted {
		if i := slices.IndexFunc(old, func(p place) bool { return p.bucket.is(m) }); i >= 0 {
			places = append(places, old[i])
			old[i].bucket = nil
			continue
		}
		places = append(places, e.enter(m))
	}
	for _, p := range old {
		if p.bucket != nil {
			s.exit(p)
		}
	}
	if len(places) > 0 {
		s.places.put(e, places)
	} else {
		s.places.delete(e)
	}
}

// stands says whether those are places in those buckets, in that order, and in no other: the usual
// case.
func stands(places []place, wanted []membership) bool {
	if len(wanted) != len(places) {
		return false
	}
	for i, m := range wanted {
		if !places[i].bucket.is(m) {
			return false
		}
	}
	return true
}

func (b *bucket) is(m membership) bool { return b != nil && b.index == m.index && b.value == m.value }

// enter puts e into a bucket, which is made if it is the first.
func (e *entry) enter(m membership) place {
	b, ok := m.index.buckets.get(m.value)
	if !ok {
		b = &bucket{index: m.index, value: strings.Clone(m.value)} // not to pin the item it came from
		m.index.buckets.put(b.value, b)
	}
	b.entries = append(b.entries, e)
	return place{b, int32(len(b.entries) - 1)}
}

// exit takes the entry at p out of its bucket; the bucket's last one moves to its place.
func (s *Store) exit(p place) {
	b := p.bucket
	b.entries = without(b.entries, int(p.at), func(moved *entry) {
		places, _ := s.places.get(moved)
		for i := range places {
			if places[i].bucket == b {
				places[i].at = p.at
			}
		}
	})
	if len(b.entries) == 0 {
		b.index.buckets.delete(b.value)
	}
}
