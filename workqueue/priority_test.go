package workqueue_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

func TestLowKeysComeAfterHighOnesEachInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string](workqueue.WithPriority(0))
		for _, key := range []string{"low 1", "low 2", "low 3"} {
			q.AddLow(key)
		}
		q.Add("high 1")
		q.AddAfter("high 2", 0)
		q.AddRateLimited("high 3")
		after(time.Second)
		if s := q.Stats(); s.Depth != 6 || s.Low != 3 || q.Len() != 6 {
			t.Errorf("%+v, want 6 keys, 3 of them low", s)
		}
		wantKeys(t, takeAll(t, q), "high 1", "high 2", "high 3", "low 1", "low 2", "low 3")
	})
}

func TestAKeyKeepsTheHighestPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string](workqueue.WithPriority(0))
		q.AddLow("raised")
		q.AddLow("low")
		q.Add("high")
		q.Add("raised")  // at the end of the high ones
		q.AddLow("high") // stays high
		q.Add("last")
		wantKeys(t, takeAll(t, q), "high", "raised", "last", "low")

		// Likewise while a worker has the key.
		for _, key := range []string{"low then high", "high then low", "low"} {
			q.Add(key)
		}
		var taken []string
		for range 3 {
			taken = append(taken, get(t, q))
		}
		q.AddLow("low then high")
		q.Add("low then high")
		q.Add("high then low")
		q.AddLow("high then low")
		q.AddLow("low")
		for _, key := range slices.Backward(taken) {
			q.Done(key)
		}
		wantKeys(t, takeAll(t, q), "high then low", "low then high", "low")
	})
}

// A turn that was of high priority says nothing of the next one.
func TestAPriorityEndsWithItsTurn(t *testing.T) {
	q := workqueue.New[string](workqueue.WithPriority(0))
	q.Add("a")
	q.Done(get(t, q))
	q.AddLow("a")
	q.AddLow("b")
	q.Add("high")
	wantKeys(t, takeAll(t, q), "high", "a", "b")
	q.AddLow("a")
	q.AddLow("b")
	q.Done(get(t, q)) // a, which was low
	q.Add("a")
	wantKeys(t, takeAll(t, q), "a", "b")
}

// The bound: a low key that has waited 30 s is next, one that has waited a nanosecond less is not.
func TestTheBoundOfTheWaitBehindHighKeys(t *testing.T) {
	const lowWait = 30 * time.Second
	if workqueue.DefaultLowWait != lowWait {
		t.Fatal("DefaultLowWait is not what the documentation has")
	}
	for _, tt := range []struct {
		option, waited time.Duration
		first          string
	}{
		{0, lowWait - 1, "high"}, {0, lowWait, "low"}, {0, lowWait + 1, "low"},
		{5, 4, "high"}, {5, 5, "low"}, {5, 6, "low"},
		{1, 0, "high"}, {1, 1, "low"},
		{-1, time.Hour, "low"}, {-1, 0, "low"}, // off: in order
	} {
		synctest.Test(t, func(t *testing.T) {
			q := workqueue.New[string](workqueue.WithPriority(tt.option))
			q.AddLow("low")
			q.Add("high")
			time.Sleep(tt.waited)
			if key := get(t, q); key != tt.first {
				t.Errorf("with %v, after %v: %s is first, want %s", tt.option, tt.waited, key, tt.first)
			}
		})
	}
}

// Low keys that have waited long enough take turns with high ones, so that neither starves.
func TestLowKeysThatWaitedTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[int](workqueue.WithPriority(time.Minute))
		for key := 1; key <= 3; key++ {
			q.AddLow(-key)
		}
		time.Sleep(time.Second)
		q.AddLow(-4)
		for key := 1; key <= 5; key++ {
			q.Add(key)
		}
		time.Sleep(time.Minute - time.Second)
		// -4 has waited a second less. The queue hands it out when no high key is left.
		wantKeys(t, takeAll(t, q), -1, 1, -2, 2, -3, 3, 4, 5, -4)
	})
}

// One worker and a stream of events that never ends: each low key comes in time.
func TestAStreamOfEventsStarvesNoLowKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lows, turn = 100, 100 * time.Millisecond
		q := workqueue.New[int](workqueue.WithPriority(0))
		for key := range lows {
			q.AddLow(key)
		}
		start := time.Now()
		for n, next := 0, 0; next < lows; n++ {
			q.Add(-1 - n%7) // one is there at each Get
			key := get(t, q)
			time.Sleep(turn)
			q.Done(key)
			if key < 0 {
				continue
			}
			if key != next {
				t.Fatalf("low key %d comes, want %d", key, next)
			}
			next++
			want := 30*time.Second + time.Duration(2*key+1)*turn // behind the low ones before it
			if took := time.Since(start); took > want {
				t.Errorf("low key %d was done after %v, want %v", key, took, want)
			}
		}
	})
}

// A list of 20,000 keys, of which each is slow, holds no event back: neither before the keys have
// waited for 30 s nor later.
func TestALongListHoldsNoEventBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, turn = 20_000, 10 * time.Millisecond
		q := workqueue.New[int](workqueue.WithPriority(0))
		for key := range keys {
			q.AddLow(key)
		}
		var worker sync.WaitGroup
		var longest time.Duration
		events := map[int]time.Time{}
		seen, lows := 0, 0
		var mu sync.Mutex // guards what is above
		worker.Go(func() {
			for {
				key, err := q.Get(t.Context())
				if err != nil {
					return
				}
				mu.Lock()
				if key < 0 {
					longest = max(longest, time.Since(events[key]))
					seen++
				} else {
					lows++
				}
				mu.Unlock()
				time.Sleep(turn)
				q.Done(key)
			}
		})
		for n := range 210 {
			time.Sleep(time.Second + time.Millisecond)
			mu.Lock()
			events[-1-n] = time.Now()
			mu.Unlock()
			q.Add(-1 - n)
		}
		time.Sleep(time.Minute)
		if err := q.ShutDownWithDrain(t.Context()); err != nil {
			t.Fatal(err)
		}
		worker.Wait()
		if seen != 210 || lows != keys {
			t.Errorf("%d events and %d keys of the list were seen", seen, lows)
		}
		if longest > 2*turn {
			t.Errorf("an event waited %v, want the turn that runs and one more at most", longest)
		}
	})
}

func TestLowIsAsAddWithoutTheOption(t *testing.T) {
	q := workqueue.New[string]()
	q.AddLow("a")
	q.Add("b")
	q.AddLow("c")
	if s := q.Stats(); s.Low != 0 || s.Depth != 3 {
		t.Errorf("%+v", s)
	}
	wantKeys(t, takeAll(t, q), "a", "b", "c")
	q.ShutDown()
	q.AddLow("d")
	wantLen(t, q, 0, "after ShutDown")
}

// What was asked for first counts: a low key that gets high priority has waited since.
func TestMetricsOfLowKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		q := workqueue.New[string](workqueue.WithPriority(0), workqueue.WithMetrics(r.metrics()))
		q.AddLow("a")
		q.AddLow("a")
		time.Sleep(2 * time.Second)
		q.Add("a")
		time.Sleep(time.Second)
		q.Done(get(t, q))
		r.want(t, 1, 0, []time.Duration{3 * time.Second}, []time.Duration{0})
	})
}

func TestATurnWithPriorityAllocatesNothing(t *testing.T) {
	q := workqueue.New[string](workqueue.WithPriority(0))
	ctx := t.Context()
	allocs := testing.AllocsPerRun(1000, func() {
		q.AddLow("low")
		q.AddLow("raised")
		q.Add("raised")
		for range 2 {
			key, _ := q.Get(ctx)
			q.Done(key)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func TestOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string](workqueue.WithPriority(0))
		if key, _, ok := q.Oldest(); ok {
			t.Errorf("an empty queue has %q", key)
		}
		want := func(want string, waited time.Duration) {
			t.Helper()
			if key, w, ok := q.Oldest(); !ok || key != want || w != waited {
				t.Errorf("oldest is %q, %v, %v; want %q, %v", key, w, ok, want, waited)
			}
		}
		q.Add("high")
		time.Sleep(time.Second)
		q.AddLow("low")
		want("high", time.Second)
		q.Done(get(t, q))
		want("low", 0)
		time.Sleep(time.Second)
		q.Add("high")
		want("low", time.Second)

		// Of two of one moment, the one that is next.
		q = workqueue.New[string](workqueue.WithPriority(0))
		q.AddLow("low")
		q.Add("high")
		want("high", 0)
		// The shortest wait is a wait.
		q = workqueue.New[string](workqueue.WithPriority(1))
		q.Add("high")
		time.Sleep(time.Second)
		want("high", time.Second)

		untimed := workqueue.New[string]()
		untimed.Add("a")
		time.Sleep(time.Second)
		if key, waited, ok := untimed.Oldest(); key != "a" || waited != 0 || !ok {
			t.Errorf("oldest is %q, %v, %v", key, waited, ok)
		}
	})
}

func TestNextAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		start := time.Now()
		q.Add("queued")
		q.AddAfter("later", time.Minute)
		q.AddAfter("later", time.Second)
		for key, want := range map[string]time.Duration{"queued": -1, "nobody": -1, "later": time.Second} {
			at, ok := q.NextAt(key)
			if ok != (want >= 0) || ok && at.Sub(start) != want {
				t.Errorf("%s: %v %v", key, at, ok)
			}
		}
		after(time.Second)
		if at, ok := q.NextAt("later"); ok {
			t.Errorf("a key that is queued is queued at %v", at)
		}
	})
}

// A delay keeps the highest priority with which its key was added; so does a key that is queued.
func TestAddLowAfter(t *testing.T) {
	add := map[string]func(q *workqueue.Queue[string], delay time.Duration){
		"low":     func(q *workqueue.Queue[string], d time.Duration) { q.AddLowAfter("k", d) },
		"high":    func(q *workqueue.Queue[string], d time.Duration) { q.AddAfter("k", d) },
		"limited": func(q *workqueue.Queue[string], _ time.Duration) { q.AddRateLimited("k") },
	}
	for _, test := range []struct {
		first, second string // second "" is none
		lowWait       time.Duration
		low           bool
	}{
		{"low", "", 0, true}, {"high", "", 0, false}, {"low", "low", 0, true}, {"low", "high", 0, false}, {"high", "low", 0, false},
		{"low", "limited", 0, false}, {"low", "", 1, true}, {"low", "", -1, false}, {"low", "low", -1, false},
	} {
		for _, delay := range []time.Duration{-1, 0, time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				var retries, adds int
				q := workqueue.New[string](workqueue.WithPriority(test.lowWait), workqueue.WithMetrics(workqueue.Metrics{Retries: func() { retries++ }, Adds: func() { adds++ }}))
				add[test.first](q, delay)
				if test.second != "" {
					add[test.second](q, delay+delay/2) // later, so that the delay stays
				}
				if _, waits := q.NextAt("k"); waits != (delay > 0 || test.second == "limited") || delay > 0 && q.IsLow("k") {
					t.Errorf("%+v, %v: waits %v, low %v", test, delay, waits, q.IsLow("k"))
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if s := q.Stats(); s.Depth != 1 || s.Low == 1 != test.low || q.IsLow("k") != test.low {
					t.Errorf("%+v, %v: %+v, low %v", test, delay, s, q.IsLow("k"))
				}
				if want := min(1, len(test.second)) + 1; retries != want || adds != 1 {
					t.Errorf("%+v, %v: %d retries, %d adds", test, delay, retries, adds)
				}
				if key, err := q.Get(t.Context()); err != nil || q.IsLow(key) != test.low {
					t.Errorf("%+v, %v: a worker has it with low %v, %v", test, delay, q.IsLow(key), err)
				}
				q.Add("k")
				if q.IsLow("k") {
					t.Error("the turn that it waits for is high")
				}
				q.ShutDown()
				q.AddLowAfter("x", delay)
				if q.IsLow("x") || q.Stats().Delayed != 0 || q.Len() > 1 {
					t.Errorf("after ShutDown: %+v", q.Stats())
				}
			})
		}
	}
}
