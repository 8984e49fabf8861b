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
	"github.com/skiff-k8s/skiff/informer"
)

// turn does what a worker does with one key from the queue, up to and including Done.
func (c *Controller) turn(ctx context.Context, key Key) {
	defer c.queue.Done(key)
	if c.holds.want(key) {
		if c.observed() {
			c.held(key)
		}
		return
	}
	c.count.active.Add(1)
	defer c.count.active.Add(-1)
	log := c.log.With("key", key.String())
	within := withLogger(ctx, log)
	var end func(Outcome)
	if c.observed() {
		within, end = c.reconciling(within, key)
	}
	var o Outcome
	began := time.Now()
	o.Result, o.Writes, o.Err = c.call(within, key)
	o.Duration = time.Since(began)
	// Before Done: after it another worker may get the key.
	c.holds.hold(key, c.demands(o.Writes))
	if o.Err != nil {
		c.failed(ctx, log, key, &o)
	} else {
		c.succeeded(key, &o)
	}
	if end != nil {
		o.NextAt, _ = c.nextAt(key, o.Next)
		end(o)
	}
}

// succeeded forgets the failures of key, and queues it again if it asked for that.
func (c *Controller) succeeded(key Key, o *Outcome) {
	c.count.succeeded.Add(1)
	o.Next = NextEvent
	if c.observed() {
		o.Retries = c.numRequeues(key)
	}
	c.forget(key)
	if o.Result.RequeueAfter > 0 {
		o.Next = NextRequeue
		c.count.requeued.Add(1)
		c.queue.AddAfter(key, o.Result.RequeueAfter)
	}
}

// nextAt returns when key is queued again.
func (c *Controller) nextAt(key Key, next Next) (at time.Time, ok bool) {
	if next != NextRequeue && next != NextRetry {
		return at, false
	}
	return c.queue.NextAt(key)
}

// failed decides whether key is tried again.
func (c *Controller) failed(ctx context.Context, log *slog.Logger, key Key, o *Outcome) {
	c.count.failed.Add(1)
	err := o.Err
	var panicked *PanicError
	if errors.As(err, &panicked) {
		c.count.panics.Add(1)
		if c.panics.first(panicked.place) {
			log = log.With("stack", string(panicked.Stack))
		}
	}
	terminal := IsTerminal(err)
	if terminal {
		c.count.terminal.Add(1)
	}
	o.Retries = c.numRequeues(key)
	o.Next = NextRetry
	switch {
	case ctx.Err() != nil:
		// The DrainTimeout is over. After the next start every key is reconciled.
		log.Warn("reconcile cancelled by the stop", "error", err)
		o.Next = NextStopped
		c.forget(key)
	case terminal:
		o.Next = NextGivenUp
		c.giveUp(log, key, "trying again would not help", o.Retries, err)
	case o.Retries >= c.maxRetries && c.cutOff():
		// The key may not be to blame, and when the server is back no event will come for it.
		log.Warn("reconcile failed while the API server cannot be watched, trying again until it can",
			"after", cutOffDelay, "error", err)
		c.count.retried.Add(1)
		c.queue.AddAfter(key, cutOffDelay)
	case o.Retries >= c.maxRetries:
		o.Next = NextGivenUp
		c.giveUp(log, key, "retries used up", o.Retries, err)
	default:
		level := slog.LevelWarn
		if apierrors.IsConflict(err) {
			level = slog.LevelInfo // another client wrote first, which is normal
		}
		log.Log(ctx, level, "reconcile failed, trying again", "retry", o.Retries+1, "error", err)
		c.count.retried.Add(1)
		c.addRateLimited(key)
	}
}

// cutOffDelay is the pause between the tries of a key whose retries are used up during an outage.
// It is short, so that the key is reconciled soon after the outage.
const cutOffDelay = 5 * time.Second

// cutOff reports whether one of the controller's informers cannot reach the API server.
func (c *Controller) cutOff() bool {
	return slices.ContainsFunc(c.sources, source.cutOff) || slices.ContainsFunc(c.reads, cutOff)
}

// cutOff reports whether an informer has lost the API server and has not reached it since.
func cutOff(cache informer.Untyped) bool { return cache.Status().Failures > 0 }

func (c *Controller) giveUp(log *slog.Logger, key Key, why string, retries int, err error) {
	c.count.givenUp.Add(1)
	c.forget(key)
	log.Error("reconcile failed, waiting for the next event or resync", "why", why, "retries", retries, "error", err)
}

// call calls the Reconcile and collects what it wrote. It returns a panic as a *PanicError.
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
			err = &PanicError{Value: v, Stack: debug.Stack(), place: place(0)}
		}
		mu.Lock()
		defer mu.Unlock()
		writes = slices.Clone(seen) // a goroutine that the Reconcile left behind may write on
	}()
	result, err = c.reconcile(ctx, key)
	return
}

// demands returns what the caches must show before the key of these writes is reconciled again.
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

// holdEnded reports that a hold of key has ended.
func (c *Controller) holdEnded(key Key, h Hold) {
	if !h.Seen {
		c.count.holdsExpired.Add(1)
	}
	if c.observed() {
		c.released(key, h)
	}
}

// writeUnseen logs that a hold ended by the WriteTimeout.
func (c *Controller) writeUnseen(key Key, after time.Duration) {
	c.log.Warn("the caches have not seen this key's own write, reconciling it on what may be old data",
		"key", key.String(), "waited", after)
}
