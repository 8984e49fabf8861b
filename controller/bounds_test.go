package controller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The bound of WriteTimeout: a hold that lasts that long is over, and a shorter one is not.
func TestTheBoundOfWriteTimeout(t *testing.T) {
	const timeout = time.Minute
	for _, tt := range []struct {
		after time.Duration
		held  int
	}{{timeout - 1, 1}, {timeout, 0}, {timeout + 1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			c := newHeldCase(timeout)
			c.hold(keyA, []demand{{view: c.newView(), version: 7, met: unmet}})
			time.Sleep(tt.after)
			synctest.Wait()
			if n := c.len(); n != tt.held {
				t.Errorf("after %v: %d keys held, want %d", tt.after, n, tt.held)
			}
			c.stop()
		})
	}
}

// The bound of DrainTimeout: a reconcile that takes longer is cancelled, one that does not is let
// finish.
func TestTheBoundOfDrainTimeout(t *testing.T) {
	const timeout = time.Minute
	for _, tt := range []struct {
		takes     time.Duration
		cancelled bool
	}{{timeout - 1, false}, {timeout + 1, true}, {time.Hour, true}} {
		synctest.Test(t, func(t *testing.T) {
			var cancelled bool
			c, _, stop := queueOnly(func(ctx context.Context, _ Key) (Result, error) {
				select {
				case <-time.After(tt.takes):
				case <-ctx.Done():
					cancelled = true
				}
				return Result{}, nil
			}, DrainTimeout(timeout))
			c.queue.Add(keyA)
			synctest.Wait()
			begin := time.Now()
			err := stop()
			if cancelled != tt.cancelled || (err != nil) != tt.cancelled {
				t.Errorf("a reconcile of %v: cancelled %v, error %v", tt.takes, cancelled, err)
			}
			if took := time.Since(begin); took != min(tt.takes, timeout) {
				t.Errorf("the stop of a reconcile of %v took %v", tt.takes, took)
			}
		})
	}
}
