package workqueue_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// object is a key's object as the promises see it: handlers change it and then
// add its key; a worker that gets the key sees the object as it is.
type object struct {
	version   atomic.Int64 // counts the changes
	seen      atomic.Int64 // the version that the latest worker saw
	processed atomic.Bool  // a worker has the key
}

// world is a queue, the objects of its keys, and the goroutines at both ends.
type world struct {
	t       *testing.T
	q       *workqueue.Queue[int]
	objects []object
	workers sync.WaitGroup
	turns   atomic.Int64
}

// spread makes each wait longer by a random part of it, so that keys come back in any order.
type spread struct{ workqueue.RateLimiter[int] }

func (s spread) When(key int) time.Duration {
	wait := s.RateLimiter.When(key)
	return wait + rand.N(wait)
}

func newWorld(t *testing.T, keys int) *world {
	limiter := spread{workqueue.Exponential[int](time.Millisecond, 20*time.Millisecond)}
	q := workqueue.NewWithRateLimiter(limiter, workqueue.WithPriority(3*time.Millisecond))
	return &world{t: t, q: q, objects: make([]object, keys)}
}

// change makes a new version of some objects and tells the queue in every way.
func (w *world) change(seed uint64, changes int) {
	r := rand.New(rand.NewPCG(seed, 2))
	for range changes {
		key := r.IntN(len(w.objects))
		w.objects[key].version.Add(1)
		switch r.IntN(8) {
		case 0:
			w.q.AddAfter(key, time.Duration(r.IntN(30))*time.Millisecond)
		case 1:
			w.q.AddRateLimited(key)
		case 2, 3:
			w.q.AddLow(key)
		default:
			w.q.Add(key)
		}
		if r.IntN(16) == 0 {
			time.Sleep(time.Duration(r.IntN(5)) * time.Millisecond)
		}
	}
}

// work takes keys until ctx ends or the queue is shut down.
func (w *world) work(ctx context.Context, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	for {
		key, err := w.q.Get(ctx)
		if err != nil {
			return
		}
		w.turns.Add(1)
		o := &w.objects[key]
		if !o.processed.CompareAndSwap(false, true) {
			w.t.Errorf("key %d is with two workers", key)
		}
		version := o.version.Load()
		if r.IntN(4) == 0 {
			time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
		}
		switch r.IntN(10) {
		case 0:
			w.q.AddRateLimited(key) // failed
		case 1:
			w.q.AddAfter(key, time.Duration(r.IntN(20))*time.Millisecond)
			fallthrough
		default:
			o.seen.Store(version)
			w.q.Forget(key)
		}
		if !o.processed.CompareAndSwap(true, false) {
			w.t.Errorf("key %d is with two workers", key)
		}
		w.q.Done(key)
	}
}

// Every change of an object is seen by a worker that gets its key afterwards;
// no key is with two workers; and all end. Some of the workers are cancelled and
// replaced all the time.
func TestNoAddIsLostAndNoKeyIsWithTwoWorkers(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 4
	}
	for round := range uint64(rounds) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1+int(round*7%40))
			for i := range uint64(4) {
				w.workers.Go(func() { w.work(t.Context(), round<<8|i) })
			}
			fickle, stopFickle := context.WithCancel(t.Context())
			for i := range uint64(2) {
				w.workers.Go(func() {
					for n := uint64(0); fickle.Err() == nil; n++ {
						ctx, cancel := context.WithTimeout(fickle, 3*time.Millisecond)
						w.work(ctx, round<<16|n<<8|i)
						cancel()
					}
				})
			}
			var handlers sync.WaitGroup
			for i := range uint64(6) {
				handlers.Go(func() { w.change(round<<8|i, 500) })
			}
			handlers.Wait()
			stopFickle()
			w.settle()
			for key := range w.objects {
				o := &w.objects[key]
				if seen, version := o.seen.Load(), o.version.Load(); seen != version {
					t.Errorf("key %d: version %d was seen, the latest is %d", key, seen, version)
				}
			}
			if err := w.q.ShutDownWithDrain(t.Context()); err != nil {
				t.Errorf("drain: %v", err)
			}
			w.workers.Wait()
			if w.turns.Load() == 0 {
				t.Error("nothing was handed out")
			}
		})
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

// settle waits until nothing is queued, processed or delayed.
func (w *world) settle() {
	for range 10_000 {
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if s := w.q.Stats(); s.Depth+s.Processing+s.Delayed == 0 {
			return
		}
	}
	w.t.Errorf("the queue does not come to rest: %+v", w.q.Stats())
}

// What was added before ShutDownWithDrain is processed by the time it returns,
// whatever else goes on.
func TestADrainedQueueHasProcessedAllThatWasAddedBefore(t *testing.T) {
	for round := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 30)
			for i := range uint64(3) {
				w.workers.Go(func() {
					for {
						key, err := w.q.Get(t.Context())
						if err != nil {
							return
						}
						version := w.objects[key].version.Load()
						time.Sleep(time.Duration(i) * time.Millisecond)
						w.objects[key].seen.Store(version)
						w.q.Done(key)
					}
				})
			}
			var before, meanwhile sync.WaitGroup
			for i := range 4 {
				before.Go(func() {
					for key := range w.objects {
						w.objects[key].version.Add(1)
						w.q.Add(key)
						if (key+i)%5 == 0 {
							time.Sleep(time.Millisecond)
						}
					}
				})
			}
			before.Wait()
			for range 2 {
				meanwhile.Go(func() {
					for key := range w.objects {
						w.q.Add(key)
						w.q.AddAfter(key, time.Millisecond)
					}
				})
			}
			if err := w.q.ShutDownWithDrain(t.Context()); err != nil {
				t.Errorf("drain: %v", err)
			}
			for key := range w.objects {
				o := &w.objects[key]
				if seen, version := o.seen.Load(), o.version.Load(); seen != version {
					t.Errorf("round %d, key %d: drained at version %d of %d", round, key, seen, version)
				}
			}
			meanwhile.Wait()
			w.workers.Wait()
		})
	}
}
