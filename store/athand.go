package store

import "math/rand/v2"

// basesAtHand are bases that were opened again and again of late, as they came. Where everything
// changes, an object of one owner after one of another, to open their bases would be a third of what
// Set does (go test -bench ManyOwners ./store). They are a part of the workshop: a store at rest has
// none.
type basesAtHand struct {
	list  []baseAtHand
	bytes int
}

type baseAtHand struct {
	base *base
	text []byte
}

// maxAtHand is how much memory they take, in bytes: as much as the bases of some 500 owners of Pods.
// But they take no more than half of what the objects take, packed.
const maxAtHand = 2 << 20

// text returns a base as it came, good until the next call. s.write is held.
func (s *Store) text(b *base) []byte {
	if b.root == nil {
		return b.data
	}
	if b.atHand > 0 {
		return s.atHand.list[b.atHand-1].text
	}
	s.unpacked, s.other = b.open(s.unpacked, s.other)
	if b.opened { // before; a list, which comes owner by owner, opens each once
		s.atHand.keep(b, s.unpacked, min(maxAtHand, int(s.packed/2)))
	}
	b.opened = true
	return s.unpacked
}

// keep keeps the text of b, if it fits into so many bytes. What goes for it is any other: one is as
// likely to be needed again as another.
func (h *basesAtHand) keep(b *base, text []byte, room int) {
	var memory []byte
	for len(h.list) > 0 && h.bytes+len(text) > room {
		memory = h.forget(h.list[rand.IntN(len(h.list))].base)
	}
	if cap(memory) < len(text) {
		memory = make([]byte, 0, len(text))
	}
	if h.bytes+cap(memory) > room {
		return
	}
	h.list = append(h.list, baseAtHand{b, append(memory[:0], text...)})
	h.bytes += cap(memory)
	b.atHand = len(h.list)
}

// forget forgets a base that is at hand, and returns the memory that its text was in.
func (h *basesAtHand) forget(b *base) []byte {
	at, last := b.atHand-1, len(h.list)-1
	memory := h.list[at].text
	h.list[at] = h.list[last]
	h.list[at].base.atHand = at + 1
	h.list[last] = baseAtHand{}
	h.list = h.list[:last]
	h.bytes -= cap(memory)
	b.atHand = 0
	return memory
}

// clear forgets them all.
func (h *basesAtHand) clear() {
	for _, at := range h.list {
		at.base.atHand = 0
	}
	*h = basesAtHand{}
}
