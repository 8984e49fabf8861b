package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// The bound of ReconcileTimeout: a reconcile that takes longer is cancelled and tried again, and its
// error says why.
func TestTheBoundOfReconcileTimeout(t *testing.T) {
	const timeout = time.Minute
	for _, tt := range []struct {
		option, takes time.Duration
		over          bool
	}{
		{timeout, timeout - 1, false}, {timeout, timeout + 1, true}, {timeout, time.Hour, true},
		{0, 24 * time.Hour, false}, {-1, 24 * time.Hour, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var cause error
			calls := 0
			c, log, stop := queueOnly(func(ctx context.Context, _ Key) (Result, error) {
				if calls++; calls > 1 {
					return Result{}, nil
				}
				select {
				case <-time.After(tt.takes):
					return Result{}, nil
				case <-ctx.Done():
					cause = context.Cause(ctx)
					return Result{}, fmt.Errorf("get the weather: %w", ctx.Err())
				}
			}, ReconcileTimeout(tt.option))
			var outcomes []Outcome
			c.Observe(Observer{Reconcile: func(ctx context.Context, _ any) (context.Context, func(Outcome)) {
				return ctx, func(o Outcome) { outcomes = append(outcomes, o) }
			}})
			c.queue.Add(keyA)
			time.Sleep(25 * time.Hour)
			stop()
			timedOut := uint64(0)
			if tt.over {
				timedOut = 1
			}
			if n := c.Stats().Timeouts; n != timedOut {
				t.Errorf("%v of %v: %d timeouts are counted, want %d", tt.takes, tt.option, n, timedOut)
			}
			if !tt.over {
				if calls != 1 || outcomes[0].Err != nil || outcomes[0].Duration != tt.takes {
					t.Errorf("%v of %v: %d calls, %+v", tt.takes, tt.option, calls, outcomes)
				}
				return
			}
			err := outcomes[0].Err
			var timeouts, causes *TimeoutError
			if calls != 2 || outcomes[0].Duration != timeout || outcomes[0].Next != NextRetry ||
				!errors.As(err, &timeouts) || timeouts.After != timeout || !errors.Is(err, context.DeadlineExceeded) ||
				err.Error() != "reconcile took longer than 1m0s: get the weather: context deadline exceeded" {
				t.Errorf("%v of %v: %d calls, %+v", tt.takes, tt.option, calls, outcomes)
			}
			if !errors.As(cause, &causes) || cause.Error() != "reconcile took longer than 1m0s" || !errors.Is(cause, context.DeadlineExceeded) {
				t.Errorf("the cause is %v", cause)
			}
			if log.count("reconcile took longer than 1m0s: get the weather") != 1 {
				t.Errorf("log:\n%s", &log.buf)
			}
		})
	}
}

// A reconcile that ends well after its time has succeeded, and another error is as it is.
func TestATimeoutIsOfErrorsOnly(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := timedOut(ctx, errTest); err != errTest {
		t.Errorf("in time: %v", err)
	}
	cancel(errTest)
	if err := timedOut(ctx, errTest); err != errTest {
		t.Errorf("cancelled for another reason: %v", err)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	cancel(&TimeoutError{After: time.Second})
	if err := timedOut(ctx, nil); err != nil {
		t.Errorf("a success: %v", err)
	}
	if err := timedOut(ctx, Terminal(errTest)); !IsTerminal(err) || !errors.Is(err, errTest) {
		t.Errorf("a terminal error: %v", err)
	}
}

// The bound of MinInterval, for an event, a retry and a RequeueAfter alike.
func TestTheBoundOfMinInterval(t *testing.T) {
	const interval = time.Minute
	for _, tt := range []struct {
		option time.Duration
		event  time.Duration // after the end of the first reconcile
		second time.Duration // when the second one begins, likewise
	}{
		{interval, 0, interval}, {interval, interval - 1, interval}, {interval, interval, interval},
		{interval, interval + 1, interval + 1}, {0, 0, 0}, {-1, 1, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			begins := map[Key][]time.Time{}
			c, _, stop := queueOnly(func(_ context.Context, key Key) (Result, error) {
				begins[key] = append(begins[key], time.Now())
				time.Sleep(time.Second)
				return Result{}, nil
			}, MinInterval(tt.option))
			c.queue.Add(keyA)
			time.Sleep(time.Second + tt.event)
			synctest.Wait()
			c.queue.Add(keyB) // another key waits for nothing but the worker
			c.queue.Add(keyA)
			time.Sleep(time.Hour)
			stop()
			a, b := begins[keyA], begins[keyB]
			if len(a) != 2 || len(b) != 1 {
				t.Fatalf("%v", begins)
			}
			end := a[0].Add(time.Second)
			// keyB keeps the worker for a second.
			if got, want := a[1].Sub(end), max(tt.second, tt.event+time.Second); got != want || b[0].Sub(end) != tt.event {
				t.Errorf("interval %v, event after %v: the second reconcile came after %v, want %v; of another key after %v",
					tt.option, tt.event, got, want, b[0].Sub(end))
			}
		})
	}
}

func TestMinIntervalHoldsForRetriesAndRequeueAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		c, _, stop := queueOnly(func(context.Context, Key) (Result, error) {
			at = append(at, time.Since(start))
			switch len(at) {
			case 1:
				return Result{}, errTest
			case 2:
				return Result{RequeueAfter: time.Second}, nil
			case 3:
				return Result{RequeueAfter: time.Hour}, nil
			}
			return Result{}, nil
		}, MinInterval(time.Minute))
		c.queue.Add(keyA)
		time.Sleep(2 * time.Hour)
		stop()
		want := []time.Duration{0, time.Minute, 2 * time.Minute, time.Hour + 2*time.Minute}
		if fmt.Sprint(at) != fmt.Sprint(want) {
			t.Errorf("reconciled at %v, want %v", at, want)
		}
	})
}

// What is kept for MinInterval is bounded by the keys of one interval.
func TestMinIntervalForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recent[int]{interval: time.Minute}
		for i := range 1000 {
			r.end(i)
			r.end(0)
			time.Sleep(time.Second)
		}
		if len(r.ended) != 61 || len(r.order) != 120 {
			t.Errorf("%d keys and %d ends are kept", len(r.ended), len(r.order))
		}
		if left := r.left(0); left != 59*time.Second {
			t.Errorf("the key that ended a second ago waits for %v", left)
		}
		if left := r.left(1); left > 0 {
			t.Errorf("a key that ended long ago waits for %v", left)
		}
		var off recent[int]
		off.end(1)
		if off.left(1) != 0 || off.ended != nil {
			t.Error("without an interval something is kept")
		}
	})
}

func TestPauseLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		var r record
		slow := make(chan struct{})
		c := New("test", func(ctx context.Context, key Key) (Result, error) {
			if key.Name == "slow" {
				<-slow
			}
			return r.reconcile(ctx, key)
		}, s.logger(), For(s.configMaps()), Workers(2))
		c.Pause() // before Run
		c.Pause() // and again
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Minute)
		if got := r.taken(); got != "" || !c.Stats().Paused || c.Stats().Queue.Depth != 1 {
			t.Errorf("paused: %q, %+v", got, c.Stats())
		}
		c.Resume()
		time.Sleep(time.Second)
		if got := r.taken(); got != "n/a" || c.Stats().Paused {
			t.Errorf("resumed: %q, %+v", got, c.Stats())
		}
		s.server.watch("configmaps").event("ADDED", configMap("n", "slow", 11))
		time.Sleep(time.Second)
		c.Pause()
		for version := range 5 {
			s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 12+version))
		}
		s.server.watch("configmaps").event("ADDED", configMap("n", "b", 20))
		close(slow) // a reconcile that runs goes on
		time.Sleep(time.Minute)
		if got := r.taken(); got != "n/slow" {
			t.Errorf("during the second pause %q was reconciled, want what ran", got)
		}
		c.Resume()
		c.Resume()
		time.Sleep(time.Second)
		if got := r.taken(); got != "n/a n/b" {
			t.Errorf("after it %q", got)
		}
		if n := s.log.count("paused: no key"); n != 2 {
			t.Errorf("%d lines tell of two pauses:\n%s", n, &s.log.buf)
		}
		c.Pause()
		s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 30))
		time.Sleep(time.Second)
		if err := stop(); err != nil { // a paused controller stops
			t.Error(err)
		}
		if got := r.taken(); got != "" {
			t.Errorf("after the stop %q", got)
		}
	})
}
