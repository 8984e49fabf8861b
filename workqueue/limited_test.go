package workqueue_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// Q2: a key that waits takes nothing of the limit that all keys share, however it came to wait and
// however often it is added. All keys together have 3 retries at once and one in 10 seconds; a key's
// own waits are of a second.
func TestAKeyThatWaitsTakesNothingOfTheSharedLimit(t *testing.T) {
	own := func() workqueue.RateLimiter[string] {
		return workqueue.Exponential[string](time.Second, time.Second)
	}
	limiters := map[string]func() workqueue.RateLimiter[string]{
		"own, bucket": func() workqueue.RateLimiter[string] {
			return workqueue.MaxOf(own(), workqueue.Bucket[string](0.1, 3))
		},
		"bucket, own": func() workqueue.RateLimiter[string] {
			return workqueue.MaxOf(workqueue.Bucket[string](0.1, 3), own())
		},
		"one in another": func() workqueue.RateLimiter[string] {
			return workqueue.MaxOf(own(), workqueue.MaxOf(workqueue.Bucket[string](0.1, 3)))
		},
	}
	for name, limiter := range limiters {
		for _, tt := range []struct {
			name   string
			before func(*workqueue.Queue[string])
			tokens int // that the 1,000 calls for key a take
			due    time.Duration
		}{
			{"it waits for nothing", func(*workqueue.Queue[string]) {}, 1, time.Second},
			{"it waits for a retry", func(q *workqueue.Queue[string]) { q.AddRateLimited("a") }, 1, time.Second},
			{"it waits for an earlier time", func(q *workqueue.Queue[string]) { q.AddAfter("a", time.Second-1) },
				0, time.Second - 1},
			{"it waits for that time", func(q *workqueue.Queue[string]) { q.AddAfter("a", time.Second) },
				0, time.Second},
			// Such a key needs a retry before its time, and one retry is what it takes.
			{"it waits for a later time", func(q *workqueue.Queue[string]) { q.AddAfter("a", time.Second+1) },
				1, time.Second},
			{"it waits for a much later time", func(q *workqueue.Queue[string]) { q.AddAfter("a", time.Hour) },
				1, time.Second},
			{"its retry comes early", func(q *workqueue.Queue[string]) {
				q.AddRateLimited("a")
				q.AddAfter("a", time.Millisecond)
			}, 1, time.Millisecond},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var retries int
					q := workqueue.NewWithRateLimiter(limiter(),
						workqueue.WithMetrics(workqueue.Metrics{Retries: func() { retries++ }}))
					tt.before(q)
					failures, counted := q.NumRequeues("a"), retries
					for range 1000 {
						q.AddRateLimited("a")
					}
					if n := q.NumRequeues("a") - failures; n != 1000 {
						t.Errorf("%d failures were counted, want 1000", n)
					}
					if n := retries - counted; n != 1000 {
						t.Errorf("the metric counts %d retries, want 1000", n)
					}
					after(tt.due - 1)
					wantLen(t, q, 0, "before a is due")
					after(1)
					wantLen(t, q, 1, "when a is due")
					for _, key := range []string{"b", "c", "d", "e"} {
						q.AddRateLimited(key)
					}
					after(time.Second)
					wantLen(t, q, 1+3-tt.tokens, "a second later")
					q.ShutDown()
				})
			})
		}
	}
}

// The tokens that are left are counted by the waits of others.
func TestAStormOfOneKeyDelaysNoOther(t *testing.T) {
	for name, limiter := range map[string]workqueue.RateLimiter[string]{
		"default": workqueue.DefaultRateLimiter[string](), "controller's": workqueue.ControllerRateLimiter[string](),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := workqueue.NewWithRateLimiter(limiter)
				for range 10_000 {
					q.AddRateLimited("a")
				}
				q.AddRateLimited("b")
				after(workqueue.DefaultBaseDelay)
				wantLen(t, q, 2, "after the first delay")
				q.ShutDown()
			})
		})
	}
}

// A key that waits for its place among the retries of all keys keeps it.
func TestAKeyThatWaitsForTheSharedLimitIsNotMovedBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.NewWithRateLimiter(workqueue.MaxOf(
			workqueue.Exponential[string](time.Millisecond, time.Second), workqueue.Bucket[string](0.1, 1)))
		q.AddRateLimited("a")
		q.AddRateLimited("b") // its place is in ten seconds
		for range 5 {
			q.AddRateLimited("b")
		}
		after(10*time.Second - 1)
		wantLen(t, q, 1, "before b has its place")
		after(1)
		wantLen(t, q, 2, "when b has its place")
	})
}

// A retry that came leaves nothing behind: the next one takes its token.
func TestEachRetryTakesItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.NewWithRateLimiter(workqueue.MaxOf(
			workqueue.Exponential[string](time.Millisecond, time.Millisecond), workqueue.Bucket[string](0.1, 2)))
		for n, want := range []time.Duration{time.Millisecond, time.Millisecond, 10*time.Second - 2*time.Millisecond} {
			q.AddRateLimited("a")
			after(want - 1)
			wantLen(t, q, 0, fmt.Sprintf("before retry %d", n+1))
			after(1)
			wantLen(t, q, 1, fmt.Sprintf("at retry %d", n+1))
			q.Done(get(t, q))
		}
	})
}

// A key that is queued or processed takes one place among the retries of all keys, however often it
// is added meanwhile.
func TestAKeyInLineTakesOneToken(t *testing.T) {
	for name, before := range map[string]func(*workqueue.Queue[string]){
		"queued":    func(q *workqueue.Queue[string]) { q.Add("a") },
		"processed": func(q *workqueue.Queue[string]) { q.Add("a"); _, _ = q.Get(t.Context()) },
		"processed and queued again": func(q *workqueue.Queue[string]) {
			q.Add("a")
			_, _ = q.Get(t.Context())
			q.Add("a")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bucket := workqueue.Bucket[string](0.1, 3)
				q := workqueue.NewWithRateLimiter(workqueue.MaxOf(
					workqueue.Exponential[string](time.Second, time.Second), bucket))
				before(q)
				for range 1000 {
					q.AddRateLimited("a")
					q.Add("a")
					q.AddAfter("a", time.Hour)
				}
				wantWaits(t, bucket, "others", 0, 0, 10*time.Second)
				q.ShutDown()
			})
		})
	}
}
