package informer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// ResourceVersion returns the newest version that the cache contains: every change of the
// informer's objects up to it is in the store. Events and bookmarks move it on; a restore of the
// server from a backup moves it back. It is empty before the initial list.
func (s *shared) ResourceVersion() string { return s.progress.current() }

// Contains reports, without waiting, whether the cache contains everything up to that version,
// which may come from any object, list or bookmark of the same resource (KEP-5504: versions of
// one resource are ordered). If the version is not such a number (aggregated servers may have
// their own), Contains returns true, because it cannot be known and nobody should wait for it
// forever. Before the initial list it returns false.
func (s *shared) Contains(resourceVersion string) bool {
	has, _ := s.progress.has(resourceVersion)
	return has
}

// WaitFor waits until the cache contains everything up to that version: after it, the lister
// returns the write that returned the version. If ctx ends first, it returns an error that wraps
// ctx's. If the version cannot be compared, it returns an *OpaqueVersionError at once. If the
// informer stops or cannot run, it returns what Err returns.
//
// If the version was lost because the server was restored from a backup, WaitFor returns a
// *RestoredError. If the restore was before WaitFor was called, that takes some seconds, up to a
// minute if the same version is waited for again: the server's answer has to exclude that the
// version was written since.
//
// A write of an object of this informer arrives as an event. If no event comes (the version is of
// another namespace, or a list's), the informer asks the server how far it is, so that WaitFor
// takes seconds even if nothing changes.
func (s *shared) WaitFor(ctx context.Context, resourceVersion string) error {
	if err := s.Err(); err != nil {
		return err
	}
	w := s.progress.wait(resourceVersion)
	defer s.progress.leave(w)
	result := func(err error) error {
		if err != nil {
			return fmt.Errorf("informer %s: waiting for a version: %w", s, err)
		}
		return nil
	}
	timer := time.NewTimer(sayAfter)
	defer timer.Stop()
	for {
		select {
		case err := <-w.done:
			return result(err)
		default:
		}
		select {
		case err := <-w.done:
			return result(err)
		case <-s.life.Done():
			return s.Err()
		case <-ctx.Done():
			return s.missing(resourceVersion, ctxerr.Of(ctx))
		case <-timer.C:
			timer.Reset(sayEvery)
			s.config.logger.Warn(s.missing(resourceVersion, errStill).Error())
		}
	}
}

// missing returns an error that names the version that is waited for, and wraps why and the
// informer's last error.
func (s *shared) missing(resourceVersion string, why error) error {
	return s.client.Redact(fmt.Errorf("informer %s: waiting for resourceVersion %s, at %q: %w%w",
		s, resourceVersion, s.progress.current(), why, s.health.because()))
}

// OnProgress calls f each time that the cache has moved on, with the version that it contains now:
// the store has been updated already, and handlers have the events in their queues. f is called
// from the stream's own goroutine and must not block. It is not called for the past. After stop
// returns, f is not called again, unless a call is about to be made.
func (s *shared) OnProgress(f func(resourceVersion string)) (stop func()) {
	p := s.progress
	h := &hook{func(version string) {
		s.contain(func() { f(version) }, func() string { return "OnProgress at " + version })
	}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = append(slices.Clone(p.hooks), h)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hooks = slices.DeleteFunc(slices.Clone(p.hooks), func(o *hook) bool { return o == h })
	}
}
