package workqueue_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// recorder keeps what a queue tells, from whichever goroutine.
type recorder struct {
	mu            sync.Mutex // guards what follows
	adds, retries int
	latency, work []time.Duration
}

func (r *recorder) metrics() workqueue.Metrics {
	note := func(what func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		what()
	}
	return workqueue.Metrics{
		Adds:         func() { note(func() { r.adds++ }) },
		Retries:      func() { note(func() { r.retries++ }) },
		Latency:      func(d time.Duration) { note(func() { r.latency = append(r.latency, d) }) },
		WorkDuration: func(d time.Duration) { note(func() { r.work = append(r.work, d) }) },
	}
}

func (r *recorder) want(t *testing.T, adds, retries int, latency, work []time.Duration) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.adds != adds || r.retries != retries {
		t.Errorf("%d adds and %d retries, want %d and %d", r.adds, r.retries, adds, retries)
	}
	if !slices.Equal(r.latency, latency) {
		t.Errorf("latencies %v, want %v", r.latency, latency)
	}
	if !slices.Equal(r.work, work) {
		t.Errorf("work durations %v, want %v", r.work, work)
	}
}

func TestMetricsTellWhatHappens(t *testing.T) {
	const s = time.Second
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		q := workqueue.New[string](workqueue.WithMetrics(r.metrics()))
		q.Add("a")
		q.Add("a") // nothing new: not counted
		time.Sleep(2 * s)
		q.Add("a") // nor does it make the key's wait any shorter
		a := get(t, q)
		r.want(t, 1, 0, []time.Duration{2 * s}, nil)

		time.Sleep(3 * s)
		q.Add("a") // a turn after this one: its wait begins now
		q.Add("a")
		time.Sleep(4 * s)
		q.Done(a)
		r.want(t, 2, 0, []time.Duration{2 * s}, []time.Duration{7 * s})

		time.Sleep(1 * s)
		q.Done(get(t, q))
		r.want(t, 2, 0, []time.Duration{2 * s, 5 * s}, []time.Duration{7 * s, 0})
		q.Done("a") // no worker has it
		r.want(t, 2, 0, []time.Duration{2 * s, 5 * s}, []time.Duration{7 * s, 0})
	})
}

func TestMetricsCountDelayedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		q := workqueue.New[string](workqueue.WithMetrics(r.metrics()))
		q.AddAfter("a", time.Second)
		q.AddAfter("b", 0)
		q.AddRateLimited("c")
		r.want(t, 1, 3, nil, nil)
		q.AddAfter("b", 2*time.Second) // queued when it comes due: no new turn
		after(time.Second)
		r.want(t, 3, 4, nil, nil)
		after(time.Second)
		r.want(t, 3, 4, nil, nil)

		// A delayed key's wait counts from when it came due.
		for range 3 {
			q.Done(get(t, q))
		}
		latency := []time.Duration{2 * time.Second, 2*time.Second - 5*time.Millisecond, time.Second}
		r.want(t, 3, 4, latency, []time.Duration{0, 0, 0})

		q.ShutDown() // what is not taken is not counted
		q.Add("a")
		q.AddAfter("a", time.Second)
		q.AddRateLimited("a")
		r.want(t, 3, 4, latency, []time.Duration{0, 0, 0})
	})
}

func TestAHookMayUseTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q *workqueue.Queue[string]
		depths := make(chan int, 10)
		note := func() { depths <- q.Stats().Depth }
		q = workqueue.New[string](workqueue.WithMetrics(workqueue.Metrics{
			Adds:         note,
			Retries:      note,
			Latency:      func(time.Duration) { note() },
			WorkDuration: func(time.Duration) { note() },
		}))
		q.Add("a")
		q.AddAfter("b", time.Second)
		after(time.Second)
		q.Done(get(t, q))
		close(depths)
		var got []int
		for depth := range depths {
			got = append(got, depth)
		}
		if want := []int{1, 1, 2, 1, 1}; !slices.Equal(got, want) {
			t.Errorf("depths %v, want %v", got, want)
		}
	})
}

func TestStatsShowTheQueueAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		for _, key := range []string{"a", "b", "c"} {
			q.Add(key)
		}
		q.AddAfter("d", time.Hour)
		time.Sleep(time.Second) // so that no key starts at the queue's own beginning
		a := get(t, q)
		time.Sleep(5 * time.Second)
		b := get(t, q)
		time.Sleep(2 * time.Second)
		want := workqueue.Stats{
			Depth: 1, Processing: 2, Delayed: 1,
			UnfinishedWork: 9 * time.Second, LongestRunningProcessor: 7 * time.Second,
		}
		if s := q.Stats(); s != want {
			t.Errorf("stats are %+v, want %+v", s, want)
		}

		q.Done(a)
		want = workqueue.Stats{
			Depth: 1, Processing: 1, Delayed: 1,
			UnfinishedWork: 2 * time.Second, LongestRunningProcessor: 2 * time.Second,
		}
		if s := q.Stats(); s != want {
			t.Errorf("with the longest done, stats are %+v, want %+v", s, want)
		}

		q.Done(b)
		want = workqueue.Stats{Depth: 1, Delayed: 1}
		if s := q.Stats(); s != want {
			t.Errorf("with none processed, stats are %+v, want %+v", s, want)
		}
	})
}
