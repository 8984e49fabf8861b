package events

import (
	"cmp"
	"maps"
	"slices"
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
	// maxRemembered is how many Events are remembered, beside those that are to be written. More are
	// only those whose pauses go on: at the default QPS they are fewer, because pauses end. There are
	// never more than twice as many.
	maxRemembered = 2000
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

// add records an occurrence. It returns why it was dropped, if it was.
func (r *Recorder) add(ev Event) error {
	now := time.Now()
	key := id{group: group{objectOf(ev.Regarding), ev.Type, ev.Reason, ev.Action}, note: ev.Note}
	if ev.Related != nil {
		key.related = objectOf(*ev.Related)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == ended {
		return ErrEnded
	}
	if now.Sub(r.swept) >= sweepEvery {
		r.sweep(now)
	}
	e := r.entries[key]
	if e == nil && r.groups[key.group] >= maxNotes {
		key.note, key.further = "", true
		e = r.entries[key]
	}
	if e == nil || e.pending == 0 {
		if r.waiting >= r.o.Queue {
			return errFull
		}
	}
	if e == nil {
		if len(r.entries)-r.waiting >= r.crowded {
			r.thin(now)
		}
		of := r.objects[key.object]
		if of == nil {
			of = &subject{map[id]*entry{}, objectBurst, now}
			r.objects[key.object] = of
		}
		if !of.take(now) {
			return ErrDropped
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
		r.waiting++
		e.first = now
		r.queue.AddAfter(key, max(0, e.pause-now.Sub(e.wrote)))
	}
	e.pending++
	e.last = now
	if ev.Done != nil {
		e.done = append(e.done, ev.Done)
	}
	return nil
}

// sayFull logs that the queue is full, with growing pauses.
func (r *Recorder) sayFull() {
	r.mu.Lock()
	yes, kept := r.full.say(time.Now())
	queued := r.waiting
	r.mu.Unlock()
	if yes {
		r.log.Warn("Events are dropped: the queue is full", "queued", queued, "droppedBefore", kept,
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

// thin forgets Events that are written, because there are too many: to three quarters of maxRemembered,
// those first whose pauses have ended first. Those whose pauses go on are forgotten only from twice
// maxRemembered on, to three quarters of that. r.mu is held.
func (r *Recorder) thin(now time.Time) {
	type written struct {
		key   id
		until time.Time // of its pause
	}
	var all []written
	for key, e := range r.entries {
		if e.pending == 0 {
			all = append(all, written{key, e.wrote.Add(e.pause)})
		}
	}
	slices.SortFunc(all, func(a, b written) int {
		return cmp.Or(a.until.Compare(b.until), r.entries[a.key].number-r.entries[b.key].number)
	})
	left := len(all)
	paused := left // to how many those whose pauses go on are forgotten
	if left >= 2*maxRemembered {
		paused = 2 * maxRemembered * 3 / 4
	}
	for _, w := range all {
		if left <= maxRemembered*3/4 || w.until.After(now) && left <= paused {
			break
		}
		r.remove(w.key, r.entries[w.key])
		left--
	}
	r.crowded = max(maxRemembered, min(left+maxRemembered/4, 2*maxRemembered))
}

// sweep forgets the Events that are written and did not occur for the time that they are remembered,
// and the objects whose allowance is whole. r.mu is held.
func (r *Recorder) sweep(now time.Time) {
	r.swept = now
	for key, e := range r.entries {
		if e.pending == 0 && now.Sub(e.last) >= remember {
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
