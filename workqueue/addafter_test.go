package workqueue_test

import (
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// after moves the bubble's clock and lets what came due happen.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func wantLen[K comparable](t *testing.T, q *workqueue.Queue[K], want int, when string) {
	t.Helper()
	if n := q.Len(); n != want {
		t.Fatalf("%s: %d keys queued, want %d", when, n, want)
	}
}

func TestADelayedKeyIsQueuedWhenItsTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.AddAfter("a", time.Minute)
		after(time.Minute - 1)
		wantLen(t, q, 0, "a nanosecond early")
		if s := q.Stats(); s.Delayed != 1 {
			t.Errorf("%d keys delayed, want 1", s.Delayed)
		}
		after(1)
		wantLen(t, q, 1, "in time")
		if s := q.Stats(); s.Delayed != 0 {
			t.Errorf("%d keys delayed after their time, want 0", s.Delayed)
		}
	})
}

func TestADelayThatIsNotPositiveIsNone(t *testing.T) {
	q := workqueue.New[string]()
	q.AddAfter("a", 0)
	q.AddAfter("b", -time.Hour)
	q.AddAfter("c", math.MinInt64)
	wantKeys(t, takeAll(t, q), "a", "b", "c")
}

func TestTheEarliestOfAKeysDelaysCounts(t *testing.T) {
	for _, test := range []struct {
		name   string
		delays []time.Duration
	}{
		{"earlier after later", []time.Duration{time.Hour, time.Minute, time.Second}},
		{"later after earlier", []time.Duration{time.Second, time.Minute, time.Hour}},
		{"the same twice", []time.Duration{time.Second, time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := workqueue.New[string]()
				for _, delay := range test.delays {
					q.AddAfter("a", delay)
				}
				after(time.Second)
				wantKeys(t, takeAll(t, q), "a")
				after(2 * time.Hour)
				wantLen(t, q, 0, "at the end of the later delays")
			})
		})
	}
}

func TestDelayedKeysComeInTheOrderOfTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[int]()
		for _, seconds := range []int{30, 10, 50, 20, 40} {
			q.AddAfter(seconds, time.Duration(seconds)*time.Second)
		}
		var order []int
		for range 5 {
			after(10 * time.Second)
			order = append(order, takeAll(t, q)...)
		}
		wantKeys(t, order, 10, 20, 30, 40, 50)
	})
}

func TestKeysDueAtOneInstantComeInTheOrderOfTheirAdds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[int]()
		var want []int
		for i := range 2000 { // more than are moved in one go
			key := i * 7919 % 2000
			want = append(want, key)
			q.AddAfter(key, time.Second)
		}
		after(time.Second)
		wantKeys(t, takeAll(t, q), want...)
	})
}

func TestAnAddLeavesTheKeysDelayInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.AddAfter("a", time.Hour) // as a controller does that must look again then
		q.Add("a")
		wantKeys(t, takeAll(t, q), "a")
		after(time.Hour)
		wantKeys(t, takeAll(t, q), "a")
	})
}

func TestADelayThatEndsWhileItsKeyIsQueuedOrProcessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.Add("a")
		q.AddAfter("a", time.Second)
		after(time.Second)
		wantLen(t, q, 1, "the key was queued already")

		key := get(t, q)
		q.AddAfter("a", time.Second)
		after(time.Second)
		wantLen(t, q, 0, "a worker has the key")
		q.Done(key)
		wantKeys(t, takeAll(t, q), "a")
	})
}

func TestAKeyMayBeDelayedAgainAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		for range 3 {
			q.AddAfter("a", time.Second)
			after(time.Second)
			wantKeys(t, takeAll(t, q), "a")
		}
	})
}

func TestTheLongestDelayDoesNotOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		after(time.Hour) // so that now + the delay is more than an int64 holds
		q.AddAfter("never", math.MaxInt64)
		q.AddAfter("soon", time.Second)
		after(time.Second)
		wantKeys(t, takeAll(t, q), "soon")
		after(100 * 365 * 24 * time.Hour)
		wantLen(t, q, 0, "after a hundred years")
	})
}

func TestAHotKeyDoesNotGrowTheDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		for i := range 10_000 {
			q.AddAfter("hot", time.Hour-time.Duration(i))
			q.AddAfter("hot", time.Hour)
		}
		if s := q.Stats(); s.Delayed != 1 {
			t.Errorf("%d entries for one key", s.Delayed)
		}
	})
}

// A goroutine of the queue's own would still be there when the bubble ends, and
// synctest.Test fails then; so would a timer's that runs on.
func TestAQueueThatIsDroppedLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.Add("a")
		q.AddAfter("b", time.Hour)
		q.AddAfter("c", time.Second)
		after(time.Second)
		q.AddAfter("d", 2*time.Hour)
	})
}

func TestDelaysNeedNoGoroutineWhileTheyRun(t *testing.T) {
	before := runtime.NumGoroutine()
	q := workqueue.New[int]()
	defer q.ShutDown()
	for key := range 1000 {
		q.AddAfter(key, time.Hour)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines with a thousand keys delayed, %d before", n, before)
	}
}
