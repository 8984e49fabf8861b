package discovery

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/version"
)

// partialTTL is how long the caches use a partial answer for what its missing group versions may
// change. An aggregated API server may stay broken for days, and must not turn every lookup into a
// request; when it is repaired, its resources should be found soon.
const partialTTL = 30 * time.Second

// memory is the source that keeps the catalog of the next source.
type memory struct {
	next source

	mu      sync.Mutex // guards the fields below
	kept    *Catalog   // nil if none is kept
	partial error      // the PartialError that came with it, or nil
	flight  *flight    // the request under way, or nil
}

// flight is a request that several callers wait for. Its result is set before done is closed.
type flight struct {
	done    chan struct{}
	catalog *Catalog
	err     error
}

// NewMemory returns a client that keeps the catalog of d in memory until Invalidate is called, which
// [Watch] does when the server serves something else.
// Callers that need it at the same time share one request. A partial answer is used for 30 seconds
// by Catalog, Resources and the lookups whose match may be in what is missing.
func NewMemory(d Interface) *Client { return &Client{source: newMemory(sourceOf(d))} }

func newMemory(next source) *memory { return &memory{next: next} }

func (m *memory) serverVersion(ctx context.Context) (*version.Info, error) {
	return m.next.serverVersion(ctx)
}

// invalidate discards the catalog. A request under way goes on for the callers that wait for it,
// and its result is not kept.
func (m *memory) invalidate() {
	m.mu.Lock()
	m.kept, m.partial, m.flight = nil, nil, nil
	m.mu.Unlock()
	m.next.invalidate()
}

func (m *memory) catalog(ctx context.Context, n need) (*Catalog, error) {
	for {
		m.mu.Lock()
		if m.kept != nil && n.met(m.kept, m.partial) {
			defer m.mu.Unlock()
			return m.kept, m.partial
		}
		f := m.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			m.flight = f
			m.mu.Unlock()
			m.fly(ctx, f, n)
			return f.catalog, f.err
		}
		m.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ended(ctx)
		}
		// The caller that made the request may have given up, or needed less. Then its result is no
		// answer to this call.
		abandoned := errors.Is(f.err, context.Canceled) ||
			errors.Is(f.err, context.DeadlineExceeded)
		if !abandoned && (f.catalog == nil || n.met(f.catalog, f.err)) {
			return f.catalog, f.err
		}
		if ctx.Err() != nil {
			return nil, ended(ctx)
		}
	}
}

// fly makes the request of f. It keeps the result, unless invalidate was called meanwhile.
func (m *memory) fly(ctx context.Context, f *flight, n need) {
	f.err = errors.New("discovery: the request panicked")
	defer func() {
		m.mu.Lock()
		if m.flight == f {
			m.flight = nil
			if _, whole := asPartial(f.err); whole {
				m.kept, m.partial = f.catalog, f.err
			}
		}
		m.mu.Unlock()
		close(f.done)
	}()
	f.catalog, f.err = m.next.catalog(ctx, n)
}
