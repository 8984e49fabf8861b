package controller

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// ReconcileAll calls no function before all caches are in sync, nor after the end of Run, which waits for
// those that are running.
func TestReconcileAllKeepsToTheLifeOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(manyConfigMaps(100)...))
		s.server.set("secrets", hangs)
		var calls atomic.Int32
		matches := func(informer.Item[corev1.ConfigMap]) bool { calls.Add(1); return true }
		c := New("test", (&slow{}).reconcile, s.logger(), For(s.configMaps()).Where(matches), Reads(s.secrets()))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Second)
		err := c.ReconcileAll(nil)
		var early *informer.NotSyncedError
		if !errors.As(err, &early) || early.Informer != "secrets" || !early.Started || calls.Load() != 0 || c.Stats().Queue.Depth != 0 {
			t.Errorf("%d calls before the second cache is in sync, %d keys: %v", calls.Load(), c.Stats().Queue.Depth, err)
		}
		s.server.set("secrets", lists())
		time.Sleep(time.Minute) // the request that hangs
		time.Sleep(5 * time.Minute)
		if err := c.ReconcileAll(nil); err != nil {
			t.Fatal(err)
		}
		asking := make(chan error)
		var inside atomic.Bool
		go func() {
			asking <- c.ReconcileAll(func(informer.Meta) bool {
				inside.Store(true)
				defer inside.Store(false)
				time.Sleep(time.Minute)
				// One call within another does not wait for the end, which waits for it.
				if err := c.ReconcileAll(func(informer.Meta) bool { return false }); err != nil && !errors.Is(err, errEnded) {
					t.Error(err)
				}
				return true
			})
		}()
		time.Sleep(time.Second)
		before := time.Now()
		if err := stop(); err != nil || time.Since(before) > time.Minute || inside.Load() {
			t.Errorf("Run ended after %v, with a filter running %v: %v", time.Since(before), inside.Load(), err)
		}
		if err := <-asking; !errors.Is(err, errEnded) {
			t.Errorf("a ReconcileAll that was under way: %v", err)
		}
		n := calls.Load()
		if err := c.ReconcileAll(nil); !errors.Is(err, errEnded) || !strings.Contains(err.Error(), `controller "test": its Run has ended`) || calls.Load() != n {
			t.Errorf("after Run, %d calls: %v", calls.Load()-n, err)
		}
	})
}

// A key that is of low priority stays so while it waits for its MinInterval, or is held; an event makes it
// high.
func TestWaitingDoesNotMakeAKeyHigh(t *testing.T) {
	for _, how := range []string{"interval", "hold"} {
		for _, event := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.server.set("configmaps", lists(manyConfigMaps(10)...))
				block := make(chan struct{})
				var blocked atomic.Bool
				var l *loop[Key]
				var view *view
				c := New("test", func(_ context.Context, key Key) (Result, error) {
					if how == "hold" && key.Name == "m-003" && !blocked.Load() {
						l.holds.hold(key, []demand{{view: view, version: 1000, met: unmet}})
					}
					if blocked.Load() {
						<-block
					}
					return Result{}, nil
				}, s.logger(), For(s.configMaps()), MinInterval(map[string]time.Duration{"interval": time.Minute}[how]), WriteTimeout(time.Hour))
				l, view = loopOf(c), c.holds.newView()
				stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
				time.Sleep(time.Second)
				synctest.Wait()
				if err := c.ReconcileAll(func(m informer.Meta) bool { return m.Name() == "m-003" }); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if event {
					s.server.watch("configmaps").event("MODIFIED", configMap("n", "m-003", 11))
					synctest.Wait()
					if err := c.ReconcileAll(func(m informer.Meta) bool { return m.Name() == "m-003" }); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				blocked.Store(true)
				s.server.watch("configmaps").event("ADDED", configMap("n", "x", 12)) // keeps the worker
				synctest.Wait()
				if how == "hold" {
					view.contains(1000)
				} else {
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				want := 1
				if event {
					want = 0
				}
				if q := c.Stats().Queue; q.Depth != 1 || q.Low != want {
					t.Errorf("%s, an event %v: %+v, want %d of low priority", how, event, q, want)
				}
				close(block)
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Holds that end with the controller are reported, and are none that have expired. Nothing is named after
// the end.
func TestObserversSeeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		var h history
		names := make(chan func(Key), 1)
		c := New("test", noop, s.logger(), For(s.configMaps()), Feed(func(ctx context.Context, n func(Key)) error {
			names <- n
			<-ctx.Done()
			return nil
		}))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		name := <-names
		time.Sleep(time.Second)
		c.Observe(h.observer())
		c.holds.hold(keyA, []demand{{view: c.holds.newView(), version: 1000, met: unmet}})
		name(keyA)
		time.Sleep(time.Second)
		if err := stop(); err != nil {
			t.Error(err)
		}
		name(keyB)
		h.want(t, "0s n/a named by Feed:   , low false", "0s n/a held",
			"1s n/a released {Duration:1s Seen:false Stopped:true Wanted:true}")
		if stats := c.Stats(); stats.HoldsExpired != 0 || stats.Held != 0 {
			t.Errorf("%+v", stats)
		}
	})
}

// A Reconcile that ends its goroutine, as t.FailNow in a test's Reconcile does, has failed, and costs no
// worker.
func TestGoexitIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c, log, stop := queueOnly(func(ctx context.Context, key Key) (Result, error) {
			if key == keyA && calls.Add(1) <= 3 {
				runtime.Goexit()
			}
			return Result{}, nil
		}, Workers(2))
		var outcomes []string
		c.Observe(Observer{Reconcile: func(ctx context.Context, key any) (context.Context, func(Outcome)) {
			return ctx, func(o Outcome) { outcomes = append(outcomes, fmt.Sprint(o.Label(), " ", o.Next)) }
		}})
		c.queue.Add(keyA)
		time.Sleep(time.Hour)
		if s := c.Stats(); calls.Load() != 4 || s.Failed != 3 || s.Retried != 3 || s.Succeeded != 1 || s.Active != 0 || s.Queue.Processing != 0 {
			t.Errorf("%d calls, %+v", calls.Load(), s)
		}
		if want := []string{"error retry", "error retry", "error retry", "success event"}; !slices.Equal(outcomes, want) {
			t.Errorf("%q", outcomes)
		}
		if n := log.count("runtime.Goexit"); n != 3 {
			t.Errorf("%d lines", n)
		}
		c.queue.Add(keyB)
		synctest.Wait()
		if s := c.Stats(); s.Succeeded != 2 {
			t.Errorf("no worker is left: %+v", s)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestStatusByNoClient(t *testing.T) {
	_, err := Status(t.Context(), (*client.Client[corev1.Pod])(nil), &corev1.Pod{})
	var misuse *kind.MisuseError
	if !errors.As(err, &misuse) || !IsTerminal(err) || err.Error() != "set conditions of v1.Pod: the client is nil" {
		t.Errorf("%v", err)
	}
}
