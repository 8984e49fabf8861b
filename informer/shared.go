package informer

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/store"
	"github.com/skiff-k8s/skiff/wire"
)

// shared is the part that the informers of one resource, namespace and selectors share. It does not
// depend on a Go type: reflector → deltaFIFO → store and handlers. It implements Untyped.
type shared struct {
	kind    kind.Info
	mistake error // why it cannot run
	config  config
	client  *rest.Client
	users   int // Informers that are not closed; guarded by Factory.mu

	fifo     *deltaFIFO
	cache    atomic.Pointer[store.Store] // exchanged for an empty one when the informer has stopped
	progress *progress
	health   health
	wishes   wishes
	// transform changes an object before it is cached, and reports whether it is to be. It is nil if
	// there is no transform. The goroutine of consume alone calls it.
	transform func(*wire.Object) bool

	started  atomic.Bool
	synced   chan struct{}   // closed by consume, when the store has the initial list
	readable atomic.Bool     // synced, and not stopped
	life     context.Context // ends when the informer has stopped; its cause is what Err returns
	die      context.CancelCauseFunc

	// The goroutine of consume alone uses what follows.
	events  []event // of the batch at work
	listing bool    // a list is arriving

	// mu guards what follows. It is held for moments, and never while a callback runs: not while a
	// batch of deltas goes into the store, because that calls the functions of indexes.
	mu         sync.Mutex
	ctx        context.Context // that the informer runs under; nil before start
	cancel     context.CancelCauseFunc
	stopping   bool
	running    sync.WaitGroup // the processors; added to only while not stopping
	processors []*processor
	listed     bool // the initial list is complete; changed by consume's goroutine only
	// applying is set while a batch goes into the store, which is ahead of the handlers' queues
	// then. What needs both to agree waits for the end of the batch: handlers that join (see
	// processor.joined) and resyncs.
	applying bool
}

func newShared(c *rest.Client, k kind.Info, cfg config, mistake error) *shared {
	s := &shared{
		kind: k, mistake: mistake, config: cfg, client: c,
		fifo: newDeltaFIFO(), progress: newProgress(), synced: make(chan struct{}),
	}
	s.cache.Store(store.New(store.Options{DecodedBytes: cfg.decodedBudget}))
	if cfg.transform != nil {
		s.transform = cfg.transform.of(s)
	}
	s.life, s.die = context.WithCancelCause(context.Background())
	if mistake != nil {
		s.stopping = true
		s.die(mistake)
	}
	return s
}

func (s *shared) base() *shared { return s }

// store returns the cache, in sync or not. Readers call read.
func (s *shared) store() *store.Store { return s.cache.Load() }

// read returns the cache for a reader. The error is why it cannot be read.
func (s *shared) read() (*store.Store, error) {
	cache := s.cache.Load() // before readable, which is false before the cache is exchanged
	if s.readable.Load() {
		return cache, nil
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	return nil, &NotSyncedError{Informer: s.String(), Started: s.started.Load(),
		LastError: s.health.lastError()}
}

// Kind returns what the informer is for. It is zero if T is not registered.
func (s *shared) Kind() kind.Info { return s.kind }

// Namespace returns the namespace that the informer is confined to; "" is all.
func (s *shared) Namespace() string { return s.config.namespace }

// String names the informer for people: `pods in namespace "web" with labels app=db`.
func (s *shared) String() string {
	if s.kind == (kind.Info{}) {
		return "of an unknown type"
	}
	name := s.kind.GVR().GroupResource().String()
	if s.config.as != "" {
		name = "metadata of " + name
	}
	if s.config.namespace != "" {
		name += " in namespace " + strconv.Quote(s.config.namespace)
	}
	if s.config.labelSelector != "" {
		name += " with labels " + s.config.labelSelector
	}
	if s.config.fieldSelector != "" {
		name += " with fields " + s.config.fieldSelector
	}
	return name
}

// HasSynced reports whether the initial list is in the cache. Registration.HasSynced reports
// whether a handler has been called for all of it.
func (s *shared) HasSynced() bool {
	select {
	case <-s.synced:
		return true
	default:
		return false
	}
}

func (s *shared) startProcessor(p *processor) {
	p.started = true
	s.running.Go(func() { p.run(s.ctx) })
}

// add registers a handler, and queues the objects that are in the cache for it.
func (s *shared) add(call func(*event), h handlerConfig) *Registration {
	p := newProcessor(s, call, h)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || h.owner.closed.Load() {
		p.removeOnce.Do(func() { // so that remove has nothing left to do
			close(p.removed)
			close(p.done)
		})
		return &Registration{p}
	}
	s.processors = append(s.processors, p)
	if !s.applying {
		s.admit(p)
	}
	if s.ctx != nil {
		s.startProcessor(p)
	}
	return &Registration{p}
}

// admit makes p get the changes from now on, after what the store has. s.mu is held.
func (s *shared) admit(p *processor) {
	p.joined = true
	if s.listed {
		p.begin(s.store().Items())
	}
}

// remove ends a handler's registration.
func (s *shared) remove(p *processor) {
	p.removeOnce.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.takeOut(p)
		close(p.removed)
		if !p.started && !s.stopping {
			close(p.done)
		}
	})
}

// takeOut ends the queueing of events for p. s.mu is held.
func (s *shared) takeOut(p *processor) {
	// A new slice, because a caller may iterate over the old one.
	s.processors = slices.DeleteFunc(slices.Clone(s.processors),
		func(o *processor) bool { return o == p })
}

// removeAll removes the handlers of one handle, which is closed.
func (s *shared) removeAll(owner *handle) {
	s.mu.Lock()
	all := slices.Clone(s.processors)
	s.mu.Unlock()
	for _, p := range all {
		if p.owner == owner {
			s.remove(p)
		}
	}
}

// resync queues every cached object for one handler, and reports whether it will have. While the
// initial list comes it does nothing, because the handler knows none of the objects yet.
func (s *shared) resync(p *processor) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.listed || s.stopping {
		return false
	}
	if p.resyncDue = s.applying; !s.applying {
		p.pushAll(s.store().All())
	}
	return true
}

// consume moves the reflector's deltas into the store and queues events for the handlers, until ctx
// ends. It is the only writer of the store.
func (s *shared) consume(ctx context.Context) {
	var batch []delta
	for {
		var err error
		if batch, err = s.fifo.pop(ctx, batch, s.store().Rest); err != nil {
			return
		}
		version, restored, first := s.apply(batch)
		s.fifo.recycle(batch)
		if version != "" || first {
			s.progress.advance(version, restored)
		}
		if first {
			close(s.synced)
		}
	}
}

// apply applies a batch. It returns the version that the store now contains, "" if that has not
// changed or is not known; whether the server was restored to it from a backup; and whether the batch
// completed the initial list.
func (s *shared) apply(batch []delta) (version string, restored, first bool) {
	s.mu.Lock()
	s.applying = true
	listed := s.listed
	s.mu.Unlock()
	for i := range batch {
		switch d := &batch[i]; d.kind {
		case deltaSet, deltaGone:
			keep := s.transform == nil || s.transform(&d.object)
			switch {
			case !keep:
				s.leave(d.object.Meta.Key())
			case d.kind == deltaSet:
				s.set(d.object)
			default:
				s.gone(d.object)
			}
		case deltaListBegin:
			s.store().BeginReplace()
			s.listing = true
		case deltaListEnd:
			s.endList()
			version, restored = d.version, restored || d.restored
		case deltaProgress:
			version = d.version
		}
		// While a list arrives, versions do not show progress: its items come in any order.
		if d := &batch[i]; !s.listing && (d.kind == deltaSet || d.kind == deltaGone) {
			version = d.object.Meta.ResourceVersion
		}
	}
	s.settle()
	return strings.Clone(version), restored, s.listed && !listed // the object's memory is reused
}

// settle ends a batch: the handlers get its events.
func (s *shared) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applying = false
	for _, p := range s.processors {
		switch {
		case !p.joined:
			s.admit(p)
		case len(s.events) > 0:
			p.queue.push(s.events...)
		}
		if p.resyncDue {
			p.resyncDue = false
			p.pushAll(s.store().All())
		}
	}
	clear(s.events)
	if s.events = s.events[:0]; cap(s.events) > idleQueue {
		s.events = nil
	}
}

// tell queues e for every handler. Until the initial list is complete it does nothing, because
// endList queues the whole list.
func (s *shared) tell(e event) {
	if s.listed {
		s.events = append(s.events, e)
	}
}

// set stores an object's state. Handlers are called if its bytes differ from the cached ones: lists
// repeat objects, streams repeat events, and both may change an object at the same version.
func (s *shared) set(o wire.Object) {
	if s.listed && s.store().Touch(o) {
		return
	}
	now, was := s.store().Set(o)
	switch {
	case was.IsZero():
		s.tell(event{kind: eventAdd, new: now})
	case !was.SameObject(now):
		s.tell(event{kind: eventDelete, old: was})
		s.tell(event{kind: eventAdd, new: now})
	default:
		s.tell(event{kind: eventUpdate, old: was, new: now})
	}
}

// gone removes a deleted object from the store.
func (s *shared) gone(o wire.Object) {
	last, had := s.store().Delete(o.Meta.Key())
	switch {
	case !had:
	case !last.HasUID(o.Meta.UID): // not the object that handlers know, but another of its name
		s.tell(event{kind: eventDelete, old: last})
	default:
		s.tell(event{kind: eventDelete, old: s.store().Pack(o)})
	}
}

// leave removes an object that the transform drops. Its last state is the cached one.
func (s *shared) leave(key string) {
	if last, had := s.store().Delete(key); had {
		s.tell(event{kind: eventDelete, old: last})
	}
}

// endList removes the objects that a complete list did not have. The first list makes the cache
// readable and only then starts the handlers, so that a handler may read the cache in its first
// call.
func (s *shared) endList() {
	for _, last := range s.store().EndReplace() {
		s.tell(event{kind: eventDelete, old: last})
	}
	s.listing = false
	if s.listed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = true
	s.readable.Store(true)
	if len(s.processors) == 0 {
		return
	}
	initial := s.store().Items()
	for _, p := range s.processors {
		if p.joined {
			p.begin(initial)
		}
	}
}
