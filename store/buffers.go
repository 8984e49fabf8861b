package store

import (
	"sync"
	"unsafe"
)

// buffers is the memory that a store makes keys and states in, and unpacks objects into to compare
// them. All stores of a process take it from one pool, as their packers do.
type buffers struct{ key, id, uid, state, data []byte }

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

// wake makes sure that there are buffers. s.write is held.
func (s *Store) wake() {
	if s.buffers == nil {
		s.buffers = bufferPool.Get().(*buffers)
	}
}

// Rest gives back the memory that packing works in, until the next object comes. The caller of Set
// calls it when no object is expected for now.
func (s *Store) Rest() {
	s.write.Lock()
	defer s.write.Unlock()
	s.packer.Rest()
	if s.buffers != nil {
		bufferPool.Put(s.buffers)
		s.buffers = nil
	}
}

// maxBuffer keeps a rare huge object from holding memory for good.
const maxBuffer = 1 << 20

func small(b []byte) []byte {
	if cap(b) > maxBuffer {
		return nil
	}
	return b
}

// unsafeString returns b as a string, valid as long as b is not written to.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
