package workqueue

import (
	"context"
	"fmt"
)

// ShutDown ends the queue's intake and returns at once. Add, AddAfter and AddRateLimited do nothing
// from now on. Keys that wait out a delay are dropped: a controller that starts again lists
// everything anyway, and a delay may be hours. Keys already queued, and those added while
// processed, are still handed out; then Get returns ErrShutDown. Calling it again changes nothing.
//
// It stops the queue's timer. A queue that is shut down and no longer referred to leaves nothing
// behind.
func (q *Queue[K]) ShutDown() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut {
		return
	}
	q.shut = true
	if q.timer != nil {
		q.timer.Stop()
	}
	q.delays = delays[K]{}
	close(q.closing)
	q.noteDrained()
}

// ShutDownWithDrain shuts the queue down and waits until it is empty: every key that was queued or
// being processed has been handed out and is Done. It needs workers that go on until Get returns
// ErrShutDown; to give up what is queued, stop the workers by their contexts and wait for them
// instead.
//
// If ctx ends first it returns an error that wraps ctx.Err() and tells how much was left. The queue
// is shut down all the same, and its workers may go on. Calling it again, or after ShutDown, waits
// for the same.
func (q *Queue[K]) ShutDownWithDrain(ctx context.Context) error {
	q.ShutDown()
	select {
	case <-q.drained:
		return nil
	default:
	}
	select {
	case <-q.drained:
		return nil
	case <-ctx.Done():
		s := q.Stats()
		return fmt.Errorf("drain workqueue %q: %d keys still queued and %d being processed: %w",
			q.name, s.Depth, s.Processing, ctx.Err())
	}
}

// ShuttingDown reports whether ShutDown or ShutDownWithDrain was called.
func (q *Queue[K]) ShuttingDown() bool {
	select {
	case <-q.closing:
		return true
	default:
		return false
	}
}

// noteDrained closes drained when the last key leaves. Once the queue is shut no key enters the
// line, so that happens once. q.mu is held, and either the queue was shut or a key has left the
// line just now.
func (q *Queue[K]) noteDrained() {
	if q.shut && q.line.empty() {
		close(q.drained)
	}
}
