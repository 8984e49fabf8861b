package informer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// Factory makes informers and runs them. Informers of one factory that are For the same resource,
// namespace and selectors share one stream and one cache.
//
// It is safe for concurrent use.
type Factory struct {
	client *rest.Client
	config config

	mu        sync.Mutex      // guards the fields below
	ctx       context.Context // the one of Run or Start; nil before
	ran       bool            // Run was called
	ended     bool            // Wait has seen the end of ctx: nothing is started any more
	informers map[identity]*shared
	order     []*shared      // the same, in the order in which they were made
	running   sync.WaitGroup // the informers; added to only while not ended
}

// identity is the key of a shared informer: two calls of For with the same identity share one.
type identity struct {
	kind                      kind.Info
	namespace, labels, fields string
	keepManagedFields, json   bool
	whenServed                bool
	as                        string
	drop                      string
	transform                 *transform
	mistaken                  reflect.Type // the Go type of an informer that cannot run
	mistake                   string       // why it cannot
}

// NewFactory returns a factory whose informers send their requests with c. The options hold for all
// of its informers that do not set them; Namespace holds for those of namespaced resources.
func NewFactory(c *rest.Client, opts ...Option) *Factory {
	return &Factory{client: c, config: newConfig(c, opts), informers: make(map[identity]*shared)}
}

// Client returns the client that the informers use.
func (f *Factory) Client() *rest.Client { return f.client }

// open makes h a handle of the informer of k with these options, which is made if there is none. t
// is the Go type, or nil if its fields are not known; mistake is why there can be no informer.
func (f *Factory) open(h *handle, k kind.Info, t reflect.Type, mistake error, opts []Option) {
	cfg := f.config.with(opts)
	if mistake == nil {
		mistake = cfg.misuse
	}
	if mistake == nil {
		mistake = cfg.confine(k, opts)
	}
	if mistake == nil {
		mistake = cfg.compile(t)
	}
	id := identity{
		kind: k, namespace: cfg.namespace, labels: cfg.labelSelector, fields: cfg.fieldSelector,
		keepManagedFields: cfg.keepManagedFields, json: cfg.json || !k.Protobuf && cfg.as == "",
		as:   cfg.as,
		drop: cfg.dropped(), transform: cfg.transform, whenServed: cfg.served != nil,
	}
	if mistake != nil {
		id = identity{kind: k, mistaken: t, mistake: mistake.Error()}
	}
	h.factory, h.resync = f, cfg.resync
	h.shared = f.share(id, cfg, mistake)
	h.shared.join(cfg)
}

// share returns the informer of that identity, made if there is none, and counts one more user of
// it.
func (f *Factory) share(id identity, cfg config, mistake error) *shared {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.informers[id]
	if !ok {
		s = newShared(f.client, id.kind, cfg, mistake)
		f.informers[id] = s
		f.order = append(f.order, s)
		if f.ctx != nil {
			f.start(s)
		}
	}
	s.users++
	return s
}

// close takes back one use of s, and ends s when that was the last.
func (f *Factory) close(s *shared) {
	if f.drop(s) {
		s.end(errClosed)
	}
}

// drop counts one user of s less, and reports whether that was the last: then s is the factory's no
// more.
func (f *Factory) drop(s *shared) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.users--; s.users > 0 {
		return false
	}
	maps.DeleteFunc(f.informers, func(_ identity, other *shared) bool { return other == s })
	f.order = slices.DeleteFunc(f.order, func(other *shared) bool { return other == s })
	return true
}

// start runs s under the factory's context. f.mu is held.
func (f *Factory) start(s *shared) {
	if f.ended {
		s.end(context.Cause(f.ctx))
	} else if run := s.start(f.ctx); run != nil {
		f.running.Go(run)
	}
}

// Run runs every informer, those made later too, until ctx ends and everything that it started has
// ended. Then it returns nil. A handler that does not return is waited for.
//
// If an informer cannot run, for a mistake in the call of For that made it, Run returns that
// mistake at once and starts nothing. A factory runs once: a second Run, and Run after Start under
// another context, return a *kind.MisuseError.
func (f *Factory) Run(ctx context.Context) error {
	if err := f.begin(ctx, true); err != nil {
		return err
	}
	f.Wait()
	return nil
}

// Start is Run in the background: it returns when the informers have been started, and Wait waits
// for their end. It returns the errors that Run does. Under the context that the factory runs under
// already, Start does nothing.
func (f *Factory) Start(ctx context.Context) error { return f.begin(ctx, false) }

// begin starts the informers under ctx, unless they run under it already.
func (f *Factory) begin(ctx context.Context, run bool) error {
	verb := "start"
	if run {
		verb = "run"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ctx == nil:
	case f.ctx.Err() != nil && (f.ran || !run || !sameContext(f.ctx, ctx)):
		return misuse(verb, "it has run until its context ended, and runs once: make a new one")
	case f.ran && run:
		return misuse(verb, "it runs already")
	case !sameContext(f.ctx, ctx):
		return misuse(verb,
			"it runs under another context: start it once, or make a factory for each context")
	default:
		f.ran = f.ran || run
		return nil
	}
	var mistakes []error
	for _, s := range f.order {
		if s.mistake != nil {
			mistakes = append(mistakes, s.mistake)
		}
	}
	if len(mistakes) > 0 {
		return fmt.Errorf("%s informer factory: %w", verb, errors.Join(mistakes...))
	}
	f.ctx, f.ran = ctx, run
	for _, s := range f.order {
		f.start(s)
	}
	return nil
}

//go:noinline // to keep programs small
func misuse(verb, problem string) error {
	return &kind.MisuseError{Verb: verb, Resource: "informer factory", Problem: problem}
}

// sameContext reports whether a and b are one context. (A context may be of a type that == panics
// for.)
func sameContext(a, b context.Context) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// WaitForSync waits until every informer made so far has its initial list in its cache. The error
// names those that have not, and the last error each met, and wraps the reason (ctx's error; for
// an informer of a type that is not registered, the *kind.UnknownError). A wait of ten seconds is
// logged with the same names, and again each minute.
func (f *Factory) WaitForSync(ctx context.Context) error {
	var errs []error
	all := f.snapshot()
	for _, s := range all {
		if err := s.waitForSync(ctx, all); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("informer: %d not synced: %w", len(errs), errors.Join(errs...))
	}
	return nil
}

// Wait waits until the context of Run or Start has ended and everything that they started with it.
// A handler that does not return is waited for. If the factory was never started, Wait returns at
// once.
func (f *Factory) Wait() {
	f.mu.Lock()
	ctx := f.ctx
	f.mu.Unlock()
	if ctx == nil {
		return
	}
	<-ctx.Done()
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	f.running.Wait()
}

// Informers returns the informers made so far and not closed, each shared one once.
func (f *Factory) Informers() []Untyped {
	var all []Untyped
	for _, s := range f.snapshot() {
		all = append(all, s)
	}
	return all
}

// Has reports whether i is an informer of the factory that is not closed.
func (f *Factory) Has(i Untyped) bool { return slices.Contains(f.snapshot(), i.base()) }

func (f *Factory) snapshot() []*shared {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}
