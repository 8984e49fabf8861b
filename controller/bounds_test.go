package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// lostError is as election's is.
type lostError bool

func (lostError) Error() string  { return "leadership lost" }
func (e lostError) Aborts() bool { return bool(e) }

// hurry is the cause of a stop that has so much time.
type hurry time.Duration

func (hurry) Error() string                 { return "in a hurry" }
func (h hurry) DrainTimeout() time.Duration { return time.Duration(h) }

// After the loss of leadership the reconciles that run are cancelled at once: another process works.
// A cause that has less time than the DrainTimeout shortens it.
func TestLostLeadershipCancelsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		cause error
		after time.Duration
	}{
		{lostError(true), 0}, {fmt.Errorf("wrapped: %w", lostError(true)), 0}, {lostError(false), time.Minute}, {nil, time.Minute},
		{hurry(time.Minute - 1), time.Minute - 1}, {hurry(time.Minute + 1), time.Minute}, {hurry(0), 0}, {hurry(-1), time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := loopOf(New("test", func(ctx context.Context, _ Key) (Result, error) {
				<-ctx.Done()
				return Result{}, ctx.Err()
			}, DrainTimeout(time.Minute), Logger(slog.New(slog.DiscardHandler))))
			defer c.holds.stop()
			defer c.queue.ShutDown()
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- c.work(ctx) }()
			c.queue.Add(keyA)
			synctest.Wait()
			began := time.Now()
			cancel(tt.cause)
			err := <-ended
			if took := time.Since(began); took != tt.after || err == nil {
				t.Errorf("%v: ended after %s with %v, want %s", tt.cause, took, err, tt.after)
			}
			if _, in := tt.cause.(hurry); tt.after == 0 && !in && !errors.Is(err, lostError(true)) {
				t.Errorf("%v: the error is %v", tt.cause, err)
			}
		})
	}
}
