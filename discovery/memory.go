package discovery

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/version"
)

// partialTTL is how long memory keeps a partial answer. An aggregated API server may stay broken
// for days, and must not turn every lookup into a request; when it is repaired, its resources
// should be found soon.
const partialTTL = 30 * time.Second

// memory is the source that keeps the catalog of the next source.
type memory struct {
	next source

	mu      sync.Mutex // guards the fields below
	catalog *Catalog   // nil if none is kept
	partial error      // the PartialError that came with it, or nil
	flight  *flight    // the request under way, or nil
}

// flight is a request that several callers wait for. Its result is set before done is closed.
type flight struct {
	done    chan struct{}
	catalog *Catalog
	err     error
}

// NewMemory returns a client that keeps the catalog of d in memory until Invalidate is called.
// Callers that need it at the same time share one request. A partial answer is kept for 30 seconds.
func NewMemory(d Interface) *Client { return &Client{source: newMemory(sourceOf(d))} }

func newMemory(next source) *memory { return &memory{next: next} }

func (m *memory) serverVersion(ctx context.Context) (*version.Info, error) {
	return m.next.serverVersion(ctx)
}

// invalidate discards the catalog. A request under way goes on for the callers that wait for it,
// and its result is not kept.
func (m *memory) invalidate() {
	m.mu.Lock()
	m.catalog, m.partial, m.flight = nil, nil, nil
	m.mu.Unlock()
	m.next.invalidate()
}

func (m *memory) catalogAfter(ctx context.Context, after time.Time) (*Catalog, error) {
	for {
		m.mu.Lock()
		if m.fresh(after) {
			defer m.mu.Unlock()
			return m.catalog, m.partial
		}
		f := m.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			m.flight = f
			m.mu.Unlock()
			m.fly(ctx, f, after)
			return f.catalog, f.err
		}
		m.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ended(ctx)
		}
		// The caller that made the request may have given up, or accepted an older catalog. Then
		// its result is no answer to this call.
		abandoned := errors.Is(f.err, context.Canceled) ||
			errors.Is(f.err, context.DeadlineExceeded)
		older := f.catalog != nil && !f.catalog.Fetched.After(after)
		if !abandoned && !older {
			return f.catalog, f.err
		}
		if ctx.Err() != nil {
			return nil, ended(ctx)
		}
	}
}

// fresh reports whether the kept catalog can be returned. The caller holds mu.
func (m *memory) fresh(after time.Time) bool {
	return m.catalog != nil && m.catalog.Fetched.After(after) &&
		(m.partial == nil || time.Since(m.catalog.Fetched) < partialTTL)
}

// fly makes the request of f. It keeps the result, unless invalidate was called meanwhile.
func (m *memory) fly(ctx context.Context, f *flight, after time.Time) {
	f.err = errors.New("discovery: the request panicked")
	defer func() {
		m.mu.Lock()
		if m.flight == f {
			m.flight = nil
			if _, whole := asPartial(f.err); whole {
				m.catalog, m.partial = f.catalog, f.err
			}
		}
		m.mu.Unlock()
		close(f.done)
	}()
	f.catalog, f.err = m.next.catalogAfter(ctx, after)
}
