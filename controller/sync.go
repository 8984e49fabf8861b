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
)

const (
	// syncTick is the resolution of the SyncTimeout, unless that is short.
	syncTick = time.Second
	// syncLogAfter is when the log says for the first time what Run waits for, and syncLogEvery how
	// often after that.
	syncLogAfter = 10 * time.Second
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
	last, toLog := time.Now(), time.Now().Add(syncLogAfter)
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
			if last = now; !now.Before(toLog) {
				toLog = now.Add(syncLogEvery)
				logWaits(c.log, waits)
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
	open     time.Duration // for how long the request that runs has had no answer
	reached  bool          // the last attempt had an answer
	seen     signs         // at the last look
}

// signs are what an informer's status shows of the server.
type signs struct {
	answer, failure time.Time
	objects         int // that have come
}

// look adds elapsed to answered if the server answers. The pause after an answer counts. The time
// of a request counts when an answer to it has come.
func (w *syncWait) look(elapsed time.Duration) {
	status := w.cache.Status()
	now, before := signs{status.AnsweredAt, status.LastErrorAt, status.Objects}, w.seen
	w.seen = now
	switch {
	case status.State == informer.StateIdle: // nobody runs the informer, and no server is to blame
		w.answered, w.reached = w.answered+elapsed, true
	case !now.answer.Equal(before.answer), now.objects != before.objects:
		w.answered, w.open, w.reached = w.answered+w.open+elapsed, 0, true
	case !now.failure.Equal(before.failure):
		w.open, w.reached = 0, false
	case status.State != informer.StateWaiting:
		w.open += elapsed
	case w.reached:
		w.answered += elapsed
	}
}

// late returns the error of a cache that is not in sync in time.
func (w *syncWait) late(timeout time.Duration) error {
	status := w.cache.Status()
	switch {
	case status.State == informer.StateIdle:
		return fmt.Errorf("informer %s: not in sync within %v: its factory does not run: call the factory's Start or Run", w.cache, timeout)
	case status.LastError == nil:
		return fmt.Errorf("informer %s: not in sync within %v", w.cache, timeout)
	}
	return fmt.Errorf("informer %s: not in sync within %v; its last error: %w%s",
		w.cache, timeout, w.lastError(status), w.hint(status.LastError))
}

// lastError returns the informer's last error without the informer's name, which what is said
// before it contains; nil if there was none.
func (w *syncWait) lastError(status informer.Status) error {
	if status.LastError == nil {
		return nil
	}
	return &nameless{status.LastError, "informer " + w.cache.String() + ": "}
}

// nameless is an error whose text does not begin with name.
type nameless struct {
	error
	name string
}

func (e *nameless) Error() string { return strings.TrimPrefix(e.error.Error(), e.name) }
func (e *nameless) Unwrap() error { return e.error }

// hint returns what a 404 may mean. Of a built-in kind the server's message says enough.
func (w *syncWait) hint(err error) string {
	k := w.cache.Kind()
	if !apierrors.IsNotFound(err) || k.Protobuf || !strings.Contains(k.Group, ".") {
		return ""
	}
	return fmt.Sprintf("; is the CustomResourceDefinition %s installed, with version %s?", k.GVR().GroupResource(), k.Version)
}

// logWaits logs which caches the controller waits for: a line for those whose server cannot be
// reached, and one for each of the others.
func logWaits(log *slog.Logger, waits []*syncWait) {
	var away []string
	var why error // of the first of them that has an error
	for _, w := range waits {
		err := w.lastError(w.cache.Status())
		if w.reached {
			log.Warn("waiting for the initial list of an informer", "informer", w.cache.String(), "error", err)
			continue
		}
		away = append(away, w.cache.String())
		if why == nil {
			why = err
		}
	}
	if len(away) > 0 {
		log.Warn("waiting for the API server, which cannot be reached",
			"informer", strings.Join(away, ", "), "error", why)
	}
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
