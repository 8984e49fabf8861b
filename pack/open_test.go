package pack

import (
	"fmt"
	"testing"
)

// inTurns sets objects of one owner after one of another, so that each needs another base.
func inTurns(h *holder, groups []*Group, each int) {
	h.t.Helper()
	for i := range each {
		for owner, g := range groups {
			h.setSibling(g, owner, 0, i)
		}
	}
	h.check()
}

func TestBasesThatAreNeededAgainStayOpen(t *testing.T) {
	h := newHolder(t)
	const count, each = 6, 200
	groups := owners(count)
	for owner, g := range groups {
		for i := range each {
			h.setSibling(g, owner, 0, i)
		}
	}
	texts := func() *openBases { return &h.packer.texts }
	if n := len(texts().list); n > 0 {
		t.Errorf("after a list, which comes owner by owner, %d bases are open", n)
	}
	before := h.packer.Stats().ScratchBytes
	inTurns(h, groups, 10)
	if n := len(texts().list); n != count {
		t.Errorf("%d bases of %d are open", n, count)
	}
	if more := h.packer.Stats().ScratchBytes - before; more < int64(texts().bytes) {
		t.Errorf("%d bytes are open, and %d are counted", texts().bytes, more)
	}

	for i := range each {
		h.drop(fmt.Sprint(0, "/", i))
	}
	if n := len(texts().list); n != count-1 {
		t.Errorf("%d bases are open, that of an owner without objects among them", n)
	}
	h.check()

	bases := texts().list
	h.packer.Rest()
	for _, at := range bases {
		if at.base.open != 0 {
			t.Fatal("a packer at rest has open bases")
		}
	}
	inTurns(h, groups, 10)
}

func TestOpenBasesAreBounded(t *testing.T) {
	h := newHolder(t)
	groups := owners(300)
	for range 3 {
		inTurns(h, groups, minObjects+2)
		list, bytes := h.packer.texts.list, h.packer.texts.bytes
		if room := h.packer.packed / 2; len(list) == 0 || int64(bytes) > room {
			t.Fatalf("%d bases of %d bytes are open, where there is room for %d bytes", len(list), bytes, room)
		}
	}
	// Room goes to those that are needed now.
	last := map[*Base]bool{}
	for _, at := range h.packer.texts.list {
		last[at.base] = true
	}
	inTurns(h, groups, 1)
	changed := 0
	for _, at := range h.packer.texts.list {
		if !last[at.base] {
			changed++
		}
	}
	if changed == 0 {
		t.Error("the open bases are the same as before, though others were needed")
	}
}

// The bound is on memory: a text that fits exactly is kept, and one of a byte more is not.
func TestRoomForOpenBases(t *testing.T) {
	for _, c := range []struct{ size, kept int }{{1000, 1}, {1001, 0}} {
		var o openBases
		o.add(new(Base), make([]byte, c.size), 1000)
		if len(o.list) != c.kept {
			t.Errorf("of %d bytes, %d are open where there is room for 1000", c.size, o.bytes)
		}
	}
}

// However much is packed, open bases take 2 MB at most.
func TestTheMostThatIsOpen(t *testing.T) {
	h := newHolder(t)
	groups := owners(1200)
	const more = 100 << 20
	h.packer.packed += more // as if there were as much
	for i := range minObjects + 2 {
		for owner, g := range groups {
			h.setSibling(g, owner, 0, i)
		}
	}
	if n := h.packer.texts.bytes; n > 2<<20 || n < 2<<20-4<<10 {
		t.Errorf("%d bytes are open", n)
	}
	h.packer.packed -= more
	h.check()
}
