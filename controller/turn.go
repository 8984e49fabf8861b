package controller

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/client"
)

// turn is a worker's way with one key from the queue, up to and with its Done.
func (c *Controller) turn(ctx context.Context, key Key) {
	defer c.queue.Done(key)
	if c.holds.want(key) {
		return
	}
	log := c.log.With("key", key.String())
	result, writes, err := c.call(withLogger(ctx, log), key)
	// Before Done: from there on another worker may get the key.
	c.holds.hold(key, c.demands(writes))
	if err != nil {
		c.failed(ctx, log, key, err)
		return
	}
	c.count.succeeded.Add(1)
	c.queue.Forget(key)
	if result.RequeueAfter > 0 {
		c.queue.AddAfter(key, result.RequeueAfter)
	}
}

// failed decides whether key is tried again.
func (c *Controller) failed(ctx context.Context, log *slog.Logger, key Key, err error) {
	c.count.failed.Add(1)
	var panicked *PanicError
	if errors.As(err, &panicked) {
		log = log.With("stack", string(panicked.Stack))
	}
	retries := c.queue.NumRequeues(key)
	switch {
	case ctx.Err() != nil:
		// Cancelled while draining. Whoever runs next meets the key again.
		log.Warn("reconcile cancelled by the stop", "error", err)
		c.queue.Forget(key)
	case IsTerminal(err):
		c.giveUp(log, key, "trying again would not help", retries, err)
	case c.maxRetries >= 0 && retries >= c.maxRetries && c.cutOff():
		// The key is not to blame, and no event will come for it when this is over.
		log.Warn("reconcile failed, and the API server cannot be watched either; trying again until it can",
			"after", cutOffDelay, "error", err)
		c.queue.AddAfter(key, cutOffDelay)
	case c.maxRetries >= 0 && retries >= c.maxRetries:
		c.giveUp(log, key, "retries used up", retries, err)
	default:
		level := slog.LevelWarn
		if apierrors.IsConflict(err) {
			level = slog.LevelInfo // somebody else wrote first: the ordinary way of things
		}
		log.Log(ctx, level, "reconcile failed, trying again", "retry", retries+1, "error", err)
		c.queue.AddRateLimited(key)
	}
}

// cutOffDelay is how far apart a key's attempts are that is tried again only because
// the API server is gone: an outage is to be over for a key soon after it is over.
const cutOffDelay = 5 * time.Second

// cutOff reports whether one of the controller's informers has lost the API server.
func (c *Controller) cutOff() bool {
	return slices.ContainsFunc(c.sources, source.cutOff)
}

func (c *Controller) giveUp(log *slog.Logger, key Key, why string, retries int, err error) {
	c.count.givenUp.Add(1)
	c.queue.Forget(key)
	log.Error("reconcile failed, waiting for the next event or resync", "why", why, "retries", retries, "error", err)
}

// call runs the Reconcile and collects what it wrote. A panic is an error.
func (c *Controller) call(ctx context.Context, key Key) (result Result, writes []client.Write, err error) {
	var (
		mu   sync.Mutex // a Reconcile may write from goroutines of its own
		seen []client.Write
	)
	ctx = client.WithWriteObserver(ctx, func(w client.Write) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, w)
	})
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		mu.Lock()
		defer mu.Unlock()
		writes = slices.Clone(seen) // a goroutine that was left behind may go on
	}()
	result, err = c.reconcile(ctx, key)
	return
}

// demands is what the caches have to show of writes before the next turn.
func (c *Controller) demands(writes []client.Write) []demand {
	var demands []demand
	for _, w := range writes {
		for _, s := range c.sources {
			if d, ok := s.demand(w); ok {
				demands = append(demands, d)
			}
		}
	}
	return demands
}

// writeUnseen is told of a key that was held for the whole of the write timeout.
func (c *Controller) writeUnseen(key Key, after time.Duration) {
	c.log.Warn("the caches have not shown what was written for this key; going on without, with what may be old data",
		"key", key.String(), "waited", after)
}
