package store

import (
	"testing"
	"unsafe"
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
		if len(c.first) != groups {
			t.Errorf("a budget of %d bytes has %d groups of first reads, not %d", budget, len(c.first), groups)
		}
	}
	if n := len(firstReads{}); n != 8 {
		t.Errorf("a group has %d", n)
	}
}

// Eight keys of one group are remembered, each until it is read again; a ninth takes the place of
// one of them.
func TestTheBoundOfAGroupOfFirstReads(t *testing.T) {
	c := newDecodedCache[int](1)
	c.wanted(-1)
	c.first = make([]firstReads, 1) // all in one group
	for key := range 8 {
		if c.wanted(key) {
			t.Errorf("key %d is wanted at its first read", key)
		}
	}
	for key := range 8 {
		if !c.wanted(key) {
			t.Errorf("key %d of 8 is not wanted at its second read", key)
		}
	}
	for key := range 8 {
		if c.wanted(key) {
			t.Errorf("key %d is wanted at its third read: it is as new", key)
		}
	}
	c.wanted(8)
	again := 0
	for _, mark := range c.first[0] {
		if mark == 0 {
			t.Error("a ninth key leaves room free")
		}
	}
	for key := range 8 {
		before := c.first[0]
		if c.wanted(key) {
			again++
		}
		c.first[0] = before
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
