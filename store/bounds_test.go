package store

import (
	"math"
	"strings"
	"testing"
	"unsafe"

	"github.com/skiff-k8s/skiff/wire"
)

// A chunk of strings fills a page of 4096 bytes with the allocator's header, and would not fit with
// one more. The first chunk doubles up to that.
func TestTheBoundsOfChunks(t *testing.T) {
	const header, page = 8, 4096
	size := int(unsafe.Sizeof(""))
	if chunkLen*size+header > page || (chunkLen+1)*size+header <= page {
		t.Errorf("a chunk of %d strings does not fill a page", chunkLen)
	}
	var c chunks[string]
	room := map[int]int{1: 15, 15: 15, 16: 31, 31: 31, 32: 63, 63: 63, 64: 127, 127: 127, 128: 255, 255: 255}
	for n := 1; n <= 255; n++ {
		c.push("")
		if want, ok := room[n]; ok && cap(c.list[0]) != want {
			t.Errorf("%d elements have room for %d, not %d", n, cap(c.list[0]), want)
		}
	}
	if c.push(""); len(c.list) != 2 || len(c.list[1]) != 1 || cap(c.list[1]) != 255 {
		t.Errorf("the 256th element is in a chunk with room for %d", cap(c.list[len(c.list)-1]))
	}
}

// For each 4 KiB of the budget a first read is remembered: 256 to 65,536, in groups of eight.
func TestTheBoundsOfFirstReads(t *testing.T) {
	const each = 4 << 10
	for budget, groups := range map[int64]int{
		1: 32, 256 * each: 32, 264*each - 1: 32, 264 * each: 33, 264*each + 1: 33, 272*each - 1: 33, 272 * each: 34,
		65528*each - 1: 8190, 65528 * each: 8191, 65536*each - 1: 8191, 65536 * each: 8192, 65544 * each: 8192, 1 << 40: 8192,
	} {
		c := newDecodedCache[int](budget)
		c.wanted(1)
		if len(c.reads) != groups {
			t.Errorf("a budget of %d bytes has %d groups of first reads, not %d", budget, len(c.reads), groups)
		}
	}
	if n := len(firstReads{}); n != 8 {
		t.Errorf("a group has %d", n)
	}
}

// Eight keys of one group are remembered, each until its third read; a ninth takes the place of one
// of them.
func TestTheBoundOfAGroupOfFirstReads(t *testing.T) {
	for range 20 { // which one makes room is random
		testGroupOfFirstReads(t)
	}
}

func testGroupOfFirstReads(t *testing.T) {
	c := newDecodedCache[int](1)
	c.wanted(-1)
	c.reads = make([]firstReads, 1) // all in one group
	for read := 1; read <= 2; read++ {
		for key := range 8 {
			if c.wanted(key) {
				t.Errorf("key %d is wanted at read %d", key, read)
			}
		}
	}
	for key := range 8 {
		if !c.wanted(key) {
			t.Errorf("key %d of 8 is not wanted at its third read", key)
		}
	}
	for read := 4; read <= 5; read++ {
		for key := range 8 {
			if c.wanted(key) {
				t.Errorf("key %d is wanted at read %d: it is as new", key, read)
			}
		}
	}
	c.wanted(8)
	again := 0
	for _, mark := range c.reads[0] {
		if mark == 0 {
			t.Error("a ninth key leaves room free")
		}
	}
	for key := range 8 {
		before := c.reads[0]
		if c.wanted(key) {
			again++
		}
		c.reads[0] = before
	}
	if again != 7 {
		t.Errorf("after a ninth key %d of 8 are remembered", again)
	}
}

// An object that fills the budget alone, with what the cache needs for it, is kept; one of a byte
// more is not. Two that fill it together stay both.
func TestTheBoundsOfTheBudget(t *testing.T) {
	always := func() bool { return true }
	const budget = 10000
	for size, kept := range map[int64]bool{budget - 160 - 1: true, budget - 160: true, budget - 160 + 1: false} {
		c := newDecodedCache[int](budget)
		if c.keep(1, "x", size, always); (c.count == 1) != kept {
			t.Errorf("an object of %d bytes is kept: %v", size, !kept)
		}
	}
	for size, kept := range map[int64]int{budget/2 - 160: 2, budget/2 - 160 + 1: 1} {
		c := newDecodedCache[int](budget)
		c.keep(1, "x", budget/2-160, always)
		if c.keep(2, "y", size, always); c.count != kept {
			t.Errorf("beside an object of half the budget, one of %d bytes leaves %d", size, c.count)
		}
	}
	c := newDecodedCache[int](-1)
	for key := range 100 {
		c.keep(key, "x", budget, always)
	}
	if c.count != 100 {
		t.Errorf("without a limit %d of 100 objects are kept", c.count)
	}
	c.setBudget(0)
	if c.keep(1, "x", 0, always); c.count != 0 || c.bytes != 0 || c.wanted(1) || c.wanted(1) {
		t.Errorf("with a budget of 0, %d objects of %d bytes are kept", c.count, c.bytes)
	}
}

// Each count stands in a cache line of its own.
func TestTheSizeOfACounter(t *testing.T) {
	var c counter
	if n := unsafe.Sizeof(c[0]); n != 64 {
		t.Errorf("a count takes %d bytes", n)
	}
	for range 1000 {
		c.add()
	}
	if c.sum() != 1000 {
		t.Errorf("1000 are %d", c.sum())
	}
}

// A state comes back whole at every length at which a number takes another byte, and takes what its
// parts take: 16 bytes for a UID as servers write it.
func TestTheBoundsOfAState(t *testing.T) {
	const canonical = "0af35a52-1c0e-4d0c-9a39-2f6d0e8c7b1a"
	uids := map[string]int{canonical: 16, "": 0, "x": 1, canonical + "0": 37, canonical[:35]: 35}
	for i := range canonical {
		for _, c := range "-0AF@Gafgx/:`_" {
			changed := canonical[:i] + string(c) + canonical[i+1:]
			size := 36
			if dash := canonical[i] == '-'; dash && c == '-' || !dash && strings.ContainsRune("0af", c) {
				size = 16
			}
			uids[changed] = size
		}
	}
	numberSize := func(n int) int { return 1 + min(n>>7, 1) + min(n>>14, 1) }
	check := func(key, version, uid, body string, generation int64, size int) {
		t.Helper()
		state := string(appendHead(nil, []byte(key), version, uid, generation)) + body
		p := parseState(state)
		if p.key != key || stateKey(state) != key || p.version != version || p.body != body || p.generation != generation ||
			string(p.appendUID(nil)) != uid {
			t.Errorf("a state with the UID %q and the generation %d came back as %+v", uid, generation, p)
		}
		if size >= 0 && len(state) != size {
			t.Errorf("a state with the UID %q takes %d bytes, not %d", uid, len(state), size)
		}
	}
	for uid, size := range uids {
		check("ns/name", "123", uid, "body", 3, 4+7+3+size+4)
	}
	for _, n := range []int{0, 1, 127, 128, 16383, 16384} {
		s := strings.Repeat("k", n)
		check(s, "1", canonical, "b", 1, numberSize(n)+3+n+1+16+1)
		check("k", s, canonical, "b", 1, numberSize(n)+3+1+n+16+1)
		check("k", "1", canonical, s, 1, 4+1+1+16+n)
		check("k", "1", canonical, "b", int64(n), 3+numberSize(n)+1+1+16+1)
	}
	for _, n := range []int{62, 63, 64, 65, 8191, 8192} { // the length of a UID is doubled
		check("k", "1", strings.Repeat("u", n), "b", 1, 3+numberSize(2*n)+1+1+n+1)
	}
	for _, generation := range []int64{-1, math.MinInt64, math.MaxInt64} {
		check("k", "1", canonical, "b", generation, -1)
	}
}

// Each entry of a bitset is its own, also at the ends of its words.
func TestTheBoundsOfABitset(t *testing.T) {
	for _, e := range []uint32{0, 1, 62, 63, 64, 65, 127, 128, 129, 1000} {
		var b bitset
		b.remove(e) // which it does not have
		if b.has(e) || len(b) != 0 {
			t.Errorf("an empty set has %d", e)
		}
		b.add(e)
		if len(b) != int(e/64)+1 {
			t.Errorf("a set of %d has %d words", e, len(b))
		}
		for other := range uint32(1100) {
			if b.has(other) != (other == e) {
				t.Errorf("a set of %d has %d: %v", e, other, b.has(other))
			}
		}
		before := len(b)
		if b.add(e); len(b) != before || !b.has(e) {
			t.Errorf("%d was added twice", e)
		}
		b.add(2)
		b.remove(e)
		if b.has(e) || !b.has(2) && e != 2 {
			t.Errorf("%d was removed, and is there: %v", e, b.has(e))
		}
	}
}

// Numbers begin with 1, are given again when they are free, and are counted.
func TestTheBoundsOfRecords(t *testing.T) {
	var r records[int]
	if r.len() != 0 {
		t.Errorf("no records are %d", r.len())
	}
	for want := uint32(1); want <= 3; want++ {
		if number := r.add(new(int)); number != want || r.len() != int(want) {
			t.Errorf("record %d has the number %d; there are %d", want, number, r.len())
		}
	}
	r.remove(2)
	if number := r.add(new(int)); number != 2 || r.len() != 3 || len(r.free) != 0 {
		t.Errorf("a free number is not given again: %d is", number)
	}
	for number := uint32(1); number <= 3; number++ {
		r.remove(number)
	}
	if r.len() != 0 || len(r.at) != 4 {
		t.Errorf("without records there are %d, in room for %d", r.len(), len(r.at))
	}
	moved := 0
	last := r.add(new(int))
	if r.renumber(func(_ *int, from, to uint32) {
		if moved++; from != last || to != 1 {
			t.Errorf("%d became %d", from, to)
		}
	}); len(r.at) != 2 || cap(r.at) != 2 || r.free != nil || moved != 1 {
		t.Errorf("one record is left in room for %d", cap(r.at))
	}
	r.renumber(func(_ *int, from, to uint32) { t.Errorf("%d became %d", from, to) })
}

// Objects that nobody owns are packed in a group of their own for each set of labels, if there are
// any. Others are packed with their siblings.
func TestTheBoundOfGroupsByLabels(t *testing.T) {
	labels := []wire.Label{{Key: "app", Value: "web"}, {Key: "tier", Value: "front"}}
	for n := range len(labels) + 1 {
		for _, owner := range []string{"", "uid-1"} {
			s := New(Options{})
			s.wake()
			o := object("default", "a", "uid-a", "1")
			o.Meta.Labels, o.Meta.Owner = wire.NewLabels(labels[:n]...), wire.Owner{UID: owner}
			set := s.labelSetFor(&o)
			if own, want := set.group != set.siblings.group, n > 0 && owner == ""; own != want {
				t.Errorf("%d labels, owner %q: a group of their own: %v", n, owner, own)
			}
		}
	}
}

// A value that an index does not have finds nothing, and one of 1 to 3 objects finds those, in
// memory for so many.
func TestTheBoundsOfALookUp(t *testing.T) {
	s := New(Options{})
	if err := s.AddIndex("name", func(i Item) []string { return []string{i.Name()[:1]} }); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a", "b1", "b2", "c1", "c2", "c3"} {
		s.Set(object("default", name, "uid-"+name, string(rune('1'+i))))
	}
	for value, want := range map[string]int{"": 0, "a": 1, "b": 2, "c": 3, "d": 0} {
		items, err := s.ByIndex("name", value)
		if err != nil || len(items) != want || want > 0 && cap(items) != want {
			t.Errorf("%q finds %d objects in memory for %d (%v)", value, len(items), cap(items), err)
		}
	}
}

func TestTheZeroItemHasNoGeneration(t *testing.T) {
	if n := (Item{}).Generation(); n != 0 {
		t.Errorf("it is %d", n)
	}
}

// The smallest table is not made anew when keys leave it.
func TestTheSmallestTableStays(t *testing.T) {
	table := newTable(func(number uint32) string { return "abc"[number : number+1] })
	table.put(1)
	if n := testing.AllocsPerRun(100, func() { table.put(2); table.remove("c"); table.remove("b"); table.put(1) }); n != 0 {
		t.Errorf("a put and a remove allocate %v times", n)
	}
	if len(table.slots) != minSlots || table.n != 1 {
		t.Errorf("%d keys in %d slots", table.n, len(table.slots))
	}
}
