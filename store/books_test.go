package store

import (
	"reflect"
	"testing"
)

// The limits of pack for bases and for objects that are packed against one.
const (
	maxBase = 16 << 10
	maxNear = 40 << 10
)

// itemsByKey returns all items.
func itemsByKey(s *Store) map[string]Item {
	all := map[string]Item{}
	for item := range s.All() {
		all[item.Key()] = item
	}
	return all
}

// indexValues returns the values under which an index finds anything.
func indexValues(s *Store, name string) (values []string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch name {
	case NamespaceIndex, OwnerIndex:
		t := &s.namespaces
		if name == OwnerIndex {
			t = &s.owners
		}
		for _, number := range t.first.slots {
			if number != 0 {
				values = append(values, t.value(s.siblings.at[number]))
			}
		}
		return values
	}
	for _, v := range s.index(name).values.at {
		if v != nil {
			values = append(values, v.value)
		}
	}
	return values
}

// hidden is a field of what v points to, also if it belongs to package pack.
func hidden(v any, name string) reflect.Value { return reflect.ValueOf(v).Elem().FieldByName(name) }

// checkBooks counts everything anew, and finds what the store has on its books.
func checkBooks(t *testing.T, s *Store) {
	t.Helper()
	got := s.Stats()
	want := Stats{ // what is counted elsewhere, and tested there
		ScratchBytes: got.ScratchBytes, DecodedObjects: got.DecodedObjects, DecodedBytes: got.DecodedBytes, Hits: got.Hits, Misses: got.Misses,
	}
	bases, refs := map[uintptr]reflect.Value{}, map[uintptr]int{}
	groups, objects := map[uintptr]reflect.Value{}, map[uintptr]int{}
	refer := func(base reflect.Value, by int) {
		if !base.IsNil() {
			bases[base.Pointer()] = base.Elem()
			refs[base.Pointer()] += by
		}
	}
	from, generations := map[*siblings]bool{}, map[uint64]bool{}
	for e := range s.entries.all() {
		item, set := s.item(e), s.setOf(e)
		if s.sets.at[set.number] != set || s.siblings.at[set.siblings.number] != set.siblings || s.kinds[set.siblings.kind.id] != set.siblings.kind {
			t.Fatalf("%s belongs to something that is forgotten", item.Key())
		}
		if s.entries.byKey.get(item.Key()) != e || generations[item.generation] || item.generation > s.generations {
			t.Fatalf("%s is not what its key finds, or has the generation of another", item.Key())
		}
		generations[item.generation] = true
		want.Objects++
		want.PackedBytes += int64(len(item.state))
		o, err := item.Object()
		if err != nil {
			t.Fatal(err)
		}
		want.RawBytes += int64(len(o.Data))
		refer(reflect.ValueOf(set.common.base), 1)
		for g := reflect.ValueOf(set.group); !g.IsNil(); g = g.Elem().FieldByName("within") {
			groups[g.Pointer()] = g.Elem()
			objects[g.Pointer()]++
		}
		from[set.siblings] = true
	}
	for at, g := range groups {
		refer(g.FieldByName("base"), 1)
		if n := int(g.FieldByName("objects").Int()); n != objects[at] {
			t.Fatalf("a group has %d objects on its books, and %d in truth", n, objects[at])
		}
	}
	for at := range bases {
		if outer := bases[at].FieldByName("outer"); !outer.IsNil() {
			refer(outer, 1)
		}
	}
	for at, b := range bases {
		want.Bases++
		want.BaseBytes += int64(b.FieldByName("data").Cap())
		if n := int(b.FieldByName("refs").Uint()); n != refs[at] {
			t.Fatalf("a base has %d references on its books, and %d in truth", n, refs[at])
		}
	}
	inSets := 0
	for f := range from {
		prev := (*labelSet)(nil)
		for set := f.first; set != nil; prev, set = set, set.next {
			want.Groups++
			inSets += checkLabelSet(t, s, set)
			if set.prev != prev || set.siblings != f {
				t.Fatal("a label set does not stand where it says")
			}
		}
	}
	if got != want || inSets != want.Objects || s.siblings.len() != len(from) || s.byOrigin.n != len(from) {
		t.Fatalf("the books say %+v, in truth it is %+v; %d in label sets, %d siblings and not %d",
			got, want, inSets, s.siblings.len(), len(from))
	}
	for _, x := range s.indexes {
		checkIndex(t, s, x)
	}
}

// checkLabelSet returns how many entries a label set has.
func checkLabelSet(t *testing.T, s *Store, set *labelSet) (n int) {
	t.Helper()
	prev := uint32(0)
	for e := set.first; e != 0; prev, e = e, s.entries.links.at(e).next {
		n++
		if at := s.entries.links.at(e); at.prev != prev || at.set != set.number {
			t.Fatalf("%s does not stand where it says", s.item(e).Key())
		}
	}
	if n != int(set.count) || n == 0 {
		t.Fatalf("a label set has %d entries, %d by its books", n, set.count)
	}
	found := false
	for other := set.otherBase; ; other = other.otherBase {
		found = found || s.byLabels.get(set.id) == other.number
		if other != set && (other.common.base == set.common.base || other.id != set.id || other.group != set.group) {
			t.Fatal("two label sets are the same, or have nothing in common")
		}
		if other == set {
			break
		}
	}
	if !found {
		t.Fatal("a label set is not found by its labels")
	}
	return n
}

// checkIndex finds every place where it says, and no others.
func checkIndex(t *testing.T, s *Store, x *index) {
	t.Helper()
	places, values := 0, 0
	for number, v := range x.values.at {
		if v == nil {
			continue
		}
		values++
		n, prev := 0, uint32(0)
		for p := v.first; p != 0; prev, p = p, x.at(p).next {
			n++
			if at := x.at(p); at.value != uint32(number) || at.prev != prev || s.entries.links.at(x.entryAt(p)).set == 0 {
				t.Fatalf("a place of %q does not stand where it says", v.value)
			}
		}
		if n == 0 || n != int(v.count) || x.byValue.get(v.value) != uint32(number) {
			t.Fatalf("value %q has %d places, %d by its books", v.value, n, v.count)
		}
		places += n
	}
	if values != x.byValue.n {
		t.Fatalf("%d values are in the table, there are %d", x.byValue.n, values)
	}
	have, more := 0, 0
	for e := range x.places.len() {
		for range x.valuesOf(uint32(e)) {
			have++
		}
		if e > 0 && x.places.at(uint32(e)).value != 0 {
			more--
		}
	}
	if have != places || more+places != x.moreUsed {
		t.Fatalf("entries have %d places, values have %d; %d are further ones, and not %d", have, places, x.moreUsed, more+places)
	}
}
