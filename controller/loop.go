package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// loop is the part of a controller that depends on the type of its keys: the queue, and what a worker
// does with a key.
type loop[K comparable] struct {
	*Controller
	reconcile func(context.Context, K) (Result, error)
	limiter   workqueue.RateLimiter[K]
	spare     workqueue.RateLimiter[K] // asked where limiter panics
	queue     *workqueue.Queue[K]
	recent    recent[K]
}

// engine is a loop without the type of its keys.
type engine interface {
	// workOne takes keys and reconciles them under work, until ctx ends. It does not return if a
	// Reconcile ends its goroutine.
	workOne(ctx, work context.Context) (stopped bool)
	shutDown()
	setPaused(bool)
	stats() workqueue.Stats
	oldest() (key string, waited time.Duration)
	takes(key any) error
	once(ctx context.Context, key any) Outcome
}

// newLoop returns the loop of c. The options of c have been applied.
func newLoop[K comparable](c *Controller, r func(context.Context, K) (Result, error)) *loop[K] {
	l := &loop[K]{Controller: c, reconcile: r, spare: workqueue.ControllerRateLimiter[K]()}
	l.recent.interval = c.interval
	l.limiter = workqueue.ControllerRateLimiter[K]()
	if c.limiter != nil {
		limiter, ok := c.limiter.(workqueue.RateLimiter[K])
		if !ok {
			c.mistakes = append(c.mistakes, fmt.Errorf("RateLimiter: %T does not limit keys of type %s", c.limiter, typeOf[K]()))
		} else {
			l.limiter = limiter
		}
	}
	l.queue = workqueue.NewWithRateLimiter(l.limiter, workqueue.WithName(c.name),
		workqueue.WithPriority(c.lowWait), workqueue.WithMetrics(c.measured(c.queueMetrics)))
	return l
}

// loopFor returns the loop of a controller whose keys are of type K. Otherwise the error, which is
// about a source, is a mistake of the caller.
func loopFor[K comparable](c *Controller, what string) (*loop[K], error) {
	l, ok := c.loop.(*loop[K])
	if !ok {
		return nil, fmt.Errorf("%s: its keys are of type %s, and those of the controller are not", what, typeOf[K]())
	}
	return l, nil
}

func (l *loop[K]) workOne(ctx, work context.Context) (stopped bool) {
	for {
		key, err := l.queue.Get(ctx)
		if err != nil {
			return true
		}
		l.turn(work, key)
	}
}

// release queues a key whose hold has ended.
func (l *loop[K]) release(key any, low bool) {
	if low {
		l.queue.AddLow(key.(K))
	} else {
		l.queue.Add(key.(K))
	}
}

// name queues a key, and reports why.
func (l *loop[K]) name(key K, cause Cause) {
	if l.observed() {
		cause.Low = cause.Low && l.lowWait >= 0
		l.named(key, cause)
	}
	if cause.Low {
		l.queue.AddLow(key)
	} else {
		l.queue.Add(key)
	}
}

func (l *loop[K]) shutDown()              { l.queue.ShutDown() }
func (l *loop[K]) stats() workqueue.Stats { return l.queue.Stats() }

func (l *loop[K]) setPaused(paused bool) {
	if paused {
		l.queue.Pause()
	} else {
		l.queue.Resume()
	}
}

func (l *loop[K]) oldest() (string, time.Duration) {
	key, waited, ok := l.queue.Oldest()
	if !ok {
		return "", 0
	}
	return text(key), waited
}

// text returns a key as logs have it.
func text(key any) string { return fmt.Sprint(key) }

// typeOf returns the name of a type.
func typeOf[K any]() string { return fmt.Sprintf("%T", *new(K)) }
