package workqueue

import (
	"math"
	"runtime"
	"time"
)

// AddAfter adds key when delay has passed; at once if delay is not positive. If several
// delays run for one key, the one that ends first counts, and the key is queued once. An Add of the
// key meanwhile does not change the delay: the key is queued again when it ends.
//
// After ShutDown AddAfter does nothing, and ShutDown drops the keys that wait.
func (q *Queue[K]) AddAfter(key K, delay time.Duration) {
	q.observe(q.addAfter(key, delay, false, false))
}

// NextAt returns when key, which waits out a delay, is queued again. ok is false for a key that waits
// out none.
func (q *Queue[K]) NextAt(key K) (at time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	due, ok := q.delays.due(key)
	if !ok {
		return at, false
	}
	return q.epoch.Add(due), true
}

// observe calls the metrics of a call that made key wait.
func (q *Queue[K]) observe(accepted, added bool) {
	if accepted && q.metrics.Retries != nil {
		q.metrics.Retries()
	}
	if added && q.metrics.Adds != nil {
		q.metrics.Adds()
	}
}

// addAfter reports whether the queue took key, and whether key got a turn. limited means that the
// rate limiter chose the delay.
func (q *Queue[K]) addAfter(key K, delay time.Duration, limited, low bool) (accepted, added bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut {
		return false, false
	}
	if delay <= 0 {
		return true, q.enqueue(key, low)
	}
	now := q.now()
	if q.delays.add(key, saturatingAdd(now, delay), low) {
		q.arm(now)
	}
	if limited {
		q.delays.limit(key)
	}
	return true, false
}

// covered reports whether the wait that runs for key covers a rate-limited one of this delay.
func (q *Queue[K]) covered(key K, delay time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.shut && q.delays.covers(key, saturatingAdd(q.now(), delay))
}

// moveBatch is how many due keys are moved under one hold of the lock: few, so that adders and
// workers get theirs when a million keys fall due together.
const moveBatch = 32

// moveDue queues the keys whose time has come and arms the timer for the next one. The timer runs
// it in a goroutine that ends with it. At most one moves at a time, so a stream of short delays
// does not pile goroutines up.
func (q *Queue[K]) moveDue() {
	if !q.beginMove() {
		return
	}
	for more := true; more; {
		var added int
		added, more = q.moveSome()
		if more {
			// Let a waiter have the lock. Without this the loop wins it back each time, until after
			// a millisecond the mutex finds the waiter starving. On a machine with no processor
			// free it may take as long all the same.
			runtime.Gosched()
		}
		if q.metrics.Adds != nil {
			for range added {
				q.metrics.Adds()
			}
		}
	}
}

// beginMove reports whether the caller is the one to move keys.
func (q *Queue[K]) beginMove() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.moving {
		return false
	}
	q.moving = true
	return true
}

// moveSome moves up to moveBatch due keys. If no more are due the move is over.
func (q *Queue[K]) moveSome() (added int, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for range moveBatch {
		key, low, due := q.delays.takeDue(now)
		if !due {
			q.moving = false
			q.arm(now)
			return added, false
		}
		if q.enqueue(key, low) {
			added++
		}
	}
	return added, true
}

// arm sets the timer to the earliest delayed key, if there is one. q.mu is held.
func (q *Queue[K]) arm(now time.Duration) {
	due, ok := q.delays.next()
	switch {
	case !ok || q.moving:
	case q.timer == nil:
		q.timer = time.AfterFunc(due-now, q.moveDue)
	default:
		q.timer.Reset(due - now)
	}
}

// saturatingAdd is a+b for a, b ≥ 0, or the longest duration if that is longer.
func saturatingAdd(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b { //mutants:equal[>=] the sum is the longest duration either way
		return math.MaxInt64
	}
	return a + b
}
