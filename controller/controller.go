package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/workqueue"
)

// Reconcile brings the object of key into the state that it should have, whatever
// state it finds. It is told a key and not an event: several events may have led
// to one call, and a call may come without any.
//
// It runs in several goroutines, for different keys: never twice at once for one.
// An error has the key tried again later (see MaxRetries and Terminal), and so
// has a panic; Result is not looked at then.
//
// ctx lives on when the controller is told to stop, so that nothing is left half
// done; it ends if that takes longer than the DrainTimeout. What is written under
// it through package client is noted, so that the key is not reconciled again
// before the caches show it.
type Reconcile func(ctx context.Context, key Key) (Result, error)

// Controller runs a Reconcile. Make one with New.
type Controller struct {
	name      string
	factory   *informer.Factory
	reconcile Reconcile
	sources   []source
	primary   kind.Info // what it is For
	errs      []error   // why it cannot run

	workers      int
	maxRetries   int
	drainTimeout time.Duration
	writeTimeout time.Duration
	limiter      workqueue.RateLimiter[Key]
	queueMetrics workqueue.Metrics
	log          *slog.Logger

	queue *workqueue.Queue[Key]
	holds *holds
	ran   atomic.Bool
	count counters
}

// New makes a controller that reconciles the keys that its sources name: one For,
// and any number of Owns and Watches. It asks the factory for their informers, so
// that a factory started before Run starts those too; it starts nothing itself.
//
// A mistake in the options, such as a type whose kind is not known, is what Run
// returns.
func New(name string, f *informer.Factory, r Reconcile, opts ...Option) *Controller {
	c := &Controller{
		name:         name,
		factory:      f,
		reconcile:    r,
		workers:      DefaultWorkers,
		maxRetries:   -1,
		drainTimeout: DefaultDrainTimeout,
		writeTimeout: DefaultWriteTimeout,
		limiter:      workqueue.DefaultRateLimiter[Key](),
	}
	for _, opt := range opts {
		opt.apply(c)
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	c.log = c.log.With("controller", name)
	c.queue = workqueue.NewWithRateLimiter(c.limiter, workqueue.WithName(name), workqueue.WithMetrics(c.queueMetrics))
	c.holds = newHolds(c.writeTimeout, c.queue.Add, c.writeUnseen)
	c.openSources()
	return c
}

// openSources resolves the sources and checks that they make a controller.
func (c *Controller) openSources() {
	fors := 0
	for _, s := range c.sources {
		k, err := s.kind()
		if err != nil {
			c.errs = append(c.errs, err)
			continue
		}
		if s.primary() {
			c.primary = k
			fors++
		}
	}
	if fors != 1 {
		c.errs = append(c.errs, fmt.Errorf("it has %d sources made by For, and needs exactly one", fors))
	}
	if c.workers < 1 {
		c.errs = append(c.errs, fmt.Errorf("it has %d workers, and needs one at least", c.workers))
	}
	if len(c.errs) > 0 {
		return
	}
	for _, s := range c.sources {
		s.open(c)
	}
}

// Run starts the factory's informers, waits until the caches are in sync, and
// reconciles until ctx ends. Then it takes no more keys, lets the reconciles that
// are under way finish, and returns nil. Keys that wait are dropped: whoever runs
// next reconciles everything that there is.
//
// If reconciles take longer than the DrainTimeout to finish their contexts are
// cancelled; Run waits for them all the same, and returns an error that says so.
// It returns an error at once if the options were wrong, or on a second call.
//
// All goroutines that Run starts have ended when it returns. Those of the factory
// end with ctx: its Wait waits for them.
func (c *Controller) Run(ctx context.Context) error {
	if len(c.errs) > 0 {
		return fmt.Errorf("controller %q cannot run: %w", c.name, errors.Join(c.errs...))
	}
	if c.ran.Swap(true) {
		return fmt.Errorf("controller %q was run already: make a new one", c.name)
	}
	defer c.queue.ShutDown()
	defer c.holds.stop()
	for _, s := range c.sources {
		defer s.listen()()
	}
	if err := c.factory.Start(ctx); err != nil {
		return fmt.Errorf("controller %q: %w", c.name, err)
	}
	for _, s := range c.sources {
		if err := s.wait(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("controller %q: %w", c.name, err)
		}
	}
	c.log.Info("caches in sync, reconciling", "workers", c.workers)
	return c.work(ctx)
}

// work runs the workers until ctx ends, and drains.
func (c *Controller) work(ctx context.Context) error {
	workCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()

	var workers sync.WaitGroup
	for range c.workers {
		workers.Go(func() {
			for {
				key, err := c.queue.Get(ctx)
				if err != nil {
					return
				}
				c.turn(workCtx, key)
			}
		})
	}

	<-ctx.Done()
	c.log.Info("stopping: reconciles under way finish", "reconciling", c.queue.Stats().Processing)
	cancelled := make(chan int, 1)
	grace := time.AfterFunc(c.drainTimeout, func() {
		cancelled <- c.queue.Stats().Processing
		cancel()
	})
	workers.Wait()
	if grace.Stop() {
		return nil
	}
	return fmt.Errorf("controller %q: %d reconciles took longer than %v to finish after the stop and were cancelled",
		c.name, <-cancelled, c.drainTimeout)
}

// Stats is what a controller has done since New, and what it has to do.
type Stats struct {
	// Queue is the state of its queue.
	Queue workqueue.Stats
	// Held is how many keys wait until the caches show their own writes.
	Held int
	// Succeeded and Failed count reconciles; every one is either.
	Succeeded, Failed uint64
	// GivenUp counts the keys left to their next event or resync, because their
	// retries were used up or their error was Terminal. It counts turns: a key
	// given up twice counts twice.
	GivenUp uint64
}

// Idle reports whether nothing is to be done now: no key is queued, reconciled,
// or held. Keys that wait for a time (RequeueAfter, or a retry) do not count.
func (s Stats) Idle() bool {
	return s.Queue.Depth == 0 && s.Queue.Processing == 0 && s.Held == 0
}

type counters struct{ succeeded, failed, givenUp atomic.Uint64 }

// Stats returns the controller's figures. It takes constant time.
func (c *Controller) Stats() Stats {
	return Stats{
		Queue:     c.queue.Stats(),
		Held:      c.holds.len(),
		Succeeded: c.count.succeeded.Load(),
		Failed:    c.count.failed.Load(),
		GivenUp:   c.count.givenUp.Load(),
	}
}
