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

	feeds  feeds                       // one, or one for each of Namespaces
	cache  atomic.Pointer[store.Store] // exchanged for an empty one when the informer has stopped
	health health
	wishes wishes

	started  atomic.Bool
	synced   chan struct{}   // closed by consume, when the store has the initial lists of all feeds
	readable atomic.Bool     // it has, and the informer has not stopped
	life     context.Context // ends when the informer has stopped; its cause is what Err returns
	die      context.CancelCauseFunc

	// turn is held by the consumer that is at work. The consumers of several feeds take turns, as
	// if they were one goroutine; no other goroutine takes it. It guards what follows.
	turn   sync.Mutex
	events []event // of the batch at work
	// transform changes an object before it is cached, and reports whether it is to be. It is nil if
	// there is no transform.
	transform func(*wire.Object) bool

	// mu guards what follows. It is held for moments, and never while a callback runs: not while a
	// batch of deltas goes into the store, because that calls the functions of indexes.
	mu         sync.Mutex
	ctx        context.Context // that the informer runs under; nil before start
	cancel     context.CancelCauseFunc
	stopping   bool
	running    sync.WaitGroup // the processors; added to only while not stopping
	processors []*processor
	listed     int // how many feeds have a complete list
	unanswered int // how many feeds have had no answer to their initial list (see feed.answer)
	// applying is set while a batch goes into the store, which is ahead of the handlers' queues
	// then. What needs both to agree waits for the end of the batch: handlers that join (see
	// processor.joined) and resyncs.
	applying bool
}

func newShared(c *rest.Client, k kind.Info, cfg config, mistake error) *shared {
	s := &shared{
		kind: k, mistake: mistake, config: cfg, client: c,
		synced: make(chan struct{}),
	}
	s.feeds = newFeeds(s)
	s.unanswered = len(s.feeds)
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

// read returns the cache for a reader of one namespace, or of all that the informer has if it is "".
// The error is why it cannot be read.
func (s *shared) read(namespace string) (*store.Store, error) {
	cache := s.cache.Load() // before readable, which is false before the cache is exchanged
	if s.readable.Load() {
		return cache, nil
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	for _, f := range s.feeds {
		if (namespace == "" || f.covers(namespace)) && !f.listed.Load() {
			if why := f.absent.Load(); why != nil {
				return nil, *why
			}
			return nil, &NotSyncedError{Informer: f.String(), Started: s.started.Load(),
				LastError: f.health.lastError()}
		}
	}
	return cache, nil
}

// Kind returns what the informer is for. It is zero if T is not registered.
func (s *shared) Kind() kind.Info { return s.kind }

// Namespace returns the namespace that the informer is confined to; "" is all. Several are joined
// by commas.
func (s *shared) Namespace() string { return s.config.namespace }

// String names the informer for people: `pods in namespace "web" with labels app=db`.
func (s *shared) String() string { return s.named(s.config.namespace) }

// named names the informer, or the part of it that is in a namespace.
func (s *shared) named(namespace string) string {
	if s.kind == (kind.Info{}) {
		return "of an unknown type"
	}
	name := s.kind.GVR().GroupResource().String()
	if s.config.as != "" {
		name = "metadata of " + name
	}
	if namespace != "" {
		name += " in namespace " + quoted(namespace)
	}
	if s.config.labelSelector != "" {
		name += " with labels " + s.config.labelSelector
	}
	if s.config.fieldSelector != "" {
		name += " with fields " + s.config.fieldSelector
	}
	return name
}

// quoted returns namespaces that are joined by commas, in quotes.
func quoted(namespaces string) string {
	return strings.ReplaceAll(strconv.Quote(namespaces), ",", `", "`)
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
	if s.listed > 0 || s.unanswered == 0 {
		p.begin(s.known(), s.unanswered == 0)
	}
}

// known returns the objects that handlers know: those of the feeds whose list is complete. s.mu is
// held.
func (s *shared) known() (items []store.Item) {
	for _, f := range s.feeds {
		if f.listed.Load() {
			items = append(items, s.store().ItemsOf(f.scope)...)
		}
	}
	return items
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
	if s.listed == 0 || s.stopping {
		return false
	}
	if p.resyncDue = s.applying; !s.applying {
		p.pushAll(s.known())
	}
	return true
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
			p.pushAll(s.known())
		}
	}
	clear(s.events)
	if s.events = s.events[:0]; cap(s.events) > idleQueue {
		s.events = nil
	}
}
