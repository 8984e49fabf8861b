package workqueue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// A controller: five workers, each key until it succeeds but at most ten times.
func Example() {
	const workers, maxRetries = 5, 10
	queue := workqueue.New[string](workqueue.WithName("services"))

	attempts := 0
	reconcile := func(ctx context.Context, key string) error {
		attempts++
		if attempts < 3 {
			return errors.New("the object has been modified")
		}
		fmt.Printf("%s is right at attempt %d\n", key, attempts)
		return nil
	}

	worker := func(ctx context.Context) {
		for {
			key, err := queue.Get(ctx)
			if err != nil {
				return // shut down and empty, or ctx has ended
			}
			switch err := reconcile(ctx, key); {
			case err == nil:
				queue.Forget(key)
			case queue.NumRequeues(key) < maxRetries:
				queue.AddRateLimited(key)
			default:
				fmt.Printf("giving %s up until its next event: %v\n", key, err)
				queue.Forget(key)
			}
			queue.Done(key)
		}
	}

	ctx, stop := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer stop()
	var running sync.WaitGroup
	for range workers {
		running.Go(func() { worker(ctx) })
	}
	queue.Add("default/web") // what an event handler does
	running.Wait()
	// Output: default/web is right at attempt 3
}

// A stop that finishes what is queued: the workers go on until Get tells them to
// end, and the wait for them is bounded.
func ExampleQueue_ShutDownWithDrain() {
	queue := workqueue.New[string](workqueue.WithName("services"))
	var worker sync.WaitGroup
	worker.Go(func() {
		for {
			key, err := queue.Get(context.Background())
			if err != nil {
				return
			}
			fmt.Println("reconciled", key)
			queue.Done(key)
		}
	})
	queue.Add("default/web")
	queue.Add("default/db")

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := queue.ShutDownWithDrain(ctx); err != nil {
		fmt.Println(err)
	}
	worker.Wait()
	// Output:
	// reconciled default/web
	// reconciled default/db
}

// A queue with its own pace: a key waits from one second up to one minute, and all
// keys together are retried 50 times a second.
func ExampleNewWithRateLimiter() {
	queue := workqueue.NewWithRateLimiter(workqueue.MaxOf(
		workqueue.Exponential[workqueue.Key](time.Second, time.Minute),
		workqueue.Bucket[workqueue.Key](50, 50),
	))
	defer queue.ShutDown()

	web := workqueue.Key{Namespace: "default", Name: "web"}
	queue.AddRateLimited(web)
	fmt.Println(queue.NumRequeues(web), queue.Stats().Delayed)
	// Output: 1 1
}

// Levels are read when they are asked for, here as an exporter's gauge would.
func ExampleQueue_Stats() {
	queue := workqueue.New[string]()
	queue.Add("default/web")
	queue.Add("default/db")
	queue.AddAfter("default/cache", time.Hour)
	key, err := queue.Get(context.Background())
	if err != nil {
		return
	}
	defer queue.Done(key)
	s := queue.Stats()
	fmt.Println(s.Depth, s.Processing, s.Delayed)
	// Output: 1 1 1
}
