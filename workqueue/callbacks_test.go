package workqueue_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// callbacks is a limiter and a set of metrics that call a function each time.
type callbacks struct {
	workqueue.RateLimiter[string]
	call func(name string)
}

func (c callbacks) When(key string) time.Duration {
	c.call("When")
	return c.RateLimiter.When(key)
}

func (c callbacks) Forget(key string) {
	c.call("Forget")
	c.RateLimiter.Forget(key)
}

func (c callbacks) NumRequeues(key string) int {
	c.call("NumRequeues")
	return c.RateLimiter.NumRequeues(key)
}

func (c callbacks) metrics() workqueue.Metrics {
	return workqueue.Metrics{
		Adds:         func() { c.call("Adds") },
		Retries:      func() { c.call("Retries") },
		Latency:      func(time.Duration) { c.call("Latency") },
		WorkDuration: func(time.Duration) { c.call("WorkDuration") },
	}
}

// What a queue calls may call the queue: it holds no lock meanwhile.
func TestWhatAQueueCallsMayCallTheQueue(t *testing.T) {
	everything := func(q *workqueue.Queue[string]) {
		q.Add("other")
		q.AddAfter("later", time.Hour)
		q.AddRateLimited("limited")
		q.Len()
		q.Stats()
		q.NumRequeues("other")
		q.Forget("other")
		q.Done("nobody has this one")
		q.ShuttingDown()
	}
	for name, act := range map[string]func(*workqueue.Queue[string]){
		"everything": everything,
		"ShutDown":   (*workqueue.Queue[string]).ShutDown,
	} {
		for _, callback := range []string{"When", "Forget", "NumRequeues", "Adds", "Retries", "Latency", "WorkDuration"} {
			for _, nested := range []bool{false, true} { // the limiter is one of MaxOf
				t.Run(callback+" calls "+name, func(t *testing.T) {
					var q *workqueue.Queue[string]
					var calls atomic.Int32
					c := callbacks{workqueue.Exponential[string](time.Nanosecond, time.Nanosecond), func(called string) {
						if called == callback && calls.Add(1) == 1 {
							act(q)
						}
					}}
					var limiter workqueue.RateLimiter[string] = c
					if nested {
						limiter = workqueue.MaxOf(workqueue.Bucket[string](-1, 0), limiter)
					}
					q = workqueue.NewWithRateLimiter(limiter, workqueue.WithMetrics(c.metrics()))
					ended := make(chan struct{})
					go func() {
						defer close(ended)
						q.Add("a")
						key, err := q.Get(t.Context())
						if err != nil {
							return // shut down by Adds or Latency
						}
						q.AddRateLimited(key)
						q.NumRequeues(key)
						q.Forget(key)
						q.Done(key)
					}()
					select {
					case <-ended:
					case <-time.After(10 * time.Second):
						t.Fatal("the queue is locked up")
					}
					if calls.Load() == 0 && name == "everything" {
						t.Error("the function was not called")
					}
					if shut := q.ShuttingDown(); shut != (name == "ShutDown" && calls.Load() > 0) {
						t.Errorf("shut down: %v", shut)
					}
					q.ShutDown()
				})
			}
		}
	}
}
