package controller

import (
	"hash/maphash"
	"runtime"
	"sync"
)

// panics remembers the stacks of panics that have been logged, so that each different stack is
// logged once and not again at each retry.
type panics struct {
	mu     sync.Mutex
	logged map[uint64]bool // by the hash of the program counters; at most maxStacks
}

const (
	// maxStacks bounds the memory. A program has few places that panic; one with more than this
	// has no further stack logged.
	maxStacks = 1000
	// maxFrames is how much of a stack counts: a recursion that panics at another depth each time
	// is one stack.
	maxFrames = 32
)

var stackSeed = maphash.MakeSeed()

// place returns a hash of the calling function's stack from skip frames up. The text of a stack
// would not do: it has the goroutine's number and the arguments in it.
func place(skip int) uint64 {
	var frames [maxFrames]uintptr
	runtime.Callers(skip+2, frames[:])
	return maphash.Comparable(stackSeed, frames)
}

// first reports whether place comes for the first time.
func (p *panics) first(place uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.logged[place] || len(p.logged) >= maxStacks {
		return false
	}
	if p.logged == nil {
		p.logged = map[uint64]bool{}
	}
	p.logged[place] = true
	return true
}
