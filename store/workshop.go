package store

import (
	"sync"
	"unsafe"

	"github.com/skiff-k8s/skiff/store/internal/near"
)

// workshop is what a store packs with. It is some 50 KB, more in a flood (athand.go), and most stores
// of a process have nothing to pack most of the time: so it is lent to those who do. Store.write
// guards it.
type workshop struct {
	packer   near.Packer
	ready    *base  // what packer is ready for
	unpacked []byte // a base that is not at hand
	atHand   basesAtHand

	scratch, other, key, header []byte
}

var workshops = sync.Pool{New: func() any { return new(workshop) }}

// open makes sure that there is a workshop. s.write is held.
func (s *Store) open() {
	if s.workshop == nil {
		s.workshop = workshops.Get().(*workshop)
	}
}

// Rest gives back the memory that packing works in, until the next object comes. Who sets objects
// calls it when there are no more for now.
func (s *Store) Rest() {
	s.write.Lock()
	defer s.write.Unlock()
	if s.workshop != nil {
		s.ready = nil // not to keep it
		s.atHand.clear()
		workshops.Put(s.workshop)
		s.workshop = nil
		s.scratchBytes.Store(0)
	}
}

// forget lets go of a base that nobody needs any more.
func (w *workshop) forget(b *base) {
	if w.ready == b {
		w.ready = nil
	}
	if b.atHand > 0 {
		w.atHand.forget(b)
	}
}

// bytes is what the workshop takes.
func (w *workshop) bytes() int64 {
	return int64(unsafe.Sizeof(*w)) + int64(w.packer.Cap()+w.atHand.bytes+
		cap(w.unpacked)+cap(w.scratch)+cap(w.other)+cap(w.key)+cap(w.header))
}

// maxScratch keeps a rare huge object from pinning memory for good.
const maxScratch = 1 << 20

func small(b []byte) []byte {
	if cap(b) > maxScratch {
		return nil
	}
	return b
}
