package workqueue_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

func wantWaits(t *testing.T, limiter workqueue.RateLimiter[string], key string, want ...time.Duration) {
	t.Helper()
	for i, w := range want {
		if got := limiter.When(key); got != w {
			t.Fatalf("failure %d of %q waits %v, want %v", i+1, key, got, w)
		}
	}
}

func TestExponentialDoublesWithEachFailureOfAKeyUpToItsLimit(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	limiter := workqueue.Exponential[string](100*ms, 1*s)
	wantWaits(t, limiter, "a", 100*ms, 200*ms, 400*ms, 800*ms, 1*s, 1*s)
	wantWaits(t, limiter, "b", 100*ms)
	if a, b := limiter.NumRequeues("a"), limiter.NumRequeues("b"); a != 6 || b != 1 {
		t.Errorf("a failed %d times and b %d, want 6 and 1", a, b)
	}
	limiter.Forget("a")
	if n := limiter.NumRequeues("a"); n != 0 {
		t.Errorf("a forgotten key failed %d times", n)
	}
	wantWaits(t, limiter, "a", 100*ms)
	wantWaits(t, limiter, "b", 200*ms)
	limiter.Forget("never seen")
}

func TestExponentialNeverOverflows(t *testing.T) {
	for _, test := range []struct{ base, limit time.Duration }{
		{1, math.MaxInt64},
		{5 * time.Millisecond, 1000 * time.Second},
		{3, math.MaxInt64},
		{math.MaxInt64 / 2, math.MaxInt64},
		{math.MaxInt64, math.MaxInt64},
	} {
		limiter := workqueue.Exponential[string](test.base, test.limit)
		var last time.Duration
		for i := range 1000 {
			wait := limiter.When("a")
			if wait < last || wait > test.limit || wait <= 0 {
				t.Fatalf("base %d, limit %d: failure %d waits %d after %d", test.base, test.limit, i+1, wait, last)
			}
			last = wait
		}
		if last != test.limit {
			t.Errorf("base %d: ends at %d, want the limit %d", test.base, last, test.limit)
		}
	}
}

func TestTheBoundsOfExponentialAre0ForTheDefaultAndNegativeForOff(t *testing.T) {
	const base, most = workqueue.DefaultBaseDelay, workqueue.DefaultMaxDelay
	wantWaits(t, workqueue.Exponential[string](0, time.Hour), "a", base, 2*base)
	wantWaits(t, workqueue.Exponential[string](1, time.Hour), "a", 1, 2, 4)
	wantWaits(t, workqueue.Exponential[string](600*time.Second, 0), "a", 600*time.Second, most, most)
	wantWaits(t, workqueue.Exponential[string](600*time.Second, -1), "a", 600*time.Second, 1200*time.Second, 2400*time.Second)
	wantWaits(t, workqueue.Exponential[string](time.Hour, time.Second), "a", time.Hour, time.Hour)
	off := workqueue.Exponential[string](-1, 0)
	wantWaits(t, off, "a", 0, 0, 0)
	if n := off.NumRequeues("a"); n != 3 {
		t.Errorf("NumRequeues is %d, want 3: failures are counted without a wait too", n)
	}
}

func TestBucketKeepsAllKeysToOnePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := workqueue.Bucket[string](10, 2)
		const tenth = 100 * time.Millisecond
		wantWaits(t, limiter, "a", 0)
		wantWaits(t, limiter, "b", 0)
		wantWaits(t, limiter, "c", tenth, 2*tenth)
		limiter.Forget("c") // gives no token back
		wantWaits(t, limiter, "a", 3*tenth)
		time.Sleep(time.Second)
		wantWaits(t, limiter, "a", 0, 0, tenth)
		if n := limiter.NumRequeues("a"); n != 0 {
			t.Errorf("a bucket counted %d failures", n)
		}
	})
}

func TestTheBoundsOfABucketAre0ForTheDefaultAndNegativeForOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			name   string
			qps    float64
			burst  int
			atOnce int           // failures that do not wait
			then   time.Duration // the wait of the next one
		}{
			{"defaults", 0, 0, workqueue.DefaultBurst, time.Second / workqueue.DefaultQPS},
			{"a pace of its own", 4, 3, 3, time.Second / 4},
			{"the default pace, two ahead", 0, 2, 2, time.Second / workqueue.DefaultQPS},
			{"no burst", 4, -1, 1, time.Second / 4},
			{"no limit", -1, 0, 10_000, 0},
			{"no limit, no burst", -1, -1, 10_000, 0},
		} {
			limiter := workqueue.Bucket[string](tt.qps, tt.burst)
			wantWaits(t, limiter, tt.name, make([]time.Duration, tt.atOnce)...)
			wantWaits(t, limiter, tt.name, tt.then)
		}
	})
}

func TestMaxOfWaitsForTheLongestAndCountsInAll(t *testing.T) {
	one := workqueue.Exponential[string](1*time.Second, 4*time.Second)
	two := workqueue.Exponential[string](3*time.Second, 3*time.Second)
	limiter := workqueue.MaxOf(one, two)
	two.When("a") // has seen a failure that one has not
	wantWaits(t, limiter, "a", 3*time.Second, 3*time.Second, 4*time.Second)
	if n := limiter.NumRequeues("a"); n != 4 {
		t.Errorf("NumRequeues is %d, want the largest, 4", n)
	}
	limiter.Forget("a")
	if n := one.NumRequeues("a") + two.NumRequeues("a"); n != 0 {
		t.Error("a limiter was not told to forget")
	}
	wantWaits(t, workqueue.MaxOf[string](), "a", 0)
}

func TestTheDefaultRetriesAKeyFromMillisecondsToAQuarterOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.Add("a")
		for failures := 1; failures <= 25; failures++ {
			key := get(t, q)
			start := time.Now()
			q.AddRateLimited(key)
			q.Done(key)
			if n := q.NumRequeues("a"); n != failures {
				t.Fatalf("NumRequeues is %d, want %d", n, failures)
			}
			want := min(5*time.Millisecond<<(failures-1), 1000*time.Second)
			after(want - 1)
			wantLen(t, q, 0, "before the delay ends")
			after(1)
			wantLen(t, q, 1, "when "+time.Since(start).String()+" passed")
		}
		q.Forget("a")
		if n := q.NumRequeues("a"); n != 0 {
			t.Errorf("NumRequeues after Forget is %d", n)
		}
	})
}

func TestTheDefaultKeepsAStormToItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[int]()
		for key := range 1000 {
			q.AddRateLimited(key)
		}
		after(5 * time.Millisecond)
		wantLen(t, q, workqueue.DefaultBurst, "at first, the burst")
		after(10*time.Second - 5*time.Millisecond)
		wantLen(t, q, workqueue.DefaultBurst+10*workqueue.DefaultQPS, "ten seconds later")
		after(80 * time.Second)
		wantLen(t, q, 1000, "at the end")
	})
}

type fixed time.Duration

func (f fixed) When(string) time.Duration { return time.Duration(f) }
func (fixed) Forget(string)               {}
func (fixed) NumRequeues(string) int      { return 42 }

func TestAQueueAsksTheLimiterItWasGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.NewWithRateLimiter(fixed(time.Minute))
		q.AddRateLimited("a")
		after(time.Minute - 1)
		wantLen(t, q, 0, "before the limiter's delay ends")
		after(1)
		wantLen(t, q, 1, "at its end")
		if n := q.NumRequeues("a"); n != 42 {
			t.Errorf("NumRequeues is %d, want the limiter's 42", n)
		}
	})
}
