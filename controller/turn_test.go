package controller

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/client"
)

// These tests are about what a controller does with a queue of keys. They add the
// keys themselves: informers come in with the control plane, in another file.

// logged is a log to look through.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), what)
}

// loopOf returns the loop of a controller of New.
func loopOf(c *Controller) *loop[Key] { return c.loop.(*loop[Key]) }

// queueOnly runs a controller without sources until the test ends it.
func queueOnly(r Reconcile, opts ...Option) (c *loop[Key], log *logged, stop func() error) {
	log = &logged{}
	opts = append([]Option{Logger(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))}, opts...)
	c = loopOf(New("test", r, opts...))
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		defer c.queue.ShutDown()
		defer c.holds.stop()
		result <- c.work(ctx)
	}()
	return c, log, func() error {
		cancel()
		return <-result
	}
}

var errTest = errors.New("it fails")

func TestErrorsAreTriedAgainUpToTheLimit(t *testing.T) {
	for _, tt := range []struct{ retries, calls int }{{-1, 1}, {1, 2}, {5, 6}} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int32
			c, log, stop := queueOnly(func(context.Context, Key) (Result, error) {
				calls.Add(1)
				return Result{RequeueAfter: time.Second}, errTest // the result does not count
			}, MaxRetries(tt.retries))
			c.queue.Add(keyA)
			time.Sleep(24 * time.Hour)
			if n := int(calls.Load()); n != tt.calls {
				t.Errorf("%d retries: called %d times in a day, want %d", tt.retries, n, tt.calls)
			}
			if n := log.count("level=ERROR"); n != 1 {
				t.Errorf("%d retries: given up in %d log records, want 1:\n%s", tt.retries, n, &log.buf)
			}
			if s := c.Stats(); s.GivenUp != 1 || int(s.Failed) != tt.calls || s.Succeeded != 0 {
				t.Errorf("%d retries: %+v", tt.retries, s)
			}

			// The next event starts the count anew.
			c.queue.Add(keyA)
			time.Sleep(24 * time.Hour)
			if n := int(calls.Load()); n != 2*tt.calls {
				t.Errorf("%d retries: after another event called %d times, want %d", tt.retries, n, 2*tt.calls)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestErrorsAreTriedAgainWithoutEndByDefault(t *testing.T) {
	for name, opts := range map[string][]Option{"default": nil, "0": {MaxRetries(0)}, "RetryForever": {MaxRetries(RetryForever)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				c, _, stop := queueOnly(func(context.Context, Key) (Result, error) {
					calls.Add(1)
					return Result{}, errTest
				}, opts...)
				c.queue.Add(keyA)
				time.Sleep(7 * 24 * time.Hour) // at most 1000 s apart
				if n := calls.Load(); n < 600 {
					t.Errorf("called %d times in a week", n)
				}
				stop()
			})
		})
	}
}

// outage is a source whose informer has lost the API server, for as long as it is
// true.
type outage struct {
	source
	lost atomic.Bool
}

func (o *outage) cutOff() bool { return o.lost.Load() }

// While the API server is gone keys fail by no fault of their own, and no event
// will come for them when it is back: none is given up.
func TestNoKeyIsGivenUpDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down outage
		var calls atomic.Int32
		c, log, stop := queueOnly(func(context.Context, Key) (Result, error) {
			calls.Add(1)
			if down.lost.Load() {
				return Result{}, errTest
			}
			return Result{}, nil
		}, MaxRetries(3))
		c.sources = []source{&down}
		down.lost.Store(true)
		c.queue.Add(keyA)
		time.Sleep(time.Hour)
		if n := calls.Load(); n < 3600/5 || n > 3600/5+4 {
			t.Errorf("called %d times in an hour", n)
		}
		down.lost.Store(false)
		time.Sleep(cutOffDelay)
		synctest.Wait()
		if s := c.Stats(); s.Succeeded != 1 || s.GivenUp != 0 {
			t.Errorf("after the outage: %+v", s)
		}

		// One that fails for its own reasons is given up when the API server is there.
		calls.Store(0)
		c.reconcile = func(context.Context, Key) (Result, error) {
			calls.Add(1)
			return Result{}, errTest
		}
		down.lost.Store(true)
		c.queue.Add(keyB)
		time.Sleep(time.Hour)
		down.lost.Store(false)
		time.Sleep(time.Hour)
		if s := c.Stats(); s.GivenUp != 1 || log.count("level=ERROR") != 1 {
			t.Errorf("after the second outage: %+v", s)
		}
		stop()
	})
}

func TestTerminalErrorIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c, log, stop := queueOnly(func(context.Context, Key) (Result, error) {
			calls.Add(1)
			return Result{}, errors.Join(errors.New("and more"), Terminal(errTest))
		})
		c.queue.Add(keyA)
		time.Sleep(24 * time.Hour)
		if calls.Load() != 1 || log.count("level=ERROR") != 1 || c.Stats().GivenUp != 1 {
			t.Errorf("called %d times; log:\n%s", calls.Load(), &log.buf)
		}
		stop()
	})
	if err := Terminal(errTest); !errors.Is(err, errTest) || !IsTerminal(err) || err.Error() != errTest.Error() {
		t.Errorf("Terminal hides what it marks: %v", err)
	}
	if Terminal(nil) != nil || IsTerminal(errTest) || IsTerminal(nil) {
		t.Error("something unmarked is terminal")
	}
}

func TestSuccessForgetsEarlierFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c, _, stop := queueOnly(func(context.Context, Key) (Result, error) {
			if calls.Add(1) <= 3 {
				return Result{}, errTest
			}
			return Result{}, nil
		}, MaxRetries(5))
		c.queue.Add(keyA)
		time.Sleep(time.Hour)
		if n := c.queue.NumRequeues(keyA); n != 0 || calls.Load() != 4 {
			t.Errorf("%d failures remembered after %d calls", n, calls.Load())
		}
		stop()
	})
}

func TestRequeueAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		c, _, stop := queueOnly(func(context.Context, Key) (Result, error) {
			at = append(at, time.Since(start))
			if len(at) < 3 {
				return Result{RequeueAfter: time.Minute}, nil
			}
			return Result{}, nil
		})
		c.queue.Add(keyA)
		time.Sleep(time.Hour)
		stop()
		if len(at) != 3 || at[0] != 0 || at[1] != time.Minute || at[2] != 2*time.Minute {
			t.Errorf("reconciled at %v", at)
		}
	})
}

// A panic ends neither the process nor the worker, and the key comes again.
func TestPanicIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c, log, stop := queueOnly(func(_ context.Context, key Key) (Result, error) {
			if calls.Add(1) == 1 {
				panicsByWriting(nil, key)
			}
			return Result{}, nil
		})
		c.queue.Add(keyA)
		time.Sleep(time.Minute)
		if s := c.Stats(); s.Failed != 1 || s.Succeeded != 1 {
			t.Errorf("%+v", s)
		}
		for _, part := range []string{"assignment to entry in nil map", "TestPanicIsAnError", "key=n/a", "controller=test"} {
			if log.count(part) == 0 {
				t.Errorf("the log does not say %q:\n%s", part, &log.buf)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	if err := error(&PanicError{Value: errTest}); !errors.Is(err, errTest) {
		t.Error("a panic hides the error it was made with")
	}
}

// However many workers and events, one key is never reconciled twice at once, and
// no event is lost.
func TestOneKeyIsNeverReconciledTwiceAtOnce(t *testing.T) {
	const events = 2000
	var (
		at      [3]atomic.Int32
		seen    [3]atomic.Int64
		current [3]atomic.Int64
	)
	names := []string{"0", "1", "2"}
	reconciled := make(chan struct{}, 1)
	c, _, stop := queueOnly(func(_ context.Context, key Key) (Result, error) {
		i := key.Name[0] - '0'
		if n := at[i].Add(1); n != 1 {
			t.Errorf("key %s is reconciled %d times at once", key, n)
		}
		defer at[i].Add(-1)
		seen[i].Store(current[i].Load())
		select {
		case reconciled <- struct{}{}:
		default:
		}
		return Result{}, nil
	}, Workers(8))
	for n := range events {
		i := n % len(names)
		current[i].Add(1)
		c.queue.Add(Key{Name: names[i]})
	}
	for i := range names {
		for seen[i].Load() != current[i].Load() {
			select {
			case <-reconciled:
			case <-t.Context().Done():
				t.Fatal("an event was lost")
			}
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func panicsByWriting(m map[Key]int, key Key) { m[key] = 1 }

func TestStopLetsReconcilesFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var finished, started atomic.Int32
		c, _, stop := queueOnly(func(ctx context.Context, _ Key) (Result, error) {
			started.Add(1)
			select {
			case <-ctx.Done():
				return Result{}, ctx.Err()
			case <-time.After(29 * time.Second):
				finished.Add(1)
				return Result{}, nil
			}
		}, Workers(2), DrainTimeout(30*time.Second))
		for _, key := range []Key{{Name: "1"}, {Name: "2"}, {Name: "3"}} {
			c.queue.Add(key)
		}
		synctest.Wait()
		begin := time.Now()
		if err := stop(); err != nil {
			t.Errorf("a clean stop returns %v", err)
		}
		if finished.Load() != 2 || started.Load() != 2 {
			t.Errorf("%d started, %d finished; want the two under way, and no third", started.Load(), finished.Load())
		}
		if took := time.Since(begin); took != 29*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestStopCutsLongReconcilesShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, log, stop := queueOnly(func(ctx context.Context, _ Key) (Result, error) {
			<-ctx.Done()
			return Result{}, ctx.Err()
		}, DrainTimeout(30*time.Second))
		c.queue.Add(keyA)
		synctest.Wait()
		begin := time.Now()
		err := stop()
		if took := time.Since(begin); took != 30*time.Second {
			t.Errorf("took %v", took)
		}
		if err == nil || !strings.Contains(err.Error(), "1 reconciles took longer than 30s") {
			t.Errorf("got %v", err)
		}
		if log.count("cancelled by the stop") != 1 {
			t.Errorf("log:\n%s", &log.buf)
		}
	})
}

func TestReconcileHasTheControllersLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, log, stop := queueOnly(func(ctx context.Context, _ Key) (Result, error) {
			LoggerFrom(ctx).Info("hello")
			return Result{}, nil
		})
		c.queue.Add(keyA)
		synctest.Wait()
		stop()
		if log.count("msg=hello controller=test key=n/a") != 1 {
			t.Errorf("log:\n%s", &log.buf)
		}
	})
	if LoggerFrom(context.Background()) != slog.Default() {
		t.Error("outside of a reconcile it is not the default logger")
	}
}

// The worker's side of a hold: a held key is not reconciled, and comes when it is
// released; its retries and other keys are not touched.
func TestHeldKeyIsNotReconciled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c, _, stop := queueOnly(func(context.Context, Key) (Result, error) {
			calls.Add(1)
			return Result{}, nil
		}, WriteTimeout(time.Minute))
		v := c.holds.newView()
		c.holds.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		c.queue.Add(keyA)
		c.queue.Add(keyA)
		synctest.Wait()
		if calls.Load() != 0 || c.Stats().Idle() {
			t.Errorf("reconciled %d times while held; %+v", calls.Load(), c.Stats())
		}
		v.contains(7)
		synctest.Wait()
		if calls.Load() != 1 || !c.Stats().Idle() {
			t.Errorf("reconciled %d times after it; %+v", calls.Load(), c.Stats())
		}
		stop()
	})
}

// A write whose kind no source watches asks for nothing.
func TestWriteOfAnotherKindHoldsNothing(t *testing.T) {
	if d := (&Controller{}).demands([]client.Write{{Name: "x", ResourceVersion: "7"}}); len(d) != 0 {
		t.Errorf("%d demands without a source", len(d))
	}
}
