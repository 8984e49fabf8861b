package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

// A table is a map from keys to numbers, whatever happens to it, and gives memory back.
func TestTableIsAMap(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		keys := []string{""} // by number
		table := newTable(func(number uint32) string { return keys[number] })
		model := map[string]uint32{}
		for step := range 6000 {
			key := fmt.Sprint(r.IntN(800))
			if _, had := model[key]; had && (r.IntN(2) == 0 || step > 4000) {
				table.remove(key)
				delete(model, key)
			} else if step <= 4000 {
				keys = append(keys, key)
				table.put(uint32(len(keys) - 1)) // in place of the one there was
				model[key] = uint32(len(keys) - 1)
			}
			if got := table.get(key); got != model[key] || table.n != len(model) {
				t.Fatalf("seed %d, step %d: %q is %d among %d, not %d among %d", seed, step, key, got, table.n, model[key], len(model))
			}
		}
		for key, number := range model {
			if table.get(key) != number {
				t.Fatalf("seed %d: %q is lost", seed, key)
			}
		}
		for key := range maps.Clone(model) {
			if table.remove(key); table.get(key) != 0 {
				t.Fatalf("%q is still there", key)
			}
		}
		if len(table.slots) > minSlots || table.n != 0 {
			t.Errorf("an empty table has %d slots", len(table.slots))
		}
	}
}

// A table has room for a third more than it holds, and for at most eight times as much.
func TestTheBoundsOfATable(t *testing.T) {
	keys := []string{""}
	table := newTable(func(number uint32) string { return keys[number] })
	add := func(n int) {
		for range n {
			keys = append(keys, fmt.Sprint(len(keys)))
			table.put(uint32(len(keys) - 1))
		}
	}
	for _, c := range []struct{ n, slots int }{{1, 16}, {12, 16}, {13, 32}, {24, 32}, {25, 64}, {96, 128}, {97, 256}} {
		if add(c.n - table.n); len(table.slots) != c.slots {
			t.Errorf("%d numbers have %d slots, not %d", c.n, len(table.slots), c.slots)
		}
	}
	for _, c := range []struct{ n, slots int }{{32, 256}, {31, 64}, {8, 64}, {7, 16}, {0, 16}} {
		for table.n > c.n {
			table.remove(keys[len(keys)-1])
			keys = keys[:len(keys)-1]
		}
		if len(table.slots) != c.slots {
			t.Errorf("%d numbers that are left have %d slots, not %d", c.n, len(table.slots), c.slots)
		}
	}
}

func TestChunksAreAnArray(t *testing.T) {
	var c chunks[int]
	for i := range 3 * chunkLen {
		if c.len() != i {
			t.Fatalf("%d elements are %d", i, c.len())
		}
		c.push(i)
		for _, at := range []int{0, i / 2, i} {
			if *c.at(uint32(at)) != at {
				t.Fatalf("element %d of %d is %d", at, i+1, *c.at(uint32(at)))
			}
		}
	}
	if c.reach(3 * chunkLen); c.len() != 3*chunkLen+1 || *c.at(3 * chunkLen) != 0 {
		t.Error("reach does not add a zero element")
	}
	var few chunks[int]
	if few.push(1); cap(few.list[0]) > 15 {
		t.Errorf("one element has room for %d", cap(few.list[0]))
	}
}

// Room is given back when less than a quarter is used, and not below 256.
func TestWhatIsSparse(t *testing.T) {
	for _, c := range []struct {
		n, room int
		sparse  bool
	}{{0, 256, false}, {0, 257, true}, {63, 257, true}, {64, 257, false}, {250, 1000, false}, {249, 1000, true}} {
		if sparse(c.n, c.room) != c.sparse {
			t.Errorf("%d of %d are sparse: %v", c.n, c.room, !c.sparse)
		}
	}
}

// owned is one of many small objects, each with an owner of its own or one of a few.
func owned(i, owners int) wire.Object {
	o := object(fmt.Sprint("ns-", i%40), fmt.Sprint("pod-", i), fmt.Sprint("uid-", i), "1")
	o.Meta.Labels = wire.NewLabels(wire.Label{Key: "app", Value: fmt.Sprint(i % owners)})
	o.Meta.Owner = wire.Owner{UID: fmt.Sprint(i % owners)}
	return o
}

// byLabel and byParts are indexes with one value and with several.
func byLabel(i Item) []string { return []string{i.Labels().Get("app")} }
func byParts(i Item) []string { return []string{i.Name(), i.Namespace(), i.Labels().Get("app")} }

// When most objects are gone, wherever they stood, what is left takes as much as it would have taken
// alone, and is found as before. Items that are about stay what they are.
func TestWhatIsLeftTakesItsOwnMemory(t *testing.T) {
	const n = 6000
	for name, owners := range map[string]int{"few owners": 30, "an owner each": n} {
		t.Run(name, func(t *testing.T) {
			fill := func(step int) *Store {
				s := New(Options{DecodedBytes: -1})
				for name, f := range map[string]func(Item) []string{"label": byLabel, "parts": byParts} {
					if err := s.AddIndex(name, f); err != nil {
						t.Fatal(err)
					}
				}
				for i := 0; i < n; i += step {
					s.Set(owned(i, owners))
				}
				return s
			}
			const step = 37 // one of so many is left
			empty := heapNow()
			alone := fill(step)
			alone.Rest()
			want := heapNow() - empty
			runtime.KeepAlive(alone)
			alone = nil

			empty = heapNow()
			s := fill(1)
			kept, _ := s.Get(owned(0, owners).Meta.Key())
			calls := 0
			_, _, _ = kept.Shared(decodeVersion(&calls), size100)
			for i := range n {
				if i%step != 0 {
					s.Delete(owned(i, owners).Meta.Key())
				}
			}
			s.Rest()
			if left := heapNow() - empty; left > want*3/2 {
				t.Errorf("%d objects that are left of %d take %d bytes, alone they take %d", s.Len(), n, left, want)
			}
			if now, _ := s.Get(kept.Key()); now != kept {
				t.Error("an item that is kept is not the one of the store any more")
			}
			if _, shared, _ := kept.Shared(decodeVersion(&calls), size100); !shared || calls != 1 {
				t.Error("an object that was decoded is not any more")
			}
			checkBooks(t, s)
			for i := 0; i < n; i += step {
				o := owned(i, owners)
				if items, _ := s.ByIndex("parts", o.Meta.Name); len(items) != 1 || items[0].Key() != o.Meta.Key() {
					t.Fatalf("%s is not found by its name", o.Meta.Name)
				}
			}
			for i := range n { // and it grows again
				s.Set(owned(i, owners))
			}
			checkBooks(t, s)
		})
	}
}

// A list can remove most objects while it comes in: by Delete, so that entries get other numbers.
func TestAListAcrossOtherNumbers(t *testing.T) {
	const n = 2000
	s := New(Options{})
	for i := range n {
		s.Set(owned(i, 10))
	}
	s.BeginReplace("")
	var want []string
	for i := 0; i < n; i += 50 {
		o := owned(i, 10)
		if i%100 == 0 {
			if !s.Touch(o) {
				t.Fatal("not recognised")
			}
			want = append(want, o.Meta.Key())
		}
	}
	for i := range n {
		if i%50 != 0 {
			s.Delete(owned(i, 10).Meta.Key())
		}
	}
	if s.entries.room() > n/2 {
		t.Fatal("this test does not see other numbers")
	}
	if gone := s.EndReplace(""); len(gone) != n/100 {
		t.Errorf("%d objects are gone, not %d", len(gone), n/100)
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(itemsByKey(s))); !slices.Equal(got, want) {
		t.Errorf("left are %q", got)
	}
	if gone := s.EndReplace(""); gone != nil {
		t.Errorf("a list that never began removed %d objects", len(gone))
	}
	checkBooks(t, s)
}

// Objects that lose their further values, and values that lose their objects, give memory back though
// the objects stay.
func TestAnIndexGivesMemoryBack(t *testing.T) {
	const n = 5000
	for name, many := range map[string]func(Item) []string{
		"values": func(i Item) []string { return []string{i.Key()} },
		"places": func(i Item) []string { return []string{"1", "2", "3"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			if err := s.AddIndex(name, func(i Item) []string {
				if i.ResourceVersion() == "many" {
					return many(i)
				}
				return []string{i.ResourceVersion()}
			}); err != nil {
				t.Fatal(err)
			}
			x := s.index(name)
			room := func() int { return len(x.values.at) + x.more.len() }
			for _, version := range []string{"many", "few"} {
				for i := range n {
					o := owned(i, 10)
					o.Meta.ResourceVersion = version
					s.Set(o)
				}
				if many := room() >= n; many != (version == "many") {
					t.Errorf("for %s there is room for %d values and %d places", version, len(x.values.at), x.more.len())
				}
				checkBooks(t, s)
			}
			if items, _ := s.ByIndex(name, "few"); len(items) != n {
				t.Errorf("%d objects are found", len(items))
			}
		})
	}
}

// Siblings can be many when they get a base. One Set packs few of them again.
func TestRepackingIsBounded(t *testing.T) {
	s := New(Options{})
	s.Set(replica(1, 0, 0)) // the base of the kind
	large := func(i int) wire.Object {
		o := replica(0, 0, i)
		o.Data = append(o.Data, make([]byte, maxBase)...) // too large to be a base
		return o
	}
	for i := range 50 {
		s.Set(large(i))
	}
	now, _ := s.Set(replica(0, 0, 50))
	n := 0
	for _, item := range itemsByKey(s) {
		if item != now && item.common.base == now.common.base {
			n++
		}
	}
	if n != 16 {
		t.Errorf("%d objects were packed again, not 16", n)
	}
	checkBooks(t, s)
}

// Buffers are kept up to a bound, whatever a rare huge object took.
func TestTheBoundOfBuffers(t *testing.T) {
	for size, kept := range map[int]bool{1<<20 - 1: true, 1 << 20: true, 1<<20 + 1: false} {
		if b := small(make([]byte, 0, size)); (b != nil) != kept {
			t.Errorf("a buffer of %d bytes is kept: %v", size, b != nil)
		}
	}
}

// A number that is used again stands for another state: an item of the old one is not current, and
// what was decoded of it is nobody else's.
func TestANumberThatIsUsedAgain(t *testing.T) {
	s := New(Options{DecodedBytes: -1})
	calls := 0
	old, _ := s.Set(object("ns", "a", "u", "1"))
	e := s.entries.byKey.get("ns/a")
	if _, shared, _ := old.Shared(decodeVersion(&calls), size100); !shared {
		t.Fatal("not kept decoded")
	}
	s.Delete("ns/a")
	now, _ := s.Set(object("ns", "a", "u", "1"))
	if s.entries.byKey.get("ns/a") != e {
		t.Fatal("the number is another: this test sees nothing")
	}
	if now == old || s.isCurrent(old) || !s.isCurrent(now) {
		t.Error("two states of the same bytes are taken for one")
	}
	if _, shared, _ := old.Shared(decodeVersion(&calls), size100); shared || calls != 2 {
		t.Error("the old state is kept decoded")
	}
	if last := s.Pack(object("ns", "a", "u", "1")); s.isCurrent(last) {
		t.Error("an item that was never in the store is current")
	}
}

// An item keeps its own bytes, and not the store that it came from.
func TestAnItemDoesNotKeepItsStore(t *testing.T) {
	empty := heapNow()
	var items []Item
	func() {
		s := New(Options{DecodedBytes: -1})
		for i := range 2000 {
			o := replica(i%20, 0, i)
			o.Data = fmt.Appendf(o.Data, "%x", rand.Perm(300))
			s.Set(o)
		}
		calls := 0
		for item := range s.All() {
			_, _, _ = item.Shared(decodeVersion(&calls), func(any) int64 { return 1000 })
		}
		if used := heapNow() - empty; used < 1<<20 {
			t.Fatalf("the store has %d bytes only: this test sees nothing", used)
		}
		now, _ := s.Get("ns/r-7-7")
		items = append(items, now, s.Pack(replica(7, 0, 7)))
	}()
	if left := heapNow() - empty; left > 100<<10 {
		t.Errorf("two items keep %d bytes", left)
	}
	for _, item := range items {
		o, err := item.Object()
		if err != nil || o.Meta.Name != "r-7-7" || item.Labels().Get("owner") != "7" {
			t.Errorf("an item without its store is %+v: %v", o.Meta, err)
		}
		calls := 0
		if _, shared, err := item.Shared(decodeVersion(&calls), size100); shared || err != nil || calls != 1 {
			t.Errorf("read without its store: shared is %v, error %v", shared, err)
		}
	}
	runtime.KeepAlive(items)
}

// A panic of an index's function leaves the store as it was.
func TestAnIndexThatPanics(t *testing.T) {
	s := New(Options{})
	for i := range 10 {
		s.Set(replica(0, 0, i))
	}
	panics := false
	if err := s.AddIndex("panics", func(Item) []string {
		if panics {
			panic("mine")
		}
		return []string{"fine"}
	}); err != nil {
		t.Fatal(err)
	}
	panics = true
	for _, o := range []wire.Object{replica(0, 0, 3), replica(1, 0, 3)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is lost")
				}
			}()
			s.Set(o)
		}()
		checkBooks(t, s)
	}
	panics = false
	s.Set(replica(1, 0, 3))
	checkBooks(t, s)
}

// What an object takes beside its bytes, and what an index adds to it.
func TestWhatAnObjectTakes(t *testing.T) {
	const n = 20_000
	s := New(Options{})
	empty := heapNow()
	for i := range n {
		s.Set(owned(i, 400))
	}
	s.Rest()
	st := s.Stats()
	full := heapNow()
	if beside := (full - empty - st.PackedBytes - st.BaseBytes) / n; beside > 75 { // strings are rounded up to 16 bytes
		t.Errorf("an object takes %d bytes beside its state", beside)
	}
	for name, c := range map[string]struct {
		f    func(Item) []string
		most int64
	}{
		"one value for 50 objects": {byLabel, 20},
		"one value each":           {func(i Item) []string { return []string{i.Name()} }, 100},
		"no values":                {func(Item) []string { return nil }, 0},
		"three values":             {func(i Item) []string { return []string{"a", "b", i.Labels().Get("app")} }, 75},
	} {
		before := heapNow()
		if err := s.AddIndex(name, c.f); err != nil {
			t.Fatal(err)
		}
		if each := (heapNow() - before) / n; each > c.most {
			t.Errorf("an index with %s takes %d bytes an object, not %d", name, each, c.most)
		}
	}
	checkBooks(t, s)
}
