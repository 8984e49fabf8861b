package controller

import (
	"fmt"
	"hash/maphash"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
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

// panicked logs that a function which the controller was given panicked with v. what names the
// function, and next is what happens now.
func (c *Controller) panicked(v any, what, next string, attrs ...any) {
	log := c.log.With(attrs...)
	if c.panics.first(place(0)) {
		log = log.With("stack", string(debug.Stack()))
	}
	log.Error(what+" panicked, "+next, "error", fmt.Sprint(v))
}

// The three functions below call the rate limiter. If it panics, the spare one takes its place in
// that call.

func (l *loop[K]) addRateLimited(key K) {
	defer func() {
		if v := recover(); v != nil {
			l.limiterPanicked(v, key)
			l.queue.AddAfter(key, l.spare.When(key))
		}
	}()
	l.queue.AddRateLimited(key)
}

func (l *loop[K]) forget(key K) {
	l.spare.Forget(key)
	defer func() {
		if v := recover(); v != nil {
			l.limiterPanicked(v, key)
		}
	}()
	l.queue.Forget(key)
}

func (l *loop[K]) numRequeues(key K) (n int) {
	defer func() {
		if v := recover(); v != nil {
			l.limiterPanicked(v, key)
			n = l.spare.NumRequeues(key)
		}
	}()
	return l.queue.NumRequeues(key)
}

func (l *loop[K]) limiterPanicked(v any, key K) {
	l.panicked(v, "rate limiter", "using the default one", "key", text(key))
}

// contained returns m with functions that contain their panics.
func (c *Controller) contained(m workqueue.Metrics) workqueue.Metrics {
	count := func(name string, f func()) func() {
		if f == nil {
			return nil
		}
		return func() {
			defer func() {
				if v := recover(); v != nil {
					c.metricPanicked(v, name)
				}
			}()
			f()
		}
	}
	observe := func(name string, f func(time.Duration)) func(time.Duration) {
		if f == nil {
			return nil
		}
		return func(d time.Duration) { count(name, func() { f(d) })() }
	}
	return workqueue.Metrics{
		Adds:         count("Adds", m.Adds),
		Retries:      count("Retries", m.Retries),
		Latency:      observe("Latency", m.Latency),
		WorkDuration: observe("WorkDuration", m.WorkDuration),
	}
}

func (c *Controller) metricPanicked(v any, name string) {
	c.panicked(v, "function of QueueMetrics", "its figure is lost", "function", name)
}
