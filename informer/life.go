package informer

import (
	"context"
	"fmt"
	"sync"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/store"
)

// Done returns a channel that is closed when the informer has stopped: its cache has been freed,
// and will not be in sync again. Err returns why.
func (s *shared) Done() <-chan struct{} { return s.life.Done() }

// Err returns why the informer has stopped, a *StoppedError, or why it cannot run (see For). It is
// nil while the informer runs, and before its factory is started.
func (s *shared) Err() error { return context.Cause(s.life) }

// WaitForSync waits until the initial list is in the cache. The error wraps ctx's, and the last one
// that the informer met; or it is Err's, if the informer has stopped or cannot run.
func (s *shared) WaitForSync(ctx context.Context) error {
	select {
	case <-s.synced:
	case <-s.life.Done():
	default:
		select {
		case <-s.synced:
		case <-s.life.Done():
		case <-ctx.Done():
			if !s.started.Load() {
				return fmt.Errorf("informer %s: not started (call Factory.Run or Start): %w", s,
					ctxerr.Of(ctx))
			}
			return fmt.Errorf("informer %s: waiting for its initial list: %w%w", s, ctxerr.Of(ctx),
				s.health.because())
		}
	}
	return s.Err()
}

// start prepares the informer to run under ctx. It is called once. run returns when everything that
// belongs to the informer has ended; it is nil if there is nothing to run.
func (s *shared) start(ctx context.Context) (run func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.started.Store(true)
	for _, p := range s.processors {
		s.startProcessor(p)
	}
	return s.run
}

// run runs the informer until its context ends.
func (s *shared) run() {
	defer s.cancel(nil)
	var streams sync.WaitGroup
	streams.Go(func() { newReflector(s).run(s.ctx) })
	streams.Go(func() { s.consume(s.ctx) })
	streams.Wait()
	cause := context.Cause(s.ctx)
	if cause != errClosed {
		cause = ctxerr.Of(s.ctx)
	}
	s.stop(cause)
	s.progress.close()
	s.running.Wait()
}

// end ends the informer, even if it was never started. It does not wait.
func (s *shared) end(cause error) {
	s.mu.Lock()
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	} else {
		s.stop(cause)
	}
}

// stop frees the cache, which is not read any more.
func (s *shared) stop(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return
	}
	s.stopping = true
	s.die(&StoppedError{Informer: s.String(), Cause: cause})
	s.readable.Store(false)
	s.cache.Store(store.New(store.Options{}))
	for _, p := range s.processors {
		if !p.started {
			close(p.done)
		}
	}
	s.processors, s.events = nil, nil
}
