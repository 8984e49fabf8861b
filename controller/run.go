package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/informer"
)

// Run runs the factory and the controllers until ctx ends or one of them fails, and returns when
// all of them have ended.
//
// When ctx ends the controllers take no more keys and finish the reconciles that are running, while
// the caches go on. Then the factory ends, and Run returns nil, unless reconciles took longer than
// their DrainTimeout.
//
// If a controller or the factory ends with an error, the others are stopped in the same way, and
// Run returns the errors, the first one first. A mistake in a controller is returned before
// anything is started. Run does not run the informers of other factories.
func Run(ctx context.Context, f *informer.Factory, controllers ...*Controller) error {
	if err := checkAll(f, controllers); err != nil {
		return err
	}
	work, stopWork := context.WithCancel(ctx)
	defer stopWork()
	caches, stopCaches := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCaches()
	var failures failures

	factoryEnded := make(chan struct{})
	go func() {
		defer close(factoryEnded)
		defer stopWork()
		err := f.Run(caches)
		if err == nil && caches.Err() == nil {
			err = errors.New("run controllers: the factory ended")
		}
		failures.add(err)
	}()
	var running sync.WaitGroup
	for _, c := range controllers {
		running.Go(func() {
			if err := c.Run(work); err != nil {
				failures.add(err)
				stopWork()
			}
		})
	}
	<-work.Done()
	running.Wait()
	stopCaches()
	<-factoryEnded
	return failures.join()
}

func checkAll(f *informer.Factory, controllers []*Controller) error {
	var mistakes []error
	if f == nil {
		mistakes = append(mistakes, errors.New("run controllers: the factory is nil"))
	}
	for _, c := range controllers {
		if c == nil {
			mistakes = append(mistakes, errors.New("run controllers: a controller is nil"))
		} else if _, err := c.check(); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return errors.Join(mistakes...)
}

// failures collects errors in the order in which they come.
type failures struct {
	mu   sync.Mutex
	errs []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *failures) join() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.errs...)
}

// Run waits until the controller's caches are in sync, and reconciles until ctx ends. Then it takes
// no more keys, lets the reconciles that are running finish, and returns nil. The keys that wait
// are dropped: after the next start every object is reconciled.
//
// Run starts no informers. Factory.Run or Factory.Start does, before or after; the function [Run]
// does both.
//
// Run returns an error
//   - at once, if New was given a mistake, or on a second call;
//   - if an informer of its sources or of Reads is not in sync within the SyncTimeout;
//   - if a function of Feed returns one, after the reconciles that are running have finished;
//   - if one of these informers stops while ctx goes on, after the reconciles that are running have
//     finished;
//   - if reconciles take longer than the DrainTimeout to finish. Their contexts are cancelled then,
//     and Run still waits until they return.
//
// All goroutines that Run started have ended when it returns, and none of the functions that the
// controller was given is running.
func (c *Controller) Run(ctx context.Context) error {
	primary, err := c.check()
	if err != nil {
		return err
	}
	if c.ran.Swap(true) {
		return fmt.Errorf("run controller %q: it was run before: make a new one", c.name)
	}
	defer c.all.end()
	defer c.loop.shutDown()
	defer c.holds.stop()
	if err := c.waitForSync(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	for _, s := range c.sources {
		defer s.listen(primary)()
	}
	c.log.Info("caches in sync, reconciling", "workers", c.workers)
	ctx, stopped := c.watchCaches(ctx)
	ctx, fed := c.feed(ctx)
	err = c.work(ctx)
	return errors.Join(stopped(), fed(), err)
}

// aborts reports whether after this cause of the end of Run's context nothing may go on.
func aborts(cause error) bool {
	var a interface{ Aborts() bool }
	return errors.As(cause, &a) && a.Aborts()
}

// drain returns how long the reconciles that are running may go on after this cause of the end of
// Run's context: the DrainTimeout, or less if the cause has less time.
func (c *Controller) drain(cause error) time.Duration {
	var d interface{ DrainTimeout() time.Duration }
	if c.drainTimeout < 0 || !errors.As(cause, &d) || d.DrainTimeout() < 0 {
		return c.drainTimeout
	}
	return min(c.drainTimeout, d.DrainTimeout())
}

// work runs the workers until ctx ends, and then until the reconciles that are running have
// finished.
func (c *Controller) work(ctx context.Context) error {
	workCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()

	var workers sync.WaitGroup
	var worker func()
	worker = func() {
		stopped := false
		defer func() {
			if !stopped { // a Reconcile has ended the goroutine
				workers.Go(worker)
			}
		}()
		stopped = c.loop.workOne(ctx, workCtx)
	}
	for range c.workers {
		workers.Go(worker)
	}

	<-ctx.Done()
	cause := context.Cause(ctx)
	if aborts(cause) {
		c.log.Warn("stopping: the reconciles that are running are cancelled", "running",
			c.loop.stats().Processing, "error", cause)
		cancel()
		workers.Wait()
		return fmt.Errorf("stop controller %q: its reconciles were cancelled: %w", c.name, cause)
	}
	drain := c.drain(cause)
	c.log.Info("stopping: waiting for the reconciles that are running", "running", c.loop.stats().Processing,
		"atMost", drain)
	if drain < 0 {
		workers.Wait()
		return nil
	}
	cancelled := make(chan int, 1)
	grace := time.AfterFunc(drain, func() {
		cancelled <- c.loop.stats().Processing
		cancel()
	})
	workers.Wait()
	if grace.Stop() {
		return nil
	}
	return fmt.Errorf("stop controller %q: %d reconciles took longer than %v and were cancelled",
		c.name, <-cancelled, drain)
}
