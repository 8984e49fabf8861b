package informer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/store"
)

// Handler is what an informer calls for the changes of its objects. Any of its functions may be
// nil.
//
// For each key they are called in order: one OnAdd, any number of OnUpdate, one OnDelete.
type Handler[T any] struct {
	// OnAdd is called for an object that is new to this handler.
	OnAdd func(item Item[T])
	// OnUpdate is called for a change of an object. old is the state that this handler was called
	// with before. In a resync, old and new are the same (see Item.Resync).
	OnUpdate func(old, new Item[T])
	// OnDelete is called for an object that is gone, with its last known state: the final one if
	// the informer saw the deletion, the cached one if a relist did not contain the object.
	OnDelete func(last Item[T])
}

// call calls the function of h for e.
func (h *Handler[T]) call(s *shared, e *event) {
	switch e.kind {
	case eventAdd:
		if h.OnAdd != nil {
			item := itemOf[T](s, e.new)
			item.initial = e.initial
			h.OnAdd(item)
		}
	case eventUpdate:
		if h.OnUpdate != nil {
			h.OnUpdate(itemOf[T](s, e.old), itemOf[T](s, e.new))
		}
	case eventSync:
		if h.OnUpdate != nil {
			item := itemOf[T](s, e.new)
			item.resync = true
			h.OnUpdate(item, item)
		}
	case eventDelete:
		if h.OnDelete != nil {
			h.OnDelete(itemOf[T](s, e.old))
		}
	}
}

// Registration is one handler's place at an informer. It is safe for concurrent use.
type Registration struct{ p *processor }

// HasSynced reports whether the handler has been given the whole initial list: its OnAdd has
// returned for each object of it.
func (r *Registration) HasSynced() bool {
	select {
	case <-r.p.synced:
		return true
	default:
		return false
	}
}

// Synced returns a channel that is closed when HasSynced turns true.
func (r *Registration) Synced() <-chan struct{} { return r.p.synced }

// Pending returns how many events wait for the handler. If the number keeps growing, the handler is
// too slow or stuck.
func (r *Registration) Pending() int { return r.p.queue.len() + int(r.p.waiting.Load()) }

// Remove ends the handler. Its waiting events are dropped, and no call begins after Remove returns,
// except one that was about to. Remove does not wait for a call in progress, so the handler may
// call it. Done returns a channel that is closed when that call has ended.
func (r *Registration) Remove() { r.p.informer.remove(r.p) }

// Done returns a channel that is closed when the handler will not be called any more: after Remove,
// or after the informer has stopped.
func (r *Registration) Done() <-chan struct{} { return r.p.done }

// processor is one handler, its queue, and the goroutine that takes events from the queue and calls
// the handler. The informer fills the queue. Only that goroutine calls the handler.
type processor struct {
	informer *shared
	owner    *handle
	call     func(*event)
	resync   time.Duration // 0 means never
	queue    *queue
	// initial is the state that the handler starts from, in one part for each eventInitial that is
	// queued. Guarded by informer.mu.
	initial []initialItems
	waiting atomic.Int64 // items of initial that the handler has not been called for

	synced chan struct{} // closed by run
	done   chan struct{} // closed by run, or by remove if run never began

	removeOnce sync.Once
	removed    chan struct{} // closed by remove
	started    bool          // guarded by informer.mu, as the next two
	joined     bool          // it gets events
	resyncDue  bool          // a resync waits for the end of a batch
	syncing    bool          // a resync waits in the queue; used by run's goroutine only
}

// initialItems is a part of the state that a handler starts from, shared with others that started
// then. last is set on the last part.
type initialItems struct {
	items []store.Item
	last  bool
}

func newProcessor(s *shared, call func(*event), h handlerConfig) *processor {
	return &processor{
		informer: s, owner: h.owner, call: call, resync: h.resync, queue: newQueue(),
		synced: make(chan struct{}), done: make(chan struct{}), removed: make(chan struct{}),
	}
}

// processorBatch is how many events a processor takes at a time.
const processorBatch = 64

// run calls the handler until it is removed or ctx ends.
func (p *processor) run(ctx context.Context) {
	defer close(p.done)
	defer p.forget()
	var tick <-chan time.Time
	if p.resync > 0 {
		ticker := time.NewTicker(p.resync)
		defer ticker.Stop()
		tick = ticker.C
	}
	var batch [processorBatch]event
	for {
		n := p.queue.take(batch[:])
		if n == 0 {
			select {
			case <-p.queue.wake:
			case <-tick:
				p.beginResync()
			case <-p.removed:
				return
			case <-ctx.Done():
				return
			}
			continue
		}
		for i := range batch[:n] {
			if p.over(ctx) {
				return
			}
			if batch[i].kind == eventInitial {
				p.deliverInitial(ctx)
			} else {
				p.deliver(&batch[i])
			}
		}
		clear(batch[:n])
		select {
		case <-tick:
			p.beginResync()
		default:
		}
	}
}

// begin queues the calls for a part of the state that the handler starts from. informer.mu is held.
func (p *processor) begin(items []store.Item, last bool) {
	p.initial = append(p.initial, initialItems{items, last})
	p.waiting.Add(int64(len(items)))
	p.queue.push(event{kind: eventInitial})
}

// nextInitial takes the first part of initial.
func (p *processor) nextInitial() (next initialItems) {
	p.informer.mu.Lock()
	defer p.informer.mu.Unlock()
	next, p.initial[0] = p.initial[0], next // so that nothing keeps its items
	p.initial = p.initial[1:]
	return next
}

// pushAll queues a resync.
func (p *processor) pushAll(items []store.Item) {
	for _, item := range items {
		p.queue.push(event{kind: eventSync, new: item, old: item})
	}
	p.queue.push(event{kind: eventResyncEnd})
}

// deliverInitial makes the calls for a part of initial, unless the processor ends first.
func (p *processor) deliverInitial(ctx context.Context) {
	initial := p.nextInitial()
	e := &event{kind: eventAdd, initial: true}
	for _, e.new = range initial.items {
		if p.over(ctx) {
			return
		}
		p.deliver(e)
		p.waiting.Add(-1)
	}
	if initial.last && !(&Registration{p}).HasSynced() {
		close(p.synced)
	}
}

// forget drops what the handler will not be called for. When ctx ends, the consumer may still be at
// work on a batch: p is taken out first, so that nothing is queued afterwards.
func (p *processor) forget() {
	p.informer.mu.Lock()
	p.informer.takeOut(p)
	p.initial = nil
	p.informer.mu.Unlock()
	p.queue.drop()
	p.waiting.Store(0)
}

func (p *processor) over(ctx context.Context) bool {
	select {
	case <-p.removed:
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// deliver makes one call. It reports a panic of the handler as an error, unless crashOnPanic is
// set.
func (p *processor) deliver(e *event) {
	if e.kind == eventResyncEnd {
		p.syncing = false
		return
	}
	if p.informer.config.crashOnPanic {
		p.call(e)
		return
	}
	p.informer.contain(func() { p.call(e) }, func() string {
		return "a handler has lost the event of " + e.key()
	})
}

// beginResync queues every cached object, unless the last resync still waits.
func (p *processor) beginResync() {
	if !p.syncing {
		p.syncing = p.informer.resync(p)
	}
}
