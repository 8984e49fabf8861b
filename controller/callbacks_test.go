package controller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/workqueue"
)

// callbacks are the functions that a controller is given. Each of them calls act with its name.
type callbacks struct {
	workqueue.RateLimiter[Key]
	act func(name string)
}

func (c callbacks) When(key Key) time.Duration {
	c.act("RateLimiter.When")
	return c.RateLimiter.When(key)
}

func (c callbacks) Forget(key Key) {
	c.act("RateLimiter.Forget")
	c.RateLimiter.Forget(key)
}

func (c callbacks) NumRequeues(key Key) int {
	c.act("RateLimiter.NumRequeues")
	return c.RateLimiter.NumRequeues(key)
}

// callbackNames are the names of all functions, and what the log says if one panics.
var callbackNames = map[string]string{
	"Where": "function of Where panicked", "When": "predicate of When panicked",
	"Watches":          "function of Watches panicked",
	"RateLimiter.When": "rate limiter panicked", "RateLimiter.Forget": "rate limiter panicked",
	"RateLimiter.NumRequeues": "rate limiter panicked",
	"Adds":                    "function of QueueMetrics panicked", "Retries": "function of QueueMetrics panicked",
	"Latency": "function of QueueMetrics panicked", "WorkDuration": "function of QueueMetrics panicked",
	"Reconcile": "reconcile panicked",
}

// callbackStage runs a controller of which one function does something out of the ordinary. Its
// reconciles fail once for each key. It returns the keys that were reconciled, and the log.
func callbackStage(t *testing.T, act func(name string, c *Controller, maps *informer.Informer[corev1.ConfigMap])) (
	reconciled map[Key]int, log *logged) {
	s := newStage(t)
	s.server.set("configmaps", lists(configMap("n", "a", 5), configMap("n", "b", 6)))
	s.server.set("secrets", lists(strings.ReplaceAll(configMap("n", "s", 7), "ConfigMap", "Secret")))
	maps, secrets := s.configMaps(), s.secrets()

	var c *Controller
	var mu sync.Mutex
	reconciled = map[Key]int{}
	call := func(name string) { act(name, c, maps) }
	reconcile := func(_ context.Context, key Key) (Result, error) {
		mu.Lock()
		reconciled[key]++
		n := reconciled[key]
		mu.Unlock()
		call("Reconcile")
		if n == 1 {
			return Result{}, errTest
		}
		return Result{}, nil
	}
	c = New("test", reconcile, s.logger(),
		For(maps).
			Where(func(informer.Item[corev1.ConfigMap]) bool { call("Where"); return true }).
			When(func(_, _ informer.Meta) bool { call("When"); return true }),
		Watches(secrets, func(informer.Item[corev1.Secret]) []Key { call("Watches"); return []Key{{Name: "watched"}} }),
		RateLimiter(callbacks{workqueue.Exponential[Key](time.Second, time.Minute), call}),
		QueueMetrics(workqueue.Metrics{
			Adds: func() { call("Adds") }, Retries: func() { call("Retries") },
			Latency: func(time.Duration) { call("Latency") }, WorkDuration: func(time.Duration) { call("WorkDuration") },
		}))
	stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
	time.Sleep(time.Minute)
	s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 20))
	s.server.watch("configmaps").event("ADDED", configMap("n", "late", 21))
	time.Sleep(10 * time.Minute)
	if err := stop(); err != nil {
		t.Error(err)
	}
	return reconciled, s.log
}

// The functions that a controller is given are called without a lock: each of them may call the
// controller's queue and its informers.
func TestTheFunctionsOfAControllerAreCalledWithoutALock(t *testing.T) {
	for name := range callbackNames {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var busy atomic.Bool
				var calls atomic.Int32
				reconciled, _ := callbackStage(t, func(called string, c *Controller, maps *informer.Informer[corev1.ConfigMap]) {
					if called != name || busy.Swap(true) { // one of these calls may be what calls us
						return
					}
					defer busy.Store(false)
					if calls.Add(1) > 3 { // each call brings more of them
						return
					}
					loopOf(c).queue.Add(Key{Name: "other"})
					loopOf(c).queue.AddAfter(Key{Name: "later"}, time.Minute)
					loopOf(c).queue.AddRateLimited(Key{Name: "limited"})
					loopOf(c).queue.Forget(Key{Name: "limited"})
					loopOf(c).queue.NumRequeues(Key{Name: "limited"})
					loopOf(c).queue.Len()
					c.Stats()
					maps.AddHandler(informer.Handler[corev1.ConfigMap]{}).Remove()
					maps.OnProgress(func(string) {})()
					maps.Contains("1000000")
					maps.Status()
					if _, err := maps.Lister().Get("n", "a"); err != nil {
						t.Error(err)
					}
				})
				if calls.Load() == 0 {
					t.Error("the function was not called")
				}
				for _, key := range []string{"n/a", "n/b", "n/late", "watched", "other", "later"} {
					if k, _ := workqueue.ParseKey(key); reconciled[k] < 2 {
						t.Errorf("%s was reconciled %d times", key, reconciled[k])
					}
				}
			})
		})
	}
}

// A panic of a function that a controller is given is contained, and its keys are reconciled.
func TestPanicsOfAControllersFunctionsAreContained(t *testing.T) {
	for name, text := range callbackNames {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				reconciled, log := callbackStage(t, func(called string, _ *Controller, _ *informer.Informer[corev1.ConfigMap]) {
					if called == name {
						calls.Add(1)
						panic(fmt.Sprint("scripted in ", called))
					}
				})
				if calls.Load() == 0 {
					t.Error("the function was not called")
				}
				for _, key := range []string{"n/a", "n/b", "n/late", "watched"} {
					if k, _ := workqueue.ParseKey(key); reconciled[k] < 2 && !(name == "Watches" && key == "watched") {
						t.Errorf("%s was reconciled %d times", key, reconciled[k])
					}
				}
				if n := int32(log.count(text)); n != calls.Load() {
					t.Errorf("%d lines say %q, want one for each of %d panics", n, text, calls.Load())
				}
				if n := log.count("scripted in " + name); n < int(calls.Load()) {
					t.Errorf("%d lines have the panic's value, want %d", n, calls.Load())
				}
				if n, m := log.count("stack="), log.count(`controller.callbackStage`); n == 0 || n > 6 || m == 0 {
					t.Errorf("%d stacks are logged, want one for each place that calls the function", n)
				}
			})
		})
	}
}
