package events

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// firstPause and lastPause are between two writes of one series.
	firstPause = 10 * time.Second
	lastPause  = 6 * time.Minute
	// remember is how long an Event is remembered after its last occurrence. One that is forgotten
	// costs one request more if it occurs again.
	remember = 2 * lastPause
	// maxNotes is how many Events that differ in their notes only are written.
	maxNotes = 10
	// objectBurst is how many new Events an object gets at once, and objectEvery the time after
	// which it gets one more.
	objectBurst = 25
	objectEvery = time.Minute
	// sweepEvery is how often what is remembered is looked through.
	sweepEvery = time.Minute
)

// object identifies what an Event is about.
type object struct {
	kind, namespace, name string
	uid                   types.UID
}

func objectOf(ref corev1.ObjectReference) object {
	return object{ref.Kind, ref.Namespace, ref.Name, ref.UID}
}

// group is what Events have in common that differ in their notes.
type group struct {
	object
	kind, reason, action string
}

// id identifies an Event: its occurrences are a series.
type id struct {
	group
	related object
	note    string // "" if it stands for all further notes of the group
	further bool
}

// entry is an Event that is remembered.
type entry struct {
	event   Event
	number  int           // counts those that were ever made
	done    []func(error) // of the occurrences that are to be written
	pending int32         // occurrences that are to be written
	known   bool          // this process wrote the Event, so that it is there
	count   int32         // of the series, as written
	first   time.Time     // the first occurrence that is to be written
	last    time.Time     // the last occurrence
	wrote   time.Time
	pause   time.Duration // until the next write
}

// subject is an object that Events are about.
type subject struct {
	entries map[id]*entry
	left    int // new Events that it may get, as of at
	at      time.Time
}

// refill counts what the object may get again since then.
func (s *subject) refill(now time.Time) {
	if more := int(now.Sub(s.at) / objectEvery); more > 0 {
		s.left = min(s.left+more, objectBurst)
		s.at = s.at.Add(time.Duration(more) * objectEvery)
	}
}

// take reports whether one more is allowed.
func (s *subject) take(now time.Time) bool {
	s.refill(now)
	if s.left == 0 {
		return false
	}
	s.left--
	return true
}

// add records an occurrence. It reports false if a limit is reached.
func (r *Recorder) add(ev Event) bool {
	now := time.Now()
	key := id{group: group{objectOf(ev.Regarding), ev.Type, ev.Reason, ev.Action}, note: ev.Note}
	if ev.Related != nil {
		key.related = objectOf(*ev.Related)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[key]
	if e == nil && r.groups[key.group] >= maxNotes {
		key.note, key.further = "", true
		e = r.entries[key]
	}
	if e == nil {
		if r.waiting >= r.o.Queue {
			r.sayFull()
			return false
		}
		if len(r.entries) >= 2*max(DefaultQueue, r.waiting) {
			r.sweep(now, 0)
		}
		of := r.objects[key.object]
		if of == nil {
			of = &subject{map[id]*entry{}, objectBurst, now}
			r.objects[key.object] = of
		}
		if !of.take(now) {
			return false
		}
		r.made++
		e = &entry{event: ev, number: r.made}
		r.entries[key] = e
		of.entries[key] = e
		if !key.further {
			r.groups[key.group]++
		}
	}
	r.stats.Recorded++
	if e.pending == 0 {
		if r.waiting >= r.o.Queue {
			r.sayFull()
			r.stats.Recorded--
			return false
		}
		r.waiting++
		e.first = now
		r.queue.AddAfter(key, max(0, e.pause-now.Sub(e.wrote)))
	}
	e.pending++
	e.last = now
	if ev.Done != nil {
		e.done = append(e.done, ev.Done)
	}
	return true
}

// sayFull logs that the queue is full, once until it is not. r.mu is held.
func (r *Recorder) sayFull() {
	if !r.full {
		r.full = true
		r.log.Warn("Events are dropped: the queue is full", "queued", r.waiting,
			"next", "further ones are dropped until some are written")
	}
}

// remove forgets an entry. r.mu is held.
func (r *Recorder) remove(key id, e *entry) {
	if e.pending > 0 {
		r.waiting--
	}
	delete(r.entries, key)
	delete(r.objects[key.object].entries, key)
	r.queue.Forget(key)
	if !key.further {
		if r.groups[key.group]--; r.groups[key.group] == 0 {
			delete(r.groups, key.group)
		}
	}
}

// sweep forgets the Events that are written and did not occur for a time, and the objects whose
// allowance is whole. r.mu is held.
func (r *Recorder) sweep(now time.Time, idle time.Duration) {
	r.swept = now
	for key, e := range r.entries {
		if e.pending == 0 && now.Sub(e.last) >= idle {
			r.remove(key, e)
		}
	}
	maps.DeleteFunc(r.objects, func(_ object, s *subject) bool {
		s.refill(now)
		return s.left == objectBurst && len(s.entries) == 0
	})
}

// due reports whether there is something to write of an Event.
func (r *Recorder) due(key id) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[key]
	if e == nil || e.pending == 0 {
		r.queue.Forget(key)
		return false
	}
	return true
}
