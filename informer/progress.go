package informer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// progress is how far the store has come, and who wants to know.
type progress struct {
	mu      sync.Mutex
	version string
	changed chan struct{} // closed when version moves on; nil while nobody waits
	hooks   []*hook       // copied when it is changed
	closed  bool

	wanted string      // the newest version that was asked for in vain; "" when there is none
	asked  *time.Timer // calls hurry when wanted is overdue
	hurry  func()      // set once, before the informer runs
}

type hook struct{ f func(string) }

// patience is how long a version that somebody wants may be missing before the server is asked for
// it: the event of a write takes milliseconds, so what is missing then will have no event.
const patience = time.Second

func newProgress() *progress { return &progress{} }

// advance moves on and tells everyone. It is for the one who updates the store, afterwards.
func (p *progress) advance(version string) {
	p.mu.Lock()
	p.version = version
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
	if p.wanted != "" {
		if has, _ := contains(version, p.wanted); has {
			p.wanted = ""
			p.asked.Stop()
		}
	}
	hooks := p.hooks
	p.mu.Unlock()
	for _, h := range hooks {
		h.f(version)
	}
}

func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.asked != nil {
		p.asked.Stop()
	}
}

// has says whether version is contained. If not, it is wanted from now on.
func (p *progress) has(version string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	has, err := contains(p.version, version)
	if !has && err == nil {
		p.want(version)
	}
	return has, err
}

// want remembers that somebody asked for version in vain. p.mu is held.
func (p *progress) want(version string) {
	if p.wanted != "" {
		if has, _ := contains(p.wanted, version); has {
			return
		}
	} else if p.hurry != nil && !p.closed {
		if p.asked == nil {
			p.asked = time.AfterFunc(patience, p.hurry)
		} else {
			p.asked.Reset(patience)
		}
	}
	p.wanted = version
}

// overdue returns the version that somebody still wants, "" if nobody does.
func (p *progress) overdue() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

// giveUp forgets what was wanted, until it is asked for again.
func (p *progress) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = ""
}

func (p *progress) current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.version
}

// next returns a channel that is closed when the version moves on from what it is now.
func (p *progress) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// contains says whether a cache at version at contains version. "" and "0" mean any state.
func contains(at, version string) (bool, error) {
	if at == "" {
		return false, nil
	}
	if version == "" || version == "0" || version == at {
		return true, nil
	}
	order, err := resourceversion.CompareResourceVersion(at, version)
	if err != nil {
		return true, &OpaqueVersionError{ResourceVersion: version}
	}
	return order >= 0, nil
}

// ResourceVersion returns the newest version that the cache contains: every change of the
// informer's objects up to it is in the store. Events and bookmarks move it on. "" before the
// initial list.
func (s *shared) ResourceVersion() string { return s.progress.current() }

// Contains says, without waiting, whether the cache contains everything up to that version, which
// may come from any object, list or bookmark of the same resource (KEP-5504: versions of one
// resource are ordered). For a version that is no such number (aggregated servers may have their
// own) it says true, for nobody can know, and nobody should wait for it forever. Before the initial
// list it says false.
func (s *shared) Contains(resourceVersion string) bool {
	has, _ := s.progress.has(resourceVersion)
	return has
}

// WaitFor waits until the cache contains everything up to that version: after it, the lister sees
// the write that returned it. It returns ctx's error, wrapped, if that ends first, and an
// *OpaqueVersionError at once if the version cannot be compared.
//
// A write of an object of this informer is seen by its own event. Where no event comes (the
// version is of another namespace, or a list's), the server is asked how far it is, so that this
// takes seconds even if nothing changes.
func (s *shared) WaitFor(ctx context.Context, resourceVersion string) error {
	for s.Err() == nil {
		next := s.progress.next() // before has, not to miss what comes between
		if has, err := s.progress.has(resourceVersion); err != nil {
			return fmt.Errorf("informer %s: waiting for a version: %w", s, err)
		} else if has {
			return nil
		}
		select {
		case <-next:
		case <-s.life.Done():
		case <-ctx.Done():
			return fmt.Errorf("informer %s: waiting for resourceVersion %s, at %q: %w%w",
				s, resourceVersion, s.progress.current(), ctxerr.Of(ctx), s.health.because())
		}
	}
	return s.Err()
}

// OnProgress has f called each time that the cache has moved on, with the version that it
// contains now: the store has been updated already, and handlers have the events in their queues.
// It is called from the stream's own goroutine and must not block. It is not called for the past.
// After stop returns, it is not called again, unless a call is about to be made.
func (s *shared) OnProgress(f func(resourceVersion string)) (stop func()) {
	p, h := s.progress, &hook{f}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = append(slices.Clone(p.hooks), h)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hooks = slices.DeleteFunc(slices.Clone(p.hooks), func(o *hook) bool { return o == h })
	}
}
