package informer

import (
	"context"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/wire"
)

// deltaFIFO carries deltas from the reflector to the consumer, the goroutine that writes the store:
// as bytes, and in the order of the stream, which is the order of each key's changes. So one
// goroutine reads the stream while another packs.
//
// It is bounded by bytes: the reflector waits while it is full. That is safe because the consumer
// never waits for a handler (queue.go), so that the reflector waits for as long as it takes to
// pack a few hundred objects.
//
// Unlike client-go's, it neither merges the deltas of a key nor holds a list to compare with the
// store. A list passes item by item, between deltaListBegin and deltaListEnd, and the store finds
// what was not in it.
type deltaFIFO struct {
	room  chan struct{} // holds a token after the queue has been emptied
	ready chan struct{} // holds a token while the queue is not empty; given and taken under mu

	mu      sync.Mutex
	queue   []delta
	bytes   int
	filling *wire.Arena // that the reflector reads into
	reading bool        // the reflector has filling for an object that it has not pushed yet

	// The consumer alone uses what follows.
	emptying *wire.Arena // that it reads from
	quiet    *time.Timer // ends when there has been nothing to do for restAfter
}

// delta is one change, or a mark in the stream.
type delta struct {
	kind    deltaKind
	object  wire.Object // of deltaSet and deltaGone
	version string      // of deltaListEnd and deltaProgress
	// restored is set on the deltaListEnd of a list that is older than what had been read before:
	// the server's data was restored from a backup. version is then below the cache's, or below
	// what waits in the queue.
	restored bool
	arena    *wire.Arena // that the reflector was reading into: object and version are in it
}

type deltaKind uint8

const (
	// deltaSet: this is the object's state now. The store finds whether it was added or changed.
	deltaSet deltaKind = iota + 1 //mutants:equal the kinds stay different
	// deltaGone: the object was deleted, and this was its last state.
	deltaGone
	// deltaListBegin: a complete list begins, and a list that began before will not end.
	deltaListBegin
	// deltaListEnd: the list was complete as of version; what was not in it does not exist. version
	// is empty if the server gave the list none.
	deltaListEnd
	// deltaProgress: the stream has delivered everything up to version.
	deltaProgress
	// deltaUnserved: the server does not serve the resource, so nothing exists.
	deltaUnserved
)

const (
	// maxFIFOBytes is enough to keep both sides busy, and small beside any cache.
	maxFIFOBytes = 1 << 20
	// deltaBytes is about what a delta takes besides the object's data.
	deltaBytes = 256
	// restAfter is how long there is nothing to do before memory is given back. During a flood
	// there is nothing to do for moments, whenever the consumer is faster than the stream.
	restAfter = 10 * time.Millisecond
)

// arenas hold the bytes of objects between the stream and the store, so that a delta needs no
// allocation. The reflector fills one after the other. The consumer gives an arena back when it
// comes to a delta in the next one, because nobody reads the old one again; and after restAfter.
var arenas = sync.Pool{New: func() any { return wire.NewArena(arenaBytes) }}

// arenaBytes is room for about twenty Pods. What does not fit gets memory of its own.
//
//mutants:tuning a byte more or less is not a Pod more or less
const arenaBytes = 64 << 10

// arena returns the memory for the next object. The reflector owns it until it pushes the object's
// delta, and must not read the object afterwards.
func (f *deltaFIFO) arena() *wire.Arena {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reading = true
	if f.filling == nil || f.filling.Full() {
		f.filling = arenas.Get().(*wire.Arena)
	}
	return f.filling
}

// recycle gives back the arenas of a batch that nobody reads any more. Every delta names the arena
// that it came with, so that the order of the deltas is that of the arenas.
func (f *deltaFIFO) recycle(batch []delta) {
	for i := range batch {
		if a := batch[i].arena; a != f.emptying {
			giveBack(f.emptying)
			f.emptying = a
		}
	}
}

// rest gives back all memory while there is nothing to do: most informers are quiet most of the
// time. The consumer calls it when it is done with everything that it popped.
func (f *deltaFIFO) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) > 0 {
		return
	}
	f.queue = nil
	if f.emptying != f.filling {
		giveBack(f.emptying)
		f.emptying = nil
	}
	if !f.reading {
		giveBack(f.filling)
		f.filling, f.emptying = nil, nil
	}
}

func giveBack(a *wire.Arena) {
	if a != nil {
		a.Reset()
		arenas.Put(a)
	}
}

func newDeltaFIFO() *deltaFIFO {
	//mutants:tuning[2] a second token wakes the other side for nothing
	return &deltaFIFO{room: make(chan struct{}, 1), ready: make(chan struct{}, 1)}
}

// push appends d, and waits while there is no room. The reflector calls it. The error is the
// cause of ctx's end.
func (f *deltaFIFO) push(ctx context.Context, d delta) error {
	for !f.offer(d) {
		select {
		case <-f.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (f *deltaFIFO) offer(d delta) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes >= maxFIFOBytes {
		return false
	}
	d.arena, f.reading = f.filling, false
	f.bytes += deltaBytes + len(d.object.Data)
	f.queue = append(f.queue, d)
	if len(f.queue) == 1 {
		signal(f.ready)
	}
	return true
}

// pop waits for deltas and returns all of them. The consumer calls it, and gives back the last
// batch's memory as spare. pop calls idle when there has been nothing to do for restAfter. The
// error is the cause of ctx's end.
func (f *deltaFIFO) pop(ctx context.Context, spare []delta, idle func()) ([]delta, error) {
	clear(spare)
	for {
		if batch := f.take(spare[:0]); len(batch) > 0 {
			return batch, nil
		}
		if f.quiet == nil {
			f.quiet = time.NewTimer(restAfter)
		} else {
			f.quiet.Reset(restAfter)
		}
		select {
		case <-f.ready:
			f.quiet.Stop()
			continue
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-f.quiet.C:
		}
		spare = nil
		f.rest()
		idle()
		select {
		case <-f.ready:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (f *deltaFIFO) take(spare []delta) []delta {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return nil
	}
	batch := f.queue
	f.queue, f.bytes = spare, 0
	select {
	case <-f.ready: // or pop, once it is empty, would be woken for nothing and call it idle twice
	default: // pop has it already
	}
	signal(f.room)
	return batch
}

// signal leaves a token in a channel that has room for one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
