package workqueue

import (
	"time"

	"github.com/skiff-k8s/skiff/internal/list"
)

// DefaultLowWait is the default of WithPriority.
const DefaultLowWait = 30 * time.Second

// WithPriority gives the queue two priorities. AddLow and AddLowAfter add a key with low priority; Add,
// AddAfter and AddRateLimited with high priority. A key of high priority is handed out before those of low
// priority, and the keys of one priority in the order in which they got it. So a live event does
// not wait for the 20,000 keys of an initial list.
//
//   - A key of low priority waits at most lowWait behind keys of high priority. From then on it takes
//     turns with them: one key of low priority that has waited that long, one key of high priority.
//     So neither a long list nor a stream of events holds the other back for ever.
//   - A key keeps the highest priority that was asked for until it is handed out. A key that gets
//     high priority while it is queued goes to the end of the keys of high priority.
//   - A key's priority ends with its turn. A turn that is asked for while a worker has the key has
//     the priority that was asked for then.
//
// lowWait: 0 means DefaultLowWait; negative means off: one priority, as without WithPriority.
//
// There are two priorities and no more, because two need no search and leave no priority to be
// starved by the ones above it.
func WithPriority(lowWait time.Duration) Option {
	switch {
	case lowWait == 0:
		lowWait = DefaultLowWait
	case lowWait < 0: //mutants:equal[<=,1,-1] 0 is the case above, and negative counts as 0
		lowWait = 0 //mutants:equal[-1] only what is positive counts
	}
	return func(s *settings) { s.lowWait = lowWait }
}

// AddLow is Add with low priority. In a queue without WithPriority it is the same as Add.
func (q *Queue[K]) AddLow(key K) {
	if q.add(key, q.line.lowWait > 0) && q.metrics.Adds != nil {
		q.metrics.Adds()
	}
}

// AddLowAfter is AddAfter with low priority. If key waits out a delay already, it keeps the higher of the
// two priorities. In a queue without WithPriority it is the same as AddAfter.
func (q *Queue[K]) AddLowAfter(key K, delay time.Duration) {
	q.observe(q.addAfter(key, delay, false, q.line.lowWait > 0))
}

// IsLow reports whether key has low priority: in the turn that it waits for, or else in the one that a
// worker has it for. It is false for a key that has neither.
func (q *Queue[K]) IsLow(key K) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.line.entries.get(key)
	return ok && e.Value.low
}

// lineOf returns the list that e belongs to while its key waits for a worker.
func (l *line[K]) lineOf(e *element[K]) *list.List[entry[K]] {
	if e.Value.low {
		return &l.low
	}
	return &l.queued
}

// raise gives high priority to the turn that e's key waits for.
func (l *line[K]) raise(e *element[K]) {
	if !e.Value.low {
		return
	}
	if e.Value.phase == phaseQueued {
		l.low.Remove(e)
		l.queued.PushBack(e)
	}
	e.Value.low = false
}

// next returns the key to hand out, nil if none is queued. A key of low priority that has waited for
// lowWait takes turns with those of high priority.
func (l *line[K]) next(now time.Duration) *element[K] {
	high, low := l.queued.Front(), l.low.Front()
	switch {
	case low == nil:
		return high
	case high == nil, !l.lowLast && now-low.Value.added >= l.lowWait:
		return low
	default:
		return high
	}
}
