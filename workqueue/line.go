package workqueue

import (
	"time"

	"github.com/skiff-k8s/skiff/internal/list"
)

// line holds the keys that wait for a worker and the keys that workers have: it is the state
// machine of keys. It has no lock, clock or delays; the queue guards it. priority.go has the order
// in which the keys of two priorities are taken.
//
// A key that is not in line has no entry. The states of the others:
//
//	           add               take
//	(no entry) ───▶ phaseQueued ─────▶ phaseProcessing ─┐ finish
//	     ▲               ▲                  │ add       ├──▶ (no entry)
//	     │               │ finish           ▼           │
//	     │               └───────────── phaseAgain      │
//	     └──────────────────────────────────────────────┘
//
// Add in phaseQueued and phaseAgain changes nothing: the next turn covers it.
type line[K comparable] struct {
	entries    table[K, *element[K]]
	queued     list.List[entry[K]] // phaseQueued of high priority, first to be handed out first
	low        list.List[entry[K]] // phaseQueued of low priority, likewise
	processing list.List[entry[K]] // phaseProcessing and phaseAgain, longest at work first

	// startedSum is the sum of started over processing. It may wrap around; differences of it
	// stay right.
	startedSum time.Duration

	lowWait time.Duration // of WithPriority; 0 means that there is one priority
	lowLast bool          // the last key taken was of low priority

	spare list.List[entry[K]] // recycled elements, at most maxSpare, without keys
}

// maxSpare bounds the recycled elements. It needs to cover the keys in line at most times, not in a
// storm.
const maxSpare = 256

// A phase is the state of a key in line.
type phase uint8

const (
	// phaseQueued: the key waits for a worker. Entered by add, and by finish if the key was added
	// while processed; left by take.
	phaseQueued phase = iota
	// phaseProcessing: a worker has the key and nothing asked for another turn. Entered by take;
	// left by add and finish.
	phaseProcessing
	// phaseAgain: a worker has the key, and it needs a turn after this one. Entered by add; left by
	// finish.
	phaseAgain
)

// entry is one key in line. Each is in one of queued, low and processing.
type entry[K comparable] struct {
	key     K
	phase   phase
	low     bool          // the priority of the turn that it waits for
	added   time.Duration // when the turn that it waits for was asked for
	started time.Duration // when it was handed out
}

type element[K comparable] = list.Element[entry[K]]

// add asks for a turn of key and reports whether none was already to come. If one is to come, it
// keeps the higher of the two priorities.
func (l *line[K]) add(key K, low bool, now time.Duration) bool {
	e, ok := l.entries.get(key)
	switch {
	case !ok:
		e = l.newElement()
		e.Value = entry[K]{key: key, phase: phaseQueued, low: low}
		l.entries.set(key, e)
		l.lineOf(e).PushBack(e)
	case e.Value.phase == phaseProcessing:
		e.Value.phase, e.Value.low = phaseAgain, low
	default:
		if !low {
			l.raise(e)
		}
		return false
	}
	e.Value.added = now
	return true
}

// take removes and returns the key that is next, and how long it waited.
func (l *line[K]) take(now time.Duration) (key K, waited time.Duration, ok bool) {
	e := l.next(now)
	if e == nil {
		return key, 0, false
	}
	l.lowLast = e.Value.low
	l.lineOf(e).Remove(e)
	l.processing.PushBack(e)
	e.Value.phase = phaseProcessing
	e.Value.started = now
	l.startedSum += now
	return e.Value.key, now - e.Value.added, true
}

// finish ends the processing of key and returns how long that took. If no worker has key, it
// changes nothing and returns false.
func (l *line[K]) finish(key K, now time.Duration) (worked time.Duration, ok bool) {
	e, found := l.entries.get(key)
	if !found || e.Value.phase == phaseQueued {
		return 0, false
	}
	worked = now - e.Value.started
	l.startedSum -= e.Value.started
	l.processing.Remove(e)
	if e.Value.phase == phaseAgain {
		e.Value.phase = phaseQueued
		l.lineOf(e).PushBack(e)
	} else {
		l.entries.remove(key)
		l.recycle(e)
	}
	return worked, true
}

// oldest returns the key that has waited longest for a worker, and when it was added: of the first
// keys of both priorities. A key that was added while a worker had it stands where it was queued.
func (l *line[K]) oldest() (key K, added time.Duration, ok bool) {
	e, low := l.queued.Front(), l.low.Front()
	if e == nil || low != nil && low.Value.added < e.Value.added {
		e = low
	}
	if e == nil {
		return key, 0, false
	}
	return e.Value.key, e.Value.added, true
}

// depth returns the number of keys that wait for a worker.
func (l *line[K]) depth() int { return l.queued.Len() + l.low.Len() }

// empty reports whether no key is queued or processed.
func (l *line[K]) empty() bool { return l.depth() == 0 && l.processing.Len() == 0 }

// unfinished returns how long the keys being processed have taken so far: the sum, and the longest.
func (l *line[K]) unfinished(now time.Duration) (sum, longest time.Duration) {
	oldest := l.processing.Front()
	if oldest == nil {
		return 0, 0
	}
	return time.Duration(l.processing.Len())*now - l.startedSum, now - oldest.Value.started
}

func (l *line[K]) newElement() *element[K] {
	e := l.spare.Front()
	if e == nil {
		return new(element[K])
	}
	l.spare.Remove(e)
	return e
}

func (l *line[K]) recycle(e *element[K]) {
	if l.spare.Len() == maxSpare {
		return
	}
	e.Value = entry[K]{} // no key: it may hold on to memory
	l.spare.PushBack(e)
}
