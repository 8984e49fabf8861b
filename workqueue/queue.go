package workqueue

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrShutDown is the error of Get when the queue is shut down and no key is queued. The worker then
// returns.
var ErrShutDown = errors.New("workqueue: shut down")

// Queue hands keys of type K to workers: see the package comment for what it promises. Make one
// with New; the zero value is not usable.
//
// All methods may be called from any number of goroutines. K must be equal to itself (a
// floating-point NaN is not) and, if it is an interface type, hold comparable values only.
type Queue[K comparable] struct {
	name    string
	metrics Metrics
	limiter RateLimiter[K]

	// epoch is the origin of every instant in the queue. It carries a monotonic reading,
	// which makes the instants immune to clock changes, and makes them 8 bytes instead of
	// time.Time's 24.
	epoch time.Time

	// ready holds a token when a key may be queued that no worker has been woken for. One token is
	// enough: a Get that takes a key and leaves others passes the token on. A token too many costs
	// one look at an empty queue.
	ready   chan struct{}
	closing chan struct{} // closed by ShutDown
	drained chan struct{} // closed when shut and the line is empty; both last for ever

	mu     sync.Mutex // guards what follows
	line   line[K]
	delays delays[K]
	timer  *time.Timer // runs moveDue; nil until the first delayed key
	moving bool        // moveDue is running, and arms the timer when it ends
	paused bool
	shut   bool
}

// New returns an empty queue whose rate limiter is [DefaultRateLimiter]'s, with the figures of
// client-go. Package controller uses [ControllerRateLimiter].
func New[K comparable](opts ...Option) *Queue[K] {
	return NewWithRateLimiter(DefaultRateLimiter[K](), opts...)
}

// NewWithRateLimiter returns an empty queue that asks limiter how long a key given to
// AddRateLimited has to wait. The limiter may be shared by queues. The queue calls it without its
// lock, so it may call the queue.
func NewWithRateLimiter[K comparable](limiter RateLimiter[K], opts ...Option) *Queue[K] {
	var set settings
	for _, opt := range opts {
		opt(&set)
	}
	q := &Queue[K]{
		name:    set.name,
		metrics: set.metrics,
		limiter: limiter,
		epoch:   time.Now(),
		ready:   make(chan struct{}, 1), //mutants:tuning[2] a second token wakes a worker for nothing
		closing: make(chan struct{}),
		drained: make(chan struct{}),
	}
	q.line.lowWait = set.lowWait
	return q
}

// Add queues key, to be handed out once. If it is queued already nothing changes, except that a key
// of low priority gets high priority; if a worker has it, it is queued at that worker's Done. After
// ShutDown Add does nothing.
//
// A delay that key waits out (AddAfter) goes on: it was asked for on its own.
func (q *Queue[K]) Add(key K) {
	if q.add(key, false) && q.metrics.Adds != nil {
		q.metrics.Adds()
	}
}

// add reports whether key needs a turn that it did not need before.
func (q *Queue[K]) add(key K, low bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut {
		return false
	}
	return q.enqueue(key, low)
}

// enqueue gives key a turn and wakes a worker for it; false if a turn was to come already. q.mu is
// held.
func (q *Queue[K]) enqueue(key K, low bool) bool {
	if !q.line.add(key, low, q.nowIf(q.timed())) {
		return false
	}
	q.wake()
	return true
}

// Get waits for a key and hands it out. The caller calls Done with it when it has finished, whether
// that went well or not.
//
// It returns ErrShutDown when the queue is shut down and no key is queued, and ctx.Err() when ctx
// ends first. A ctx that has ended before the call gets no key, even if some are queued: a worker
// that has to stop takes no more.
func (q *Queue[K]) Get(ctx context.Context) (key K, err error) {
	if err := ctx.Err(); err != nil {
		return key, err
	}
	for {
		key, waited, err := q.take()
		if err == nil {
			if q.metrics.Latency != nil {
				q.metrics.Latency(waited)
			}
			return key, nil
		}
		if err == ErrShutDown {
			return key, err
		}
		select {
		case <-q.ready:
		case <-q.closing:
		case <-ctx.Done():
			return key, ctx.Err()
		}
	}
}

// errEmpty tells Get to wait; it never leaves the package.
var errEmpty = errors.New("workqueue: empty")

// take hands out the first key in line, or returns why there is none.
func (q *Queue[K]) take() (key K, waited time.Duration, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.paused && !q.shut {
		return key, 0, errEmpty
	}
	key, waited, ok := q.line.take(q.now())
	switch {
	case ok:
		q.wake()
		return key, waited, nil
	case q.shut:
		return key, 0, ErrShutDown
	default:
		return key, 0, errEmpty
	}
}

// wake leaves a token for a waiting worker if a key is queued. q.mu is held.
func (q *Queue[K]) wake() {
	if q.line.depth() == 0 {
		return
	}
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// Done ends the processing of key, which Get returned. If key was added meanwhile, Done queues it.
// For a key that is not being processed Done does nothing.
func (q *Queue[K]) Done(key K) {
	if worked, ok := q.finish(key); ok && q.metrics.WorkDuration != nil {
		q.metrics.WorkDuration(worked)
	}
}

func (q *Queue[K]) finish(key K) (worked time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	worked, ok = q.line.finish(key, q.nowIf(q.metrics.WorkDuration != nil))
	if !ok {
		return 0, false
	}
	q.wake()
	q.noteDrained()
	return worked, true
}

// Len returns the number of keys queued: those that a worker could take now. It counts neither the
// keys being processed nor the delayed ones; Stats does.
func (q *Queue[K]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.line.depth()
}

// Oldest returns the key that has waited longest for a worker, of those that are first in their
// priority, and for how long. ok is false if no key is queued. The wait is 0 in a queue that does not
// need to know it: one with neither WithPriority nor Metrics.Latency.
func (q *Queue[K]) Oldest() (key K, waited time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.nowIf(q.timed())
	key, added, ok := q.line.oldest()
	if !ok {
		return key, 0, false
	}
	return key, now - added, true
}

// AddRateLimited adds key after the wait that the rate limiter returns: with the default limiter a
// longer one each time, until Forget. A worker calls it once for each attempt that failed. Event
// handlers call Add: an event is not a failure.
//
// If key waits already, and that wait was rate-limited or ends no later, the call counts a failure
// of key and changes nothing else. It takes nothing of a limit that all keys share ([Bucket]).
//
// After ShutDown it does nothing.
func (q *Queue[K]) AddRateLimited(key K) {
	if q.ShuttingDown() {
		return // or the limiter would remember a key that is never forgotten
	}
	limiter, ok := q.limiter.(shared[K])
	if !ok {
		q.observe(q.addAfter(key, q.limiter.When(key), true, false))
		return
	}
	wait := limiter.whenOwn(key)
	if q.covered(key, wait) {
		q.observe(true, false)
		return
	}
	wait = max(wait, limiter.whenShared(key))
	q.observe(q.addAfter(key, wait, true, false))
}

// Forget removes key's failures from the rate limiter. A worker calls it when key succeeded, or
// when it gives key up. Forget does not take key out of the queue, and does not replace Done.
func (q *Queue[K]) Forget(key K) {
	q.limiter.Forget(key)
}

// NumRequeues returns the number of calls of AddRateLimited for key since it was last forgotten. A
// worker that retries a bounded number of times compares it.
func (q *Queue[K]) NumRequeues(key K) int {
	return q.limiter.NumRequeues(key)
}

// timed reports whether the queue knows how long its keys have waited.
func (q *Queue[K]) timed() bool { return q.metrics.Latency != nil || q.line.lowWait > 0 }

// now is the time since the queue was made, by the monotonic clock.
func (q *Queue[K]) now() time.Duration {
	return time.Since(q.epoch)
}

// nowIf returns 0, without reading the clock, if the time is not wanted.
func (q *Queue[K]) nowIf(wanted bool) time.Duration {
	if !wanted {
		return 0 //mutants:equal nobody reads it
	}
	return q.now()
}
