package workqueue

import "time"

// Metrics is a set of functions that a queue calls after its events. A function may
// be nil. The queue calls them without its lock, from any goroutine and
// concurrently, so they must be safe for concurrent use. They may call the queue.
// They must not panic: some are called from a goroutine of the queue's timer. A
// controller contains their panics.
//
// The comments name the series of client-go and controller-runtime (with the
// queue's name as a label), so that existing dashboards and alerts fit. For the
// levels, see Stats.
type Metrics struct {
	// Adds counts turns asked for: an Add that found its key neither queued nor
	// marked to be queued again, or a delayed key that came due so.
	// workqueue_adds_total
	Adds func()

	// Latency observes how long a key was queued, from the Add that gave it its
	// turn to the Get that handed it out.
	// workqueue_queue_duration_seconds
	Latency func(time.Duration)

	// WorkDuration observes how long a key was processed, from Get to Done.
	// workqueue_work_duration_seconds
	WorkDuration func(time.Duration)

	// Retries counts the calls of AddAfter and AddRateLimited that the queue took.
	// workqueue_retries_total
	Retries func()
}

// Stats is the state of a queue at one instant. An exporter reads it when it is
// scraped, so that a gauge is never stale.
type Stats struct {
	// Depth is the number of keys queued, as Len returns it.
	// workqueue_depth
	Depth int

	// Low is how many of them have low priority (WithPriority).
	Low int

	// Processing is the number of keys handed out and not yet Done.
	Processing int

	// Delayed is the number of keys that wait out a delay.
	Delayed int

	// UnfinishedWork is the time for which the keys in Processing have been
	// processed so far, summed. If it grows and does not fall, workers are stuck;
	// their number is its rate of growth.
	// workqueue_unfinished_work_seconds
	UnfinishedWork time.Duration

	// LongestRunningProcessor is the largest part of that sum.
	// workqueue_longest_running_processor_seconds
	LongestRunningProcessor time.Duration
}

// Stats returns the queue's state. It takes constant time.
func (q *Queue[K]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	sum, longest := q.line.unfinished(q.now())
	return Stats{
		Depth:                   q.line.depth(),
		Low:                     q.line.low.Len(),
		Processing:              q.line.processing.Len(),
		Delayed:                 q.delays.len(),
		UnfinishedWork:          sum,
		LongestRunningProcessor: longest,
	}
}
