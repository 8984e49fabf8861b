package controller

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// 0 means the default, in every option that takes a number.
func TestZeroMeansTheDefault(t *testing.T) {
	for name, c := range map[string]*Controller{
		"without options": New("test", noop),
		"with zeros": New("test", noop, Workers(0), MaxRetries(0), SyncTimeout(0), DrainTimeout(0), WriteTimeout(0),
			RateLimiter[Key](nil), Logger(nil)),
	} {
		if c.workers != 1 || c.maxRetries != math.MaxInt || c.syncTimeout != 2*time.Minute ||
			c.drainTimeout != 30*time.Second || c.writeTimeout != 10*time.Second || loopOf(c).limiter == nil || c.log == nil {
			t.Errorf("%s: %d workers, %d retries, timeouts %v, %v and %v, limiter %v, log %v", name,
				c.workers, c.maxRetries, c.syncTimeout, c.drainTimeout, c.writeTimeout, loopOf(c).limiter, c.log)
		}
	}
}

func TestNegativeDrainTimeoutNeverCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var finished bool
		c, _, stop := queueOnly(func(ctx context.Context, _ Key) (Result, error) {
			select {
			case <-ctx.Done():
			case <-time.After(24 * time.Hour):
				finished = true
			}
			return Result{}, nil
		}, DrainTimeout(-1))
		c.queue.Add(keyA)
		synctest.Wait()
		if err := stop(); err != nil || !finished {
			t.Errorf("finished: %v; %v", finished, err)
		}
	})
}

func TestNegativeWriteTimeoutNeverExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHeldCase(-1)
		defer c.stop()
		v := c.newView()
		c.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		c.want(keyA, false)
		time.Sleep(1000 * time.Hour)
		synctest.Wait()
		c.check(t, "after a long time", 1, nil, nil)
		v.contains(7)
		c.check(t, "seen", 0, []Key{keyA}, nil)
	})
}
