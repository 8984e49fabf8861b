package discovery

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/version"
)

// partialTTL is how long Memory keeps a partial answer: long enough that a broken aggregated API
// server, which may stay broken for days, does not make every lookup a request; short enough that
// nobody waits long for it when it is repaired.
const partialTTL = 30 * time.Second

// Memory keeps the catalog of another Interface until it is invalidated. Any number of callers that
// need it at the same time share one request. It is safe for concurrent use.
type Memory struct {
	lookups
	next Interface

	mu      sync.Mutex // guards what follows
	catalog *Catalog   // nil when there is none
	partial error      // the PartialError that came with it, or nil
	flight  *flight    // the request under way; nil when there is none
}

// flight is a request that several callers wait for. Its results are set before done is closed.
type flight struct {
	done    chan struct{}
	catalog *Catalog
	err     error
}

// NewMemory returns a cache of d.
func NewMemory(d Interface) *Memory {
	m := &Memory{next: d}
	m.renewer = m
	return m
}

// ServerVersion is the version of the API server, asked each time.
func (m *Memory) ServerVersion(ctx context.Context) (*version.Info, error) {
	return m.next.ServerVersion(ctx)
}

// Invalidate forgets the catalog, and what the Interface behind it has cached. A request that is
// under way goes on for those who wait for it, and its result is not kept.
func (m *Memory) Invalidate() {
	m.mu.Lock()
	m.catalog, m.partial, m.flight = nil, nil, nil
	m.mu.Unlock()
	m.next.Invalidate()
}

func (m *Memory) catalogAfter(ctx context.Context, after time.Time) (*Catalog, error) {
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
		// The one who made the request may have given it up, or been content with an older catalog;
		// then it is no answer to this one.
		abandoned := errors.Is(f.err, context.Canceled) || errors.Is(f.err, context.DeadlineExceeded)
		older := f.catalog != nil && !f.catalog.Fetched.After(after)
		if !abandoned && !older {
			return f.catalog, f.err
		}
		if ctx.Err() != nil {
			return nil, ended(ctx)
		}
	}
}

// fresh says that the catalog at hand will do. The caller holds mu.
func (m *Memory) fresh(after time.Time) bool {
	return m.catalog != nil && m.catalog.Fetched.After(after) &&
		(m.partial == nil || time.Since(m.catalog.Fetched) < partialTTL)
}

// fly makes the request that f stands for, and keeps its result unless it was invalidated meanwhile.
func (m *Memory) fly(ctx context.Context, f *flight, after time.Time) {
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
	f.catalog, f.err = renew(ctx, m.next, after)
}
