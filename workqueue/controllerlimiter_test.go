package workqueue_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// wantWithin checks that the next wait of key is d, less a quarter of it at most.
func wantWithin(t *testing.T, limiter workqueue.RateLimiter[string], key string, d time.Duration) {
	t.Helper()
	if got := limiter.When(key); got > d || got < d-d/4 {
		t.Fatalf("failure %d of %q waits %v, want %v to %v", limiter.NumRequeues(key), key, got, d-d/4, d)
	}
}

func TestTheControllersLimiterDoublesEachKeysWaitUpToTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := workqueue.ControllerRateLimiter[string]()
		want := workqueue.DefaultBaseDelay
		for range 30 {
			time.Sleep(time.Minute) // the burst is there again
			wantWithin(t, limiter, "a", want)
			want = min(2*want, workqueue.DefaultMaxDelay)
		}
		wantWithin(t, limiter, "b", workqueue.DefaultBaseDelay)
		if a, b := limiter.NumRequeues("a"), limiter.NumRequeues("b"); a != 30 || b != 1 {
			t.Errorf("a failed %d times and b %d, want 30 and 1", a, b)
		}
		limiter.Forget("a")
		limiter.Forget("never seen")
		if n := limiter.NumRequeues("a"); n != 0 {
			t.Errorf("a forgotten key failed %d times", n)
		}
		wantWithin(t, limiter, "a", workqueue.DefaultBaseDelay)
	})
}

func TestTheControllersLimiterLeavesOutAnotherPartOfEachWait(t *testing.T) {
	limiter := workqueue.ControllerRateLimiter[int]()
	waits := map[time.Duration]bool{}
	for key := range workqueue.ControllerBurst {
		waits[limiter.When(key)] = true
	}
	if len(waits) < workqueue.ControllerBurst/2 {
		t.Errorf("%d keys have %d different waits", workqueue.ControllerBurst, len(waits))
	}
}

// Retries up to the burst wait for their own key only; one beyond it waits for a second, and for
// its place among those of all keys.
func TestTheControllersLimiterPausesBeyondItsBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := workqueue.ControllerRateLimiter[int]()
		for key := range workqueue.ControllerBurst {
			if wait := limiter.When(key); wait > workqueue.DefaultBaseDelay {
				t.Fatalf("failure %d waits %v", key+1, wait)
			}
		}
		const place = time.Second / workqueue.ControllerQPS
		for n := range 3 {
			want := workqueue.ControllerPause + time.Duration(n+1)*place
			if wait := limiter.When(1000 + n); wait < want || wait > want+10*time.Nanosecond {
				t.Errorf("failure %d beyond the burst waits %v, want %v", n+1, wait, want)
			}
		}
		// The longest wait of those three counts when it is doubled.
		time.Sleep(time.Second)
		if wait := limiter.When(1002); wait < workqueue.ControllerPause*3/2 || wait > workqueue.ControllerPause*2+6*place+10 {
			t.Errorf("its second failure waits %v", wait)
		}
	})
}

// outage is a queue of the controller's limiter whose keys all fail until an instant.
type outage struct {
	keys    int
	until   time.Duration
	workers int // 0 means 10

	mu        sync.Mutex
	tries     []time.Duration // when each retry began, since the start
	succeeded int
	last      time.Duration // when the last key succeeded
}

// run works on the keys, a millisecond each, until all have succeeded or the time is over.
func (o *outage) run(t *testing.T, most time.Duration) {
	q := workqueue.NewWithRateLimiter(workqueue.ControllerRateLimiter[int]())
	start := time.Now()
	for key := range o.keys {
		q.Add(key)
	}
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	var workers sync.WaitGroup
	for range cmp.Or(o.workers, 10) {
		workers.Go(func() {
			for {
				key, err := q.Get(ctx)
				if err != nil {
					return
				}
				began := time.Since(start)
				time.Sleep(time.Millisecond)
				retry := q.NumRequeues(key) > 0
				if began < o.until {
					q.AddRateLimited(key)
				} else {
					q.Forget(key)
				}
				q.Done(key)
				o.note(began, retry, cancel)
			}
		})
	}
	workers.Wait()
	q.ShutDown()
}

func (o *outage) note(began time.Duration, retry bool, all func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if retry {
		o.tries = append(o.tries, began)
	}
	if began >= o.until {
		o.succeeded, o.last = o.succeeded+1, began
		if o.succeeded == o.keys {
			all()
		}
	}
}

// most returns the largest number of retries within a time.
func (o *outage) most(within time.Duration) int {
	slices.Sort(o.tries)
	most, from := 0, 0
	for to, at := range o.tries {
		for o.tries[from] <= at-within {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// Q1: an outage is over soon after its cause is, and at no time do more than 2,000 retries come in
// a second.
func TestAnOutageIsOverSoonAfterItsCauseIs(t *testing.T) {
	for _, tt := range []struct {
		name          string
		keys          int
		until, within time.Duration
		workers       int
	}{
		{"the case", 10_000, time.Second, 10 * time.Second, 10},
		{"one key", 1, time.Second, 3 * time.Second, 10},
		{"as many keys as the burst", 100, time.Second, 3 * time.Second, 10},
		{"a key more than the burst", 101, time.Second, 3 * time.Second, 10},
		{"a hundred thousand keys", 100_000, time.Second, 80 * time.Second, 100},
		{"a short outage", 10_000, 100 * time.Millisecond, 10 * time.Second, 10},
		{"three seconds", 10_000, 3 * time.Second, 20 * time.Second, 10},
		{"ten seconds", 10_000, 10 * time.Second, 35 * time.Second, 10},
		{"a minute", 10_000, time.Minute, 3*time.Minute + 5*time.Second, 10},
		{"a minute of one key", 1, time.Minute, 3 * time.Minute, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &outage{keys: tt.keys, until: tt.until, workers: tt.workers}
				o.run(t, time.Hour)
				t.Logf("over after %v, %d retries, at most %d in a second", o.last, len(o.tries), o.most(time.Second))
				if o.succeeded != tt.keys || o.last > tt.within {
					t.Errorf("%d of %d keys succeeded, the last after %v, want all within %v",
						o.succeeded, tt.keys, o.last, tt.within)
				}
				if most := o.most(time.Second); most > 2000 {
					t.Errorf("%d retries in a second, want 2000 at most", most)
				}
			})
		})
	}
}

// Keys that fail for ever come less and less often: in the long run 10,000 of them make about
// eleven retries a second.
func TestKeysThatFailForEverAreRetriedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outage{keys: 10_000, until: 24 * time.Hour}
		o.run(t, 3*time.Hour)
		in := func(from, to time.Duration) int {
			slices.Sort(o.tries)
			begin, _ := slices.BinarySearch(o.tries, from)
			end, _ := slices.BinarySearch(o.tries, to)
			return end - begin
		}
		for _, tt := range []struct {
			from, to    time.Duration
			least, most float64 // retries a second
		}{
			{0, time.Minute, 200, 1000},
			{5 * time.Minute, 10 * time.Minute, 20, 60},
			{time.Hour, 2 * time.Hour, 10, 13},
			{2 * time.Hour, 3 * time.Hour, 10, 13},
		} {
			rate := float64(in(tt.from, tt.to)) / (tt.to - tt.from).Seconds()
			t.Logf("from %v to %v: %.1f retries a second", tt.from, tt.to, rate)
			if rate < tt.least || rate > tt.most {
				t.Errorf("from %v to %v: %.1f retries a second, want %v to %v", tt.from, tt.to, rate, tt.least, tt.most)
			}
		}
		if most := o.most(time.Second); most > 2000 {
			t.Errorf("%d retries in a second, want 2000 at most", most)
		}
	})
}
