package workqueue

import "time"

// line is who waits and who is being served: the state machine of the keys that
// need a turn. It knows nothing of locks, clocks or delays; the queue guards it.
//
// A key that is not in line has no entry. One that is goes this way:
//
//	           add               take
//	(no entry) ───▶ phaseQueued ─────▶ phaseProcessing ─┐ finish
//	     ▲               ▲                  │ add       ├──▶ (no entry)
//	     │               │ finish           ▼           │
//	     │               └───────────── phaseAgain      │
//	     └──────────────────────────────────────────────┘
//
// Add in phaseQueued and phaseAgain changes nothing: the turn to come answers it.
type line[K comparable] struct {
	entries    table[K, *entry[K]]
	queued     list[K] // phaseQueued, first to be handed out first
	processing list[K] // phaseProcessing and phaseAgain, longest at work first

	// startedSum is the sum of started over processing. It may wrap around; the
	// differences that are taken from it come out right all the same.
	startedSum time.Duration

	spare      *entry[K] // recycled entries, linked by next
	spareCount int
}

// maxSpare bounds the recycled entries. It needs to cover the keys in line at
// most times, not in a storm.
const maxSpare = 256

// A phase is the place of a key in its way through the line.
type phase uint8

const (
	// phaseQueued: the key waits for a worker. Entered by add, and by finish if
	// the key was added while processed; left by take.
	phaseQueued phase = iota
	// phaseProcessing: a worker has the key and nothing asked for another turn.
	// Entered by take; left by add and finish.
	phaseProcessing
	// phaseAgain: a worker has the key, and it needs a turn after this one.
	// Entered by add; left by finish.
	phaseAgain
)

// entry is one key in line. Each is in exactly one of the line's two lists.
type entry[K comparable] struct {
	key        K
	phase      phase
	added      time.Duration // when the turn that it waits for was asked for
	started    time.Duration // when it was handed out
	prev, next *entry[K]
}

// add asks for a turn of key and reports whether none was already to come.
func (l *line[K]) add(key K, now time.Duration) bool {
	e, ok := l.entries.get(key)
	switch {
	case !ok:
		e = l.newEntry(key)
		e.phase = phaseQueued
		l.entries.set(key, e)
		l.queued.pushBack(e)
	case e.phase == phaseProcessing:
		e.phase = phaseAgain
	default:
		return false
	}
	e.added = now
	return true
}

// take hands out the key that waits longest, and says how long it did.
func (l *line[K]) take(now time.Duration) (key K, waited time.Duration, ok bool) {
	e := l.queued.head
	if e == nil {
		return key, 0, false
	}
	l.queued.remove(e)
	l.processing.pushBack(e)
	e.phase = phaseProcessing
	e.started = now
	l.startedSum += now
	return e.key, now - e.added, true
}

// finish takes key back from its worker and says how long that had it. It is
// false, and nothing changes, if no worker has key.
func (l *line[K]) finish(key K, now time.Duration) (worked time.Duration, ok bool) {
	e, found := l.entries.get(key)
	if !found || e.phase == phaseQueued {
		return 0, false
	}
	worked = now - e.started
	l.startedSum -= e.started
	l.processing.remove(e)
	if e.phase == phaseAgain {
		e.phase = phaseQueued
		l.queued.pushBack(e)
	} else {
		l.entries.remove(key)
		l.recycle(e)
	}
	return worked, true
}

// empty reports that no key is queued or processed.
func (l *line[K]) empty() bool {
	return l.queued.len == 0 && l.processing.len == 0
}

// unfinished is the time that the keys being processed have taken so far, summed
// over all of them, and that of the one which has taken longest.
func (l *line[K]) unfinished(now time.Duration) (sum, longest time.Duration) {
	if l.processing.len == 0 {
		return 0, 0
	}
	return time.Duration(l.processing.len)*now - l.startedSum, now - l.processing.head.started
}

func (l *line[K]) newEntry(key K) *entry[K] {
	e := l.spare
	if e == nil {
		return &entry[K]{key: key}
	}
	l.spare = e.next
	l.spareCount--
	*e = entry[K]{key: key}
	return e
}

func (l *line[K]) recycle(e *entry[K]) {
	if l.spareCount == maxSpare {
		return
	}
	*e = entry[K]{next: l.spare} // no key: it may hold on to memory
	l.spare = e
	l.spareCount++
}

// list is a doubly linked list of entries, threaded through them.
type list[K comparable] struct {
	head, tail *entry[K]
	len        int
}

func (l *list[K]) pushBack(e *entry[K]) {
	e.prev, e.next = l.tail, nil
	if l.tail == nil {
		l.head = e
	} else {
		l.tail.next = e
	}
	l.tail = e
	l.len++
}

// remove takes out e, which is in the list.
func (l *list[K]) remove(e *entry[K]) {
	if e.prev == nil {
		l.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
	l.len--
}
