package controller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// The reconciles that succeeded and did not ask for RequeueAfter are a counter: it never goes down,
// whenever it is read.
func TestSuccessesNeverGoDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		var c *Controller
		reads, last := 0, uint64(0)
		read := func() {
			reads++
			s := c.Stats()
			if s.Succeeded < s.Requeued || s.Succeeded-s.Requeued < last {
				t.Errorf("read %d: %d succeeded and %d of them are requeued; there were %d that were not",
					reads, s.Succeeded, s.Requeued, last)
			}
			last = s.Succeeded - s.Requeued
		}
		calls := 0
		reconcile := func(context.Context, Key) (Result, error) {
			read()
			if calls++; calls%3 == 0 {
				return Result{}, nil
			}
			return Result{RequeueAfter: time.Second}, nil
		}
		// The limiter is called while a success is counted.
		c = New("test", reconcile, s.logger(), For(s.configMaps()),
			RateLimiter(callbacks{workqueue.Exponential[Key](time.Second, time.Minute), func(string) { read() }}))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		for version := range 4 {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			read()
			s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 10+version))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		read()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if s := c.Stats(); s.Requeued < 4 || s.Succeeded-s.Requeued < 2 || int(s.Succeeded) != calls || reads < calls {
			t.Errorf("after %d calls and %d reads: %+v", calls, reads, s)
		}
	})
}
