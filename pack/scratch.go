package pack

import (
	"sync"
	"unsafe"

	"github.com/skiff-k8s/skiff/pack/internal/near"
)

// scratch is the memory that a Packer packs in. It takes some 50 KB, more in a flood (open.go).
// Most packers of a process are idle most of the time, so all packers share one pool.
type scratch struct {
	matcher near.Packer
	ready   *Base  // the base that matcher is ready for
	closed  []byte // the text of a base that is not open
	texts   openBases

	block, other, own, object []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// wake makes sure that there is scratch memory.
func (p *Packer) wake() {
	if p.scratch == nil {
		p.scratch = scratches.Get().(*scratch)
	}
}

// Rest returns the memory that packing works in to the pool, until the next object is packed. A
// holder calls it when it expects no object soon.
func (p *Packer) Rest() {
	if p.scratch != nil {
		p.ready = nil // not to keep it
		p.texts.clear()
		scratches.Put(p.scratch)
		p.scratch = nil
		p.scratchBytes.Store(0)
	}
}

// forget removes a base that is freed.
func (s *scratch) forget(b *Base) {
	if s.ready == b {
		s.ready = nil
	}
	if b.open > 0 {
		s.texts.remove(b)
	}
}

// bytes returns the size of s.
func (s *scratch) bytes() int64 {
	return int64(unsafe.Sizeof(*s)) + int64(s.matcher.Cap()+s.texts.bytes+
		cap(s.closed)+cap(s.block)+cap(s.other)+cap(s.own)+cap(s.object))
}

// maxScratch is the limit in bytes of a buffer that is kept, so that a rare huge object does not
// hold memory forever.
const maxScratch = 1 << 20

func small(b []byte) []byte {
	if cap(b) > maxScratch {
		return nil
	}
	return b
}
