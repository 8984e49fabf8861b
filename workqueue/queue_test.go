package workqueue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/skiff-k8s/skiff/workqueue"
)

// get takes a key that must be there.
func get[K comparable](t *testing.T, q *workqueue.Queue[K]) K {
	t.Helper()
	if q.Len() == 0 {
		t.Fatal("no key is queued")
	}
	key, err := q.Get(t.Context())
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return key
}

// takeAll hands every queued key out and finishes it, and returns their order.
func takeAll[K comparable](t *testing.T, q *workqueue.Queue[K]) []K {
	t.Helper()
	var keys []K
	for q.Len() > 0 {
		key := get(t, q)
		q.Done(key)
		keys = append(keys, key)
	}
	return keys
}

func wantKeys[K comparable](t *testing.T, got []K, want ...K) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("handed out %v, want %v", got, want)
	}
}

func TestAKeyIsQueuedOnceHoweverOftenItIsAdded(t *testing.T) {
	q := workqueue.New[string]()
	for range 3 {
		q.Add("a")
		q.Add("b")
	}
	if n := q.Len(); n != 2 {
		t.Errorf("Len is %d, want 2", n)
	}
	wantKeys(t, takeAll(t, q), "a", "b")
}

func TestKeysAreHandedOutInTheOrderOfTheirAdds(t *testing.T) {
	q := workqueue.New[int]()
	want := []int{5, 3, 9, 1, 7}
	for _, key := range want {
		q.Add(key)
	}
	q.Add(9) // queued already: keeps its place
	wantKeys(t, takeAll(t, q), want...)
}

func TestABusyKeyQueuesBehindThoseThatWait(t *testing.T) {
	q := workqueue.New[string]()
	q.Add("busy")
	q.Add("a")
	q.Add("b")
	var order []string
	for range 6 {
		key := get(t, q)
		order = append(order, key)
		if key == "busy" {
			q.Add("busy") // as if an event came for it each time
		}
		q.Done(key)
		if key != "busy" {
			q.Add(key)
		}
	}
	wantKeys(t, order, "busy", "a", "b", "busy", "a", "b")
}

func TestAKeyAddedWhileProcessedIsHandedOutAgainButOnlyAfterDone(t *testing.T) {
	q := workqueue.New[string]()
	q.Add("a")
	key := get(t, q)
	q.Add("a")
	q.Add("a")
	if n := q.Len(); n != 0 {
		t.Fatalf("%d keys are queued while a worker has the only one", n)
	}
	q.Done(key)
	if n := q.Len(); n != 1 {
		t.Fatalf("Len after Done is %d, want 1", n)
	}
	wantKeys(t, takeAll(t, q), "a")
}

func TestAKeyThatNobodyAddedAgainIsFinishedAtDone(t *testing.T) {
	q := workqueue.New[string]()
	q.Add("a")
	q.Done(get(t, q))
	if s := q.Stats(); s != (workqueue.Stats{}) {
		t.Errorf("something is left: %+v", s)
	}
}

func TestDoneOfAKeyThatNoWorkerHasDoesNothing(t *testing.T) {
	q := workqueue.New[string]()
	q.Done("unknown")
	q.Add("queued")
	q.Done("queued")
	wantKeys(t, takeAll(t, q), "queued")

	q.Add("twice")
	key := get(t, q)
	q.Add("twice")
	q.Done(key)
	q.Done(key) // it is queued now, not processed
	wantKeys(t, takeAll(t, q), "twice")
}

// waitingGet starts a Get that finds nothing and returns where its answer comes.
func waitingGet(ctx context.Context, q *workqueue.Queue[string]) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		key, err := q.Get(ctx)
		answers <- answer{key, err}
	}()
	synctest.Wait()
	return answers
}

type answer struct {
	key string
	err error
}

func wantAnswer(t *testing.T, answers <-chan answer, key string, err error) {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-answers:
		if a.key != key || !errors.Is(a.err, err) {
			t.Errorf("Get returned %q and %v, want %q and %v", a.key, a.err, key, err)
		}
	default:
		t.Errorf("Get still waits, want %q and %v", key, err)
	}
}

func TestAWaitingGetIsWoken(t *testing.T) {
	t.Run("by Add", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := workqueue.New[string]()
			answers := waitingGet(t.Context(), q)
			q.Add("a")
			wantAnswer(t, answers, "a", nil)
		})
	})
	t.Run("by Done of a key added meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := workqueue.New[string]()
			q.Add("a")
			key := get(t, q)
			answers := waitingGet(t.Context(), q)
			q.Add("a")
			synctest.Wait()
			if len(answers) != 0 {
				t.Error("the key is with two workers")
			}
			q.Done(key)
			wantAnswer(t, answers, "a", nil)
		})
	})
	t.Run("by the end of its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := workqueue.New[string]()
			ctx, cancel := context.WithCancel(t.Context())
			answers := waitingGet(ctx, q)
			cancel()
			wantAnswer(t, answers, "", context.Canceled)
		})
	})
	t.Run("by ShutDown", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := workqueue.New[string]()
			one, two := waitingGet(t.Context(), q), waitingGet(t.Context(), q)
			q.ShutDown()
			wantAnswer(t, one, "", workqueue.ErrShutDown)
			wantAnswer(t, two, "", workqueue.ErrShutDown)
		})
	})
}

func TestEveryWaitingWorkerIsWokenForAKeyOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[int]()
		const workers = 8
		got := make(chan int, workers)
		for range workers {
			go func() {
				key, err := q.Get(t.Context())
				if err != nil {
					t.Errorf("Get: %v", err)
				}
				got <- key // and no Done: nobody else will wake the others
			}()
		}
		synctest.Wait()
		for key := range workers {
			q.Add(key)
		}
		synctest.Wait()
		if len(got) != workers {
			t.Errorf("%d of %d workers got a key", len(got), workers)
			q.ShutDown()
		}
	})
}

func TestAnEndedContextGetsNoKey(t *testing.T) {
	q := workqueue.New[string]()
	q.Add("a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		if key, err := q.Get(ctx); err != context.Canceled {
			t.Fatalf("Get returned %q and %v, want context.Canceled", key, err)
		}
	}
	wantKeys(t, takeAll(t, q), "a")
}

// A worker that is cancelled just as a key comes must not take the wake-up with
// it: the key would lie there with others waiting.
func TestACancelledGetDoesNotSwallowAnothersWakeUp(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			q := workqueue.New[int]()
			var handedOut atomic.Int32
			worker := func(ctx context.Context) {
				for {
					key, err := q.Get(ctx)
					if err != nil {
						return
					}
					handedOut.Add(1)
					q.Done(key)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			for range 3 {
				go worker(ctx)
			}
			go worker(t.Context())
			synctest.Wait()

			var wg sync.WaitGroup
			wg.Go(cancel)
			wg.Go(func() { q.Add(1); q.Add(2) })
			wg.Wait()
			synctest.Wait()
			if n := handedOut.Load(); n != 2 || q.Len() != 0 {
				t.Errorf("%d of 2 keys handed out, %d left lying", n, q.Len())
			}
			q.ShutDown()
		})
	}
}
