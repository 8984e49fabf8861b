package workqueue_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

func wantShutDown[K comparable](t *testing.T, q *workqueue.Queue[K]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if key, err := q.Get(ctx); err != workqueue.ErrShutDown {
		t.Errorf("Get returned %v and %v, want ErrShutDown", key, err)
	}
}

func TestShutDownHandsOutWhatIsQueuedAndThenSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.Add("processed")
		processed := get(t, q)
		q.Add("a")
		q.Add("b")
		q.Add("processed")
		q.ShutDown()
		wantKeys(t, takeAll(t, q), "a", "b")
		q.Done(processed)
		wantKeys(t, takeAll(t, q), "processed")
		wantShutDown(t, q)
		wantShutDown(t, q)
	})
}

func TestAfterShutDownNothingIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.Add("processed")
		processed := get(t, q)
		q.ShutDown()
		for _, key := range []string{"processed", "new"} {
			q.Add(key)
			q.AddAfter(key, 0)
			q.AddAfter(key, time.Second)
			q.AddRateLimited(key)
			if n := q.NumRequeues(key); n != 0 {
				t.Errorf("the limiter remembers %q", key)
			}
		}
		after(time.Hour)
		q.Done(processed)
		wantShutDown(t, q)
		if s := q.Stats(); s != (workqueue.Stats{}) {
			t.Errorf("something was taken: %+v", s)
		}
	})
}

func TestShutDownDropsDelayedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.AddAfter("a", time.Second)
		q.ShutDown()
		if s := q.Stats(); s.Delayed != 0 {
			t.Errorf("%d keys are still delayed", s.Delayed)
		}
		after(time.Hour)
		wantShutDown(t, q)
	})
}

func TestShutDownMayBeCalledAgainAndConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		if q.ShuttingDown() {
			t.Error("shutting down from the start")
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(q.ShutDown)
			wg.Go(func() {
				if err := q.ShutDownWithDrain(t.Context()); err != nil {
					t.Errorf("drain: %v", err)
				}
			})
		}
		wg.Wait()
		if !q.ShuttingDown() {
			t.Error("not shutting down")
		}
	})
}

func TestDrainOfAnEmptyQueueReturnsAtOnce(t *testing.T) {
	q := workqueue.New[string]()
	q.AddAfter("dropped", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing to wait for, so it does not matter
	for range 100 {
		if err := q.ShutDownWithDrain(ctx); err != nil {
			t.Fatalf("drain: %v", err)
		}
	}
}

// drain starts a ShutDownWithDrain and returns where its answer comes.
func drain(ctx context.Context, q *workqueue.Queue[string]) <-chan error {
	answers := make(chan error, 1)
	go func() { answers <- q.ShutDownWithDrain(ctx) }()
	synctest.Wait()
	return answers
}

func TestDrainWaitsForWhatIsProcessedAndForWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		for _, key := range []string{"a", "b"} {
			q.Add(key)
		}
		a := get(t, q)
		q.Add("a") // once more after this one
		first, second := drain(t.Context(), q), drain(t.Context(), q)
		still := func(when string) {
			t.Helper()
			synctest.Wait()
			if len(first)+len(second) != 0 {
				t.Fatalf("drained %s", when)
			}
		}
		still("with a processed and b queued")
		q.Done(a)
		still("with none processed, but b and a queued")
		b := get(t, q)
		still("with b processed and a queued")
		q.Done(b)
		still("with a queued")
		a = get(t, q)
		still("with a processed")
		q.Done(a)
		synctest.Wait()
		if len(first) != 1 || len(second) != 1 {
			t.Fatal("not drained after the last Done")
		}
		if err := errors.Join(<-first, <-second); err != nil {
			t.Errorf("drain: %v", err)
		}
	})
}

func TestDrainEndsWithItsContextAndTellsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string](workqueue.WithName("services"))
		for _, key := range []string{"a", "b", "c"} {
			q.Add(key)
		}
		a := get(t, q)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		err := q.ShutDownWithDrain(ctx)
		if waited := time.Since(start); waited != 30*time.Second {
			t.Errorf("waited %v, want 30s", waited)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error is %v, want one of the deadline", err)
		}
		for _, part := range []string{`"services"`, "2 keys still queued", "1 being processed"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q does not say %q", err, part)
			}
		}

		// The workers that are left may finish, and another drain sees it.
		q.Done(a)
		wantKeys(t, takeAll(t, q), "b", "c")
		if err := q.ShutDownWithDrain(t.Context()); err != nil {
			t.Errorf("drain again: %v", err)
		}
	})
}

func TestWorkersEndWhenAQueueIsDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[int]()
		var workers sync.WaitGroup
		for range 5 {
			workers.Go(func() {
				for {
					key, err := q.Get(t.Context())
					if err != nil {
						return
					}
					time.Sleep(time.Second)
					q.Done(key)
				}
			})
		}
		for key := range 50 {
			q.Add(key)
		}
		start := time.Now()
		if err := q.ShutDownWithDrain(t.Context()); err != nil {
			t.Fatalf("drain: %v", err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("50 keys of 1s with 5 workers took %v, want 10s", took)
		}
		workers.Wait()
	})
}
