package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// history is an Observer that notes its calls, a line each.
type history struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (h *history) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := time.Since(h.start).Round(time.Second)
	h.lines = append(h.lines, fmt.Sprintf("%v ", at)+fmt.Sprintf(format, args...))
}

func (h *history) observer() Observer {
	h.start = time.Now()
	return Observer{
		Named: func(key any, c Cause) {
			h.note("%v named by %s: %s %s %s, low %v", key, c.Source, c.Informer, c.Object, c.Change, c.Low)
		},
		Held:     func(key any) { h.note("%v held", key) },
		Released: func(key any, hold Hold) { h.note("%v released %+v", key, hold) },
		Reconcile: func(ctx context.Context, key any) (context.Context, func(Outcome)) {
			h.note("%v begins", key)
			return ctx, func(o Outcome) {
				next := "never"
				if !o.NextAt.IsZero() {
					next = time.Until(o.NextAt).Round(time.Millisecond).String()
				}
				h.note("%v ends after %v: %s, error %v, retries %d, %s in %s", key, o.Duration, o.Label(), o.Err,
					o.Retries, o.Next, next)
			}
		},
	}
}

func (h *history) want(t *testing.T, want ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.lines, want) {
		t.Errorf("the observer saw\n\t%s\nwant\n\t%s", strings.Join(h.lines, "\n\t"), strings.Join(want, "\n\t"))
	}
	h.lines = nil
}

// What happens to a key, from a change to the end of its last reconcile.
func TestAnObserverSeesTheHistoryOfAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		calls := 0
		reconcile := func(context.Context, Key) (Result, error) {
			time.Sleep(time.Second)
			switch calls++; calls {
			case 1:
				return Result{}, errTest
			case 2:
				return Result{RequeueAfter: 10 * time.Second}, nil
			case 4:
				return Result{RequeueAfter: time.Hour}, Terminal(errTest)
			case 5:
				panic("scripted")
			}
			return Result{}, nil
		}
		var h history
		c := New("test", reconcile, s.logger(), For(s.configMaps()), Observe(h.observer()),
			RateLimiter(workqueue.Exponential[Key](2*time.Second, time.Minute)))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Minute - time.Millisecond)
		h.want(t,
			"0s n/a named by For: configmaps n/a listed, low true",
			"0s n/a begins",
			"1s n/a ends after 1s: error, error it fails, retries 0, retry in 2s",
			"3s n/a begins",
			"4s n/a ends after 1s: requeue_after, error <nil>, retries 1, requeue in 10s",
			"14s n/a begins",
			"15s n/a ends after 1s: success, error <nil>, retries 0, event in never",
		)
		time.Sleep(time.Millisecond)
		s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 11))
		time.Sleep(10 * time.Second)
		s.server.watch("configmaps").event("DELETED", configMap("n", "a", 12))
		time.Sleep(50 * time.Second)
		h.want(t,
			"1m0s n/a named by For: configmaps n/a updated, low false",
			"1m0s n/a begins",
			"1m1s n/a ends after 1s: error, error it fails, retries 0, given up in never",
			"1m10s n/a named by For: configmaps n/a deleted, low false",
			"1m10s n/a begins",
			"1m11s n/a ends after 1s: error, error reconcile panicked: scripted, retries 0, retry in 2s",
			"1m13s n/a begins",
			"1m14s n/a ends after 1s: success, error <nil>, retries 1, event in never",
		)
		if err := stop(); err != nil {
			t.Error(err)
		}
		got := c.Stats()
		want := Stats{Workers: 1, Succeeded: 3, Failed: 3, Requeued: 1, Retried: 2, GivenUp: 1, Terminal: 1, Panics: 1}
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestAnObserverSeesHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h history
		c, _, stop := queueOnly(noop, WriteTimeout(10*time.Second), Observe(h.observer()))
		v := c.holds.newView()
		c.holds.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		c.holds.hold(keyB, []demand{{view: v, version: 9, met: unmet}})
		c.queue.Add(keyA)
		time.Sleep(4 * time.Second)
		if s := c.Stats(); s.Held != 2 || s.Holds != 2 || s.HoldsExpired != 0 || s.Active != 0 {
			t.Errorf("%+v", s)
		}
		v.contains(7)
		time.Sleep(20 * time.Second)
		h.want(t,
			"0s n/a held",
			"4s n/a released {Duration:4s Seen:true Stopped:false Wanted:true}",
			"4s n/a begins",
			"4s n/a ends after 0s: success, error <nil>, retries 0, event in never",
			"10s n/b released {Duration:10s Seen:false Stopped:false Wanted:false}",
		)
		if s := c.Stats(); s.Held != 0 || s.Holds != 2 || s.HoldsExpired != 1 {
			t.Errorf("%+v", s)
		}
		stop()
	})
}

// The reconcile runs under the observers' context, each within the one before.
func TestAnObserversContextIsTheReconciles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type spans struct{}
		var ended []string
		span := func(name string) Observer {
			return Observer{Reconcile: func(ctx context.Context, key any) (context.Context, func(Outcome)) {
				within, _ := ctx.Value(spans{}).(string)
				return context.WithValue(ctx, spans{}, within+name), func(o Outcome) {
					ended = append(ended, fmt.Sprint(name, " ", key == any(keyA), " ", o.Next))
				}
			}}
		}
		var seen []any
		c, log, stop := queueOnly(func(ctx context.Context, _ Key) (Result, error) {
			LoggerFrom(ctx).Info("hello")
			seen = append(seen, ctx.Value(spans{}))
			return Result{}, nil
		}, Observe(span("a")), Observe(Observer{}), Observe(Observer{Reconcile: func(context.Context, any) (context.Context, func(Outcome)) {
			return nil, nil
		}}))
		stopB := c.Observe(span("b"))
		c.queue.Add(keyA)
		synctest.Wait()
		stopB()
		stopB() // again changes nothing
		c.queue.Add(keyA)
		synctest.Wait()
		if want := []any{"ab", "a"}; !slices.Equal(seen, want) {
			t.Errorf("the reconciles ran in %v, want %v", seen, want)
		}
		if want := []string{"b true event", "a true event", "a true event"}; !slices.Equal(ended, want) {
			t.Errorf("ended: %q, want %q", ended, want)
		}
		if log.count("msg=hello controller=test key=n/a") != 2 {
			t.Errorf("the logger is lost:\n%s", &log.buf)
		}
		stop()
	})
}

// A panic of an observer is logged and changes nothing else.
func TestPanicsOfObserversAreContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := func(name string) { panic("scripted in " + name) }
		bad := Observer{
			Queue: workqueue.Metrics{
				Adds: func() { fail("Queue.Adds") }, Retries: func() { fail("Queue.Retries") },
				Latency: func(time.Duration) { fail("Queue.Latency") }, WorkDuration: func(time.Duration) { fail("Queue.WorkDuration") },
			},
			Named:    func(any, Cause) { fail("Named") },
			Held:     func(any) { fail("Held") },
			Released: func(any, Hold) { fail("Released") },
			Reconcile: func(ctx context.Context, _ any) (context.Context, func(Outcome)) {
				return ctx, func(Outcome) { fail("Reconcile") }
			},
		}
		var good history
		calls := 0
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		c := New("test", func(context.Context, Key) (Result, error) {
			if calls++; calls == 1 {
				return Result{}, errTest
			}
			return Result{}, nil
		}, s.logger(), For(s.configMaps()), Observe(bad), Observe(good.observer()))
		v := c.holds.newView()
		c.holds.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Second)
		v.contains(7)
		time.Sleep(time.Minute)
		synctest.Wait()
		if calls != 2 || len(good.lines) != 7 {
			t.Errorf("%d reconciles; the other observer saw %q", calls, good.lines)
		}
		for _, name := range []string{"Queue.Adds", "Queue.Retries", "Queue.Latency", "Queue.WorkDuration", "Named", "Held", "Released", "Reconcile"} {
			if s.log.count("scripted in "+name) == 0 || s.log.count("function="+name) == 0 {
				t.Errorf("the log does not have the panic of %s:\n%s", name, &s.log.buf)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// The queue's functions of an observer are called beside those of QueueMetrics.
func TestObserversSeeTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var own, observed [4]atomic.Int32
		metrics := func(n *[4]atomic.Int32) workqueue.Metrics {
			return workqueue.Metrics{
				Adds: func() { n[0].Add(1) }, Retries: func() { n[1].Add(1) },
				Latency: func(time.Duration) { n[2].Add(1) }, WorkDuration: func(time.Duration) { n[3].Add(1) },
			}
		}
		calls := 0
		c, _, stop := queueOnly(func(context.Context, Key) (Result, error) {
			if calls++; calls == 1 {
				return Result{}, errTest
			}
			return Result{}, nil
		}, QueueMetrics(metrics(&own)), Observe(Observer{Queue: metrics(&observed)}))
		c.queue.Add(keyA)
		time.Sleep(time.Minute)
		stop()
		for i, want := range []int32{2, 1, 2, 2} {
			if a, b := own[i].Load(), observed[i].Load(); a != want || b != want {
				t.Errorf("function %d: QueueMetrics %d calls, observer %d, want %d", i, a, b, want)
			}
		}
	})
}

// Without observers, a reconcile allocates nothing for them: with one, it does.
func TestNoObserverCostsNothing(t *testing.T) {
	c := loopOf(New("test", noop))
	ctx := t.Context()
	turn := func() {
		c.queue.Add(keyA)
		key, _ := c.queue.Get(ctx)
		c.turn(ctx, key)
	}
	without := testing.AllocsPerRun(100, turn)
	stop := c.Observe(Observer{})
	with := testing.AllocsPerRun(100, turn)
	stop()
	// One more or less is the race detector's.
	if again := testing.AllocsPerRun(100, turn); again > without+1 || with <= again+1 {
		t.Errorf("%v allocations without an observer, %v with one, %v after it", without, with, again)
	}
}

func TestStatsOfWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, stop := queueOnly(func(context.Context, Key) (Result, error) {
			time.Sleep(time.Minute)
			return Result{}, nil
		}, Workers(2))
		for _, name := range []string{"a", "b", "c", "d"} {
			c.queue.Add(Key{Name: name})
		}
		time.Sleep(time.Second)
		want := Stats{Workers: 2, Active: 2, Oldest: "c", OldestWait: time.Second}
		got := c.Stats()
		if got.Queue.Depth != 2 || got.Queue.Processing != 2 {
			t.Errorf("%+v", got.Queue)
		}
		if got.Queue = (workqueue.Stats{}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		stop()
	})
}

func TestLabelsOfOutcomes(t *testing.T) {
	for want, o := range map[string]Outcome{
		"success":       {Next: NextEvent},
		"requeue_after": {Next: NextRequeue},
		"error":         {Err: errors.New("x"), Next: NextRetry},
	} {
		if got := o.Label(); got != want {
			t.Errorf("%+v is %q, want %q", o, got, want)
		}
	}
}

func TestWhatAFrameAsksAController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		maps, secrets := s.configMaps(), s.secrets()
		c := New("test", noop, For(maps), Reads(secrets))
		if caches := c.Caches(); c.Name() != "test" || !c.NeedsLease() || len(caches) != 2 ||
			caches[0].Kind().Resource != "configmaps" || caches[1].Kind().Resource != "secrets" {
			t.Errorf("%s, %v, %v", c.Name(), c.NeedsLease(), caches)
		}
		if New("test", noop, WithoutLease()).NeedsLease() {
			t.Error("WithoutLease changes nothing")
		}
	})
}
