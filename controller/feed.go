package controller

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// feed is a source of keys that is no informer.
type feed interface {
	check(*Controller) error
	run(context.Context, *Controller) error
}

type feeder[K comparable] struct {
	role string
	f    func(ctx context.Context, name func(K)) error
}

// Channel makes the controller reconcile the keys that come from ch, until ch is closed. Keys are
// taken from ch while the controller runs and its caches are in sync. They are of high priority. K is
// Key, or that of NewKeyed.
func Channel[K comparable](ch <-chan K) Option {
	f := func(ctx context.Context, name func(K)) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case key, ok := <-ch:
				if !ok {
					return nil
				}
				name(key)
			}
		}
	}
	if ch == nil {
		f = nil
	}
	return feedOption("Channel", f)
}

// Feed makes the controller reconcile the keys that f names: those of something outside of the
// cluster, which f polls or listens to. f is called once, when the caches of the controller are in
// sync, in a goroutine of its own. It names keys until ctx ends, and has to return then: Run waits for
// it. name may be called by any goroutine, does not block, and does nothing after Run has ended.
//
// If f returns nil before ctx ends, the controller goes on without it. An error of f, or a panic, ends
// Run with that error, so that no controller goes on blind: f tries again itself what may succeed
// later. K is Key, or that of NewKeyed.
func Feed[K comparable](f func(ctx context.Context, name func(K)) error) Option {
	return feedOption("Feed", f)
}

func feedOption[K comparable](role string, f func(context.Context, func(K)) error) Option {
	return optionFunc(func(c *Controller) { c.feeds = append(c.feeds, &feeder[K]{role, f}) })
}

func (f *feeder[K]) check(c *Controller) error {
	if f.f == nil {
		return fmt.Errorf("%s: it is nil", f.role)
	}
	_, err := loopFor[K](c, f.role)
	return err
}

func (f *feeder[K]) run(ctx context.Context, c *Controller) (err error) {
	l, err := loopFor[K](c, f.role)
	if err != nil {
		return err
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f.f(ctx, func(key K) {
		if c.all.begin() {
			defer c.all.done()
			l.name(key, Cause{Source: f.role})
		}
	})
}

// feed runs the controller's feeds under a context that ends with parent, or before if one of them
// fails. stopped must be called when the context is not needed any more. It waits for the feeds, and
// returns their errors.
func (c *Controller) feed(parent context.Context) (ctx context.Context, stopped func() error) {
	ctx, cancel := context.WithCancel(parent)
	var running sync.WaitGroup
	var faults failures
	for _, f := range c.feeds {
		running.Go(func() {
			err := f.run(ctx, c)
			if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return
			}
			faults.add(fmt.Errorf("run controller %q: a source of keys has failed: %w", c.name, err))
			cancel()
		})
	}
	return ctx, func() error {
		cancel()
		running.Wait()
		return faults.join()
	}
}
