package informer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/store"
)

// handle is one use of a shared informer: what one call of For returns, without its Go type. It can
// be closed, while the shared informer goes on for its other users.
type handle struct {
	*shared
	factory *Factory
	resync  time.Duration // of the handlers added through it
	closed  atomic.Bool

	once sync.Once       // makes what follows, for those who ask for it
	life context.Context // ends with the shared informer's, and when this handle is closed
	die  context.CancelCauseFunc
}

// alive returns the handle's life. It is made when it is first asked for, so that a handle that is
// neither asked nor closed leaves nothing behind.
func (h *handle) alive() context.Context {
	h.once.Do(func() { h.life, h.die = context.WithCancelCause(h.shared.life) })
	return h.life
}

func (h *handle) close() {
	if h.closed.Swap(true) {
		return
	}
	h.alive()
	h.die(h.err())
	h.removeAll(h)
	h.factory.close(h.shared)
}

// err returns why the handle cannot be used: it was closed, or the shared informer's Err.
func (h *handle) err() error {
	if h.closed.Load() {
		return &StoppedError{Informer: h.String(), Cause: errClosed}
	}
	return h.shared.Err()
}

// read returns the cache for a reader of a namespace; "" is all that the informer has. The error is
// why it cannot be read.
func (h *handle) read(namespace string) (*store.Store, error) {
	if h.closed.Load() {
		return nil, h.err()
	}
	return h.shared.read(namespace)
}

// onProgress calls f for the progress of some streams, until the handle is closed.
func (h *handle) onProgress(of feeds, f func(string)) (stop func()) {
	return of.onProgress(func(version string) {
		if !h.closed.Load() {
			f(version)
		}
	})
}

// wait calls one of the shared informer's waits, which ends when the handle is closed, too.
func (h *handle) wait(ctx context.Context, wait func(context.Context) error) error {
	if h.closed.Load() {
		return h.err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.alive(), func() { cancel(h.err()) })()
	if err := wait(ctx); err != nil {
		if h.closed.Load() {
			return h.err()
		}
		return err
	}
	return nil
}
