package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/wire"
)

const (
	// syncTick is the resolution of the SyncTimeout, unless that is short.
	syncTick = time.Second
	// syncLogEvery is how often the log says what Run waits for.
	syncLogEvery = time.Minute
)

// waitForSync waits until all caches of the controller are in sync. It returns nil if ctx ends
// before that, and an error if a cache stops, or is not in sync after the server has answered for
// the SyncTimeout.
func (c *Controller) waitForSync(ctx context.Context) error {
	waiting, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()

	var waits []*syncWait // that have not ended
	ended := make(chan *syncWait)
	for _, cache := range c.caches() {
		w := &syncWait{cache: cache}
		waits = append(waits, w)
		running.Go(func() {
			w.err = cache.WaitForSync(waiting)
			select {
			case ended <- w:
			case <-waiting.Done():
			}
		})
	}

	ticks := time.NewTicker(c.syncTick())
	defer ticks.Stop()
	last, logged := time.Now(), time.Now()
	for len(waits) > 0 {
		select {
		case <-ctx.Done():
			return nil
		case w := <-ended:
			if w.err != nil && ctx.Err() == nil {
				return fmt.Errorf("run controller %q: %w", c.name, w.err)
			}
			waits = slices.DeleteFunc(waits, func(other *syncWait) bool { return other == w })
		case now := <-ticks.C:
			var late []error
			for _, w := range waits {
				if w.look(now.Sub(last)); c.syncTimeout >= 0 && w.answered >= c.syncTimeout {
					late = append(late, w.late(c.syncTimeout))
				}
			}
			if len(late) > 0 {
				return fmt.Errorf("run controller %q: %w", c.name, errors.Join(late...))
			}
			if last = now; now.Sub(logged) >= syncLogEvery {
				logged = now
				for _, w := range waits {
					w.log(c.log)
				}
			}
		}
	}
	return nil
}

func (c *Controller) syncTick() time.Duration {
	if c.syncTimeout < 0 {
		return syncTick
	}
	return max(min(syncTick, c.syncTimeout/10), time.Millisecond)
}

// syncWait is the wait for one cache.
type syncWait struct {
	cache informer.Untyped
	err   error // of WaitForSync, when that has returned

	answered time.Duration // for how long the server has answered, in all
	reached  bool          // the last sign of the server was an answer
	seen     signs         // at the last look
}

// signs are what an informer's status shows of the server.
type signs struct {
	lists, watches, events int64
	objects                int
	errorAt                time.Time
}

// look adds elapsed to answered if the server answers.
func (w *syncWait) look(elapsed time.Duration) {
	status := w.cache.Status()
	now := signs{status.Lists, status.Watches, status.Events, status.Objects, status.LastErrorAt}
	before := w.seen
	w.seen = now
	failed := now.errorAt != before.errorAt
	before.errorAt = now.errorAt
	switch {
	case status.State == "idle": // nobody runs the informer, and no server is to blame
		w.reached = true
	case now != before:
		w.reached = true
	case failed:
		w.reached = isAnswer(status.LastError)
	}
	if w.reached {
		w.answered += elapsed
	}
}

// isAnswer reports whether err is made of something that the server sent.
func isAnswer(err error) bool {
	var status apierrors.APIStatus
	var syntax *wire.SyntaxError
	return errors.As(err, &status) || errors.As(err, &syntax)
}

// late returns the error of a cache that is not in sync in time.
func (w *syncWait) late(timeout time.Duration) error {
	status := w.cache.Status()
	switch {
	case status.State == "idle":
		return fmt.Errorf("informer %s: not in sync within %v: its factory does not run: call the factory's Start or Run", w.cache, timeout)
	case status.LastError == nil:
		return fmt.Errorf("informer %s: not in sync within %v", w.cache, timeout)
	}
	return fmt.Errorf("informer %s: not in sync within %v; its last error: %w%s",
		w.cache, timeout, status.LastError, w.hint(status.LastError))
}

// hint returns what a 404 may mean. Of a built-in kind the server's message says enough.
func (w *syncWait) hint(err error) string {
	k := w.cache.Kind()
	if !apierrors.IsNotFound(err) || k.Protobuf || !strings.Contains(k.Group, ".") {
		return ""
	}
	return fmt.Sprintf("; is the CustomResourceDefinition %s installed, with version %s?", k.GVR().GroupResource(), k.Version)
}

// log says that the controller still waits for the cache.
func (w *syncWait) log(log *slog.Logger) {
	status := w.cache.Status()
	text := "waiting for the initial list of an informer"
	if !w.reached {
		text = "waiting for the API server, which cannot be reached"
	}
	log.Warn(text, "informer", w.cache.String(), "error", status.LastError)
}

// watchCaches returns a context that ends with parent, or before if one of the controller's caches
// stops. stopped must be called when the context is not needed any more. It returns an error that
// names the cache that stopped, nil if none did.
func (c *Controller) watchCaches(parent context.Context) (ctx context.Context, stopped func() error) {
	ctx, cancel := context.WithCancel(parent)
	var (
		watches sync.WaitGroup
		once    sync.Once
		fault   error
	)
	for _, cache := range c.caches() {
		watches.Go(func() {
			select {
			case <-ctx.Done():
				return
			case <-cache.Done():
			}
			if parent.Err() != nil {
				return
			}
			once.Do(func() {
				fault = fmt.Errorf("run controller %q: a cache that it needs is gone: %w", c.name, cache.Err())
				cancel()
			})
		})
	}
	return ctx, func() error {
		cancel()
		watches.Wait()
		return fault
	}
}
