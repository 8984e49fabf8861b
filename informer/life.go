package informer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
// that the informer met; or it is Err's, if the informer has stopped or cannot run. A wait of ten
// seconds is logged, and again each minute.
func (s *shared) WaitForSync(ctx context.Context) error {
	return s.waitForSync(ctx, []*shared{s})
}

// waitForSync is WaitForSync for a caller that waits for all of these.
func (s *shared) waitForSync(ctx context.Context, all []*shared) error {
	ended := ctx.Done()
	if s.HasSynced() || s.Err() != nil {
		ended = nil
	}
	timer := time.NewTimer(sayAfter)
	defer timer.Stop()
	for {
		select {
		case <-s.synced:
			return s.Err()
		case <-s.life.Done():
			return s.Err()
		case <-ended:
			return fmt.Errorf("informer %w", s.unsynced(ctxerr.Of(ctx)))
		case <-timer.C:
			timer.Reset(sayEvery)
			for _, s := range all {
				if !s.HasSynced() && s.Err() == nil {
					s.config.logger.Warn("informer " + s.unsynced(errStill).Error())
				}
			}
		}
	}
}

// A wait says what it waits for after sayAfter, and then every sayEvery.
const (
	sayAfter = 10 * time.Second
	sayEvery = time.Minute
)

var errStill = errors.New("still waiting")

// unsynced returns an error that names what the informer waits for, each stream without its initial
// list, and wraps why and its last error.
func (s *shared) unsynced(why error) error {
	if !s.started.Load() {
		return fmt.Errorf("%s: not started (call Factory.Run or Start): %w", s, why)
	}
	var missing []error
	for i, f := range s.feeds {
		// The last one may have come meanwhile.
		if !f.listed.Load() || i == len(s.feeds)-1 && missing == nil {
			missing = append(missing, fmt.Errorf("%s: waiting for its initial list, %s: %w%w", f,
				f.health.current().State, why, f.health.because()))
		}
	}
	return errors.Join(missing...)
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
	for _, f := range s.feeds {
		streams.Go(func() { newReflector(f).run(s.ctx) })
		streams.Go(func() { f.consume(s.ctx) })
	}
	streams.Wait()
	cause := context.Cause(s.ctx)
	if cause != errClosed {
		cause = ctxerr.Of(s.ctx)
	}
	s.stop(cause)
	for _, f := range s.feeds {
		f.progress.close()
	}
	slow := time.AfterFunc(sayAfter, func() {
		s.config.logger.Warn("informer " + s.String() + ": stopping: a handler has not returned yet")
	})
	defer slow.Stop()
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
