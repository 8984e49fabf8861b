package workqueue_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// keyNames are made beforehand: making them is not what is measured.
func keyNames(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("namespace-%d/name-%d", i%100, i)
	}
	return keys
}

func turn(b *testing.B, q *workqueue.Queue[string]) {
	key, err := q.Get(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	q.Done(key)
}

// TestATurnAllocatesNothing: a key's way from Add to Done reuses what an earlier
// key's left.
func TestATurnAllocatesNothing(t *testing.T) {
	q := workqueue.New[string]()
	ctx := t.Context()
	allocs := testing.AllocsPerRun(1000, func() {
		q.Add("namespace/name")
		key, _ := q.Get(ctx)
		q.Done(key)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func BenchmarkTurn(b *testing.B) {
	for _, bench := range []struct {
		name    string
		metrics workqueue.Metrics
	}{
		{"without metrics", workqueue.Metrics{}},
		{"with metrics", workqueue.Metrics{
			Adds:         func() {},
			Retries:      func() {},
			Latency:      func(time.Duration) {},
			WorkDuration: func(time.Duration) {},
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			q := workqueue.New[string](workqueue.WithMetrics(bench.metrics))
			keys := keyNames(1000)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				q.Add(keys[i%len(keys)])
				turn(b, q)
			}
		})
	}
}

// BenchmarkTurnBehindABacklog is a turn with 100,000 keys queued.
func BenchmarkTurnBehindABacklog(b *testing.B) {
	q := workqueue.New[string]()
	keys := keyNames(100_000)
	for _, key := range keys {
		q.Add(key)
	}
	b.ReportAllocs()
	for b.Loop() {
		key, err := q.Get(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		q.Add(key)
		q.Done(key)
	}
}

// BenchmarkAddOfAQueuedKey is what an event costs whose key is queued already.
func BenchmarkAddOfAQueuedKey(b *testing.B) {
	q := workqueue.New[string]()
	b.ReportAllocs()
	for b.Loop() {
		q.Add("namespace/name")
	}
}

// BenchmarkHandOver is an Add with five workers taking keys at the other end. It
// is not a whole turn each: some Adds find their key queued still.
func BenchmarkHandOver(b *testing.B) {
	q := workqueue.New[string]()
	keys := keyNames(1000)
	var workers sync.WaitGroup
	for range 5 {
		workers.Go(func() {
			for {
				key, err := q.Get(b.Context())
				if err != nil {
					return
				}
				q.Done(key)
			}
		})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q.Add(keys[i%len(keys)])
	}
	if err := q.ShutDownWithDrain(b.Context()); err != nil {
		b.Fatal(err)
	}
	workers.Wait()
}

// BenchmarkAddAfterOfAHotKey delays one key over and over.
func BenchmarkAddAfterOfAHotKey(b *testing.B) {
	q := workqueue.New[string]()
	defer q.ShutDown()
	b.ReportAllocs()
	for b.Loop() {
		q.AddAfter("namespace/name", time.Hour)
	}
}

const million = 1_000_000

// BenchmarkAddAfterOfAMillionKeys reports what each costs in time and memory,
// beside the key itself.
func BenchmarkAddAfterOfAMillionKeys(b *testing.B) {
	keys := keyNames(million)
	for b.Loop() {
		before := heapInUse()
		start := time.Now()
		q := workqueue.New[string]()
		for i, key := range keys {
			q.AddAfter(key, time.Hour+time.Duration(i*7919%million)*time.Millisecond)
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/million, "ns/key")
		b.ReportMetric(float64(heapInUse()-before)/million, "B/key")
		q.ShutDown()
	}
}

// BenchmarkAMillionKeysFallDue is the time from the instant at which all are due
// until the last is handed out. Meanwhile an Add takes at most what is reported
// for 9,999 of 10,000 (the very longest shows the machine's scheduler).
func BenchmarkAMillionKeysFallDue(b *testing.B) {
	keys := keyNames(million)
	for b.Loop() {
		b.StopTimer()
		q := workqueue.New[string]()
		due := time.Now().Add(3 * time.Second)
		for _, key := range keys {
			q.AddAfter(key, time.Until(due))
		}
		late := time.Until(due) <= 0
		for q.Len() == 0 {
			runtime.Gosched()
		}
		b.StartTimer()
		start := time.Now()
		adds := make([]time.Duration, million)
		for i := range adds {
			at := time.Now()
			q.Add("an event")
			adds[i] = time.Since(at)
			turn(b, q)
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/million, "ns/key")
		slices.Sort(adds)
		b.ReportMetric(float64(adds[million/10_000*9_999].Microseconds()), "µs-Add-p99.99")
		if late {
			b.Log("adding the keys took longer than their delay")
		}
		q.ShutDown()
	}
}

func heapInUse() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
