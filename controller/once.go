package controller

import (
	"context"
	"fmt"
	"time"
)

// Once calls the Reconcile for one key and returns how it ended. It is for tests, and for a program
// that does one thing and ends. Before the call it waits until each cache of the controller contains
// what the server has now, so that the Reconcile sees what was written before. A panic is an error of
// the Outcome, as in a controller that runs.
//
// The informers have to run: Factory.Start starts them. Nothing else of the controller does: there are
// no workers, no queue and no retries, the key is not held for its writes, and observers are not
// called. So Next and NextAt of the Outcome are empty.
//
// Once may be called again. It returns an error without a call
//   - if New was given a mistake, or key is not of the type of the controller's keys;
//   - if the controller has been run: its workers would reconcile the same key at the same time;
//   - if a cache is not in sync within the SyncTimeout, or cannot be brought to what the server has
//     before ctx ends.
func (c *Controller) Once(ctx context.Context, key any) (Outcome, error) {
	if _, err := c.check(); err != nil {
		return Outcome{}, err
	}
	if c.ran.Load() {
		return Outcome{}, fmt.Errorf("reconcile once: controller %q was run", c.name)
	}
	if err := c.loop.takes(key); err != nil {
		return Outcome{}, fmt.Errorf("reconcile once: controller %q: %w", c.name, err)
	}
	if err := c.waitForSync(ctx); err != nil {
		return Outcome{}, err
	}
	for _, cache := range c.caches() {
		if err := cache.WaitForNow(ctx); err != nil {
			return Outcome{}, fmt.Errorf("reconcile once: controller %q: %w", c.name, err)
		}
	}
	return c.loop.once(ctx, key), nil
}

// takes returns an error if key is not of the type of the loop's keys.
func (l *loop[K]) takes(key any) error {
	if _, ok := key.(K); !ok {
		return fmt.Errorf("its keys are of type %s, and %v is a %T", typeOf[K](), key, key)
	}
	return nil
}

// once calls the Reconcile for key, which is a K.
func (l *loop[K]) once(ctx context.Context, key any) (o Outcome) {
	began := time.Now()
	l.call(withLogger(ctx, l.log.With("key", text(key.(K)))), key.(K), &o)
	o.Duration = time.Since(began)
	return o
}
