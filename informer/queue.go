package informer

import (
	"sync"

	"github.com/skiff-k8s/skiff/store"
)

// event is one call of a handler that is due.
type event struct {
	kind    eventKind
	initial bool       // of eventAdd: part of processor.initial
	old     store.Item // of eventUpdate, eventDelete and eventSync
	new     store.Item // of eventAdd, eventUpdate and eventSync, where it is the same as old
}

type eventKind uint8

const (
	eventNone      eventKind = iota // merged away
	eventAdd                        // OnAdd(new)
	eventUpdate                     // OnUpdate(old, new)
	eventDelete                     // OnDelete(old)
	eventSync                       // OnUpdate(new, new), of a resync
	eventInitial                    // OnAdd of every item of a part of processor.initial
	eventResyncEnd                  // no call: a resync has been told
)

func (e *event) key() string {
	if e.kind == eventDelete {
		return e.old.Key()
	}
	return e.new.Key()
}

// supersedes reports whether the event may keep a state alive that the store has no longer. Such
// events are why a long queue costs memory.
func (e *event) supersedes() bool { return e.kind == eventUpdate || e.kind == eventDelete }

// queue holds the events of one handler that are due, in order. Pushing to it never waits, and it
// is bounded all the same.
//
// As long as no more than lagBound changes wait, each waits for itself. Beyond it the handler lags,
// and until it has caught up a new change is merged into the one that waits for the same key, in
// that one's place:
//
//	Add(a)       + Update(a→b) = Add(b)
//	Update(a→b)  + Update(b→c) = Update(a→c)
//	Update(a→b)  + Delete(b)   = Delete(b)
//	Add(a)       + Delete(a)   = nothing: the handler never hears of that life
//	Delete(a)    + Add(b)      stay two: b is another object
//
// So the handler still sees each key's changes in order, contiguous and none invented. However
// long it lags, at most a Delete waits for each object that it has seen, and an Add or Update for
// each object that exists.
type queue struct {
	wake chan struct{} // holds a token when there may be something to take

	mu     sync.Mutex
	events []event // those before head are taken
	head   int
	base   uint64 // the number of events[0], counting all that ever were
	dead   int    // events after head that were merged away
	stale  int    // events after head that supersede
	// last is where the newest event of each key waits, by its number. It is nil while the handler
	// does not lag.
	last map[string]uint64
}

const (
	// lagBound is how many superseded states a queue keeps before it merges. Short bursts pass
	// unmerged, and take about a megabyte at most.
	lagBound = 1024
	// idleQueue is the room that an empty queue keeps.
	idleQueue = 1024
)

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// push appends events, in order.
func (q *queue) push(events ...event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range events {
		q.append(&events[i])
	}
	signal(q.wake)
}

func (q *queue) append(e *event) {
	if q.last != nil && e.kind <= eventSync && q.merge(e) {
		return
	}
	q.events = append(q.events, *e)
	if e.supersedes() {
		q.stale++
	}
	switch {
	case q.last != nil:
		if e.kind <= eventSync {
			q.last[e.key()] = q.base + uint64(len(q.events)-1)
		}
	case q.stale > lagBound:
		q.lag()
	}
}

// lag begins to merge.
func (q *queue) lag() {
	q.last = make(map[string]uint64)
	for i := q.head; i < len(q.events); i++ {
		if e := &q.events[i]; e.kind != eventNone && e.kind <= eventSync {
			q.last[e.key()] = q.base + uint64(i)
		}
	}
}

// merge merges e into the event that waits for its key, if there is one that it can be merged with.
func (q *queue) merge(e *event) bool {
	key := e.key()
	number, ok := q.last[key]
	if !ok {
		return false
	}
	waits := &q.events[number-q.base]
	switch {
	case waits.kind == eventDelete: // what follows is another life
		return false
	case e.kind == eventSync: // what waits tells as much
	case e.kind == eventUpdate:
		if waits.kind == eventSync {
			waits.kind = eventUpdate
			q.stale++
		}
		waits.new = e.new
		q.rekey(e.new.Key(), number)
	case e.kind == eventDelete && waits.kind == eventAdd:
		*waits = event{}
		delete(q.last, key)
		q.bury()
	case e.kind == eventDelete:
		if waits.kind == eventSync {
			q.stale++
		}
		*waits = *e
		q.rekey(key, number)
	}
	return true
}

// rekey makes q.last refer to the key of the state that waits now. The equal string that it had is
// part of a state that is given up.
func (q *queue) rekey(key string, number uint64) {
	delete(q.last, key)
	q.last[key] = number
}

// bury counts an event that was merged away, and closes the gaps when most of the queue is gaps.
func (q *queue) bury() {
	q.dead++
	if q.dead < idleQueue || q.dead < (len(q.events)-q.head)/2 {
		return
	}
	live := make([]event, 0, len(q.events)-q.head-q.dead)
	for _, e := range q.events[q.head:] {
		if e.kind != eventNone {
			live = append(live, e)
		}
	}
	q.base += uint64(len(q.events)) // numbers must not come again
	q.events, q.head, q.dead = live, 0, 0
	q.lag()
}

// take moves up to len(into) events into it and returns how many. One goroutine calls it.
func (q *queue) take(into []event) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(into) && q.head < len(q.events) {
		e := &q.events[q.head]
		if e.kind == eventNone {
			q.dead--
		} else {
			if q.last != nil && e.kind <= eventSync && q.last[e.key()] == q.base+uint64(q.head) {
				delete(q.last, e.key())
			}
			if e.supersedes() {
				q.stale--
			}
			into[n] = *e
			n++
		}
		*e = event{}
		q.head++
	}
	q.tidy()
	return n
}

// tidy gives back the room of what was taken, and ends the lag of a handler that caught up.
func (q *queue) tidy() {
	if q.stale < lagBound/2 {
		q.last = nil
	}
	switch waiting := len(q.events) - q.head; {
	case waiting == 0:
		q.base += uint64(len(q.events))
		q.events, q.head = q.events[:0], 0
		if cap(q.events) > idleQueue {
			q.events = nil
		}
	case q.head > idleQueue && q.head > waiting: // each event moves once, on average
		q.base += uint64(q.head)
		q.events, q.head = append(make([]event, 0, 2*waiting), q.events[q.head:]...), 0
	}
}

// len returns how many events wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events) - q.head - q.dead
}

// drop drops what waits: nobody will take it.
func (q *queue) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events, q.head, q.dead, q.stale, q.last = nil, 0, 0, 0, nil
}
