package informer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
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

	mu        sync.Mutex // guards what follows
	ctx       context.Context
	informers map[identity]*shared
	order     []*shared
}

// identity is what makes two informers one.
type identity struct {
	kind                      kind.Info
	unknown                   reflect.Type // of a type that has no kind, or not the fields of drop
	namespace, labels, fields string
	keepManagedFields, json   bool
	drop                      string
}

// NewFactory returns a factory whose informers ask c. The options hold for all of its informers
// that do not choose otherwise.
func NewFactory(c *rest.Client, opts ...Option) *Factory {
	return &Factory{client: c, config: newConfig(c, opts), informers: make(map[identity]*shared)}
}

// Client returns the client that the informers ask.
func (f *Factory) Client() *rest.Client { return f.client }

// informer returns the informer of k with cfg, which is made if there is none. err is why there can
// be none for the Go type t.
func (f *Factory) informer(k kind.Info, t reflect.Type, err error, cfg config) *shared {
	id := identity{
		kind: k, namespace: cfg.namespace, labels: cfg.labelSelector, fields: cfg.fieldSelector,
		keepManagedFields: cfg.keepManagedFields, json: cfg.json || !k.Protobuf,
		drop: cfg.dropped(),
	}
	if err != nil {
		id = identity{kind: k, unknown: t, drop: strings.Join(cfg.drop, ", ")}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.informers[id]; ok {
		s.join(cfg)
		return s
	}
	s := newShared(f.client, k, cfg)
	s.err = err
	s.join(cfg)
	f.informers[id] = s
	f.order = append(f.order, s)
	if f.ctx != nil {
		s.start(f.ctx)
	}
	return s
}

// Start starts every informer, and returns at once. All run until ctx ends. An informer that is
// made after Start runs right away. Calling Start again changes nothing: a factory runs once, under
// the first context.
func (f *Factory) Start(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx != nil {
		return
	}
	f.ctx = ctx
	for _, s := range f.order {
		s.start(ctx)
	}
}

// WaitForSync waits until every informer made so far has its initial list in its cache. The error
// names those that have not, and the last error each met, and wraps the reason (ctx's error; for
// an informer of a type that is not registered, the *kind.UnknownError).
func (f *Factory) WaitForSync(ctx context.Context) error {
	var errs []error
	for _, s := range f.snapshot() {
		if err := s.WaitForSync(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("informer: %d not synced: %w", len(errs), errors.Join(errs...))
	}
	return nil
}

// Wait waits until everything that Start started has ended, which follows the end of its context.
// A handler that does not return is waited for. It returns at once if Start was never called.
func (f *Factory) Wait() {
	waited := 0
	for {
		f.mu.Lock()
		all, started := f.order, f.ctx != nil
		f.mu.Unlock()
		if !started || waited == len(all) {
			return
		}
		<-all[waited].done
		waited++
	}
}

// Informers returns the informers made so far, each shared one once.
func (f *Factory) Informers() []Any {
	var all []Any
	for _, s := range f.snapshot() {
		all = append(all, s)
	}
	return all
}

func (f *Factory) snapshot() []*shared {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}
