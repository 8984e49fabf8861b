package events

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// tries is how often writing an Event is tried before it is dropped.
	tries = 5
	// tryTimeout is how long a try may take.
	tryTimeout = 10 * time.Second
)

// turn writes what is to be written of an Event. last is set if there is no other try.
func (r *Recorder) turn(ctx context.Context, key id, last bool) {
	r.mu.Lock()
	e := r.entries[key]
	if e == nil || e.pending == 0 {
		r.mu.Unlock()
		return
	}
	now := *e // what is recorded meanwhile is for the next turn
	r.mu.Unlock()

	count, err := r.write(ctx, key, &now)
	switch {
	case err == nil:
		r.queue.Forget(key)
		r.wrote(key, e, now, count)
	case ctx.Err() != nil && !last: // Run flushes it
	case last, hopeless(err), r.queue.NumRequeues(key)+1 >= tries:
		r.queue.Forget(key)
		r.giveUp(key, e, now, err)
	default:
		r.queue.AddRateLimited(key)
	}
}

// wrote notes that the occurrences in now are written.
func (r *Recorder) wrote(key id, e *entry, now entry, count int32) {
	r.mu.Lock()
	t := time.Now()
	e.known, e.count, e.wrote = true, count, t
	e.pause = min(max(2*e.pause, firstPause), lastPause)
	e.pending -= now.pending
	e.done = e.done[len(now.done):]
	r.stats.Written += int(now.pending)
	if r.entries[key] == e {
		if e.pending == 0 {
			r.waiting--
		} else {
			e.first = t
			r.queue.AddAfter(key, e.pause)
		}
	}
	if t.Sub(r.swept) >= sweepEvery {
		r.sweep(t)
	}
	r.mu.Unlock()
	finish(now.done, nil)
}

// giveUp drops the occurrences of an Event that cannot be written.
func (r *Recorder) giveUp(key id, e *entry, now entry, err error) {
	r.mu.Lock()
	done := now.done
	if r.entries[key] == e {
		done = e.done
		r.stats.Dropped += int(e.pending)
		r.remove(key, e)
	}
	loud := true
	if hopeless(err) { // missing rights would fill the log, also if other Events can be written
		loud, _ = r.hopes.say(time.Now())
	}
	r.mu.Unlock()
	say := r.log.Warn
	if !loud {
		say = r.log.Debug
	}
	ref := now.event.Regarding
	say("Event dropped", "object", ref.Kind+" "+ref.Namespace+"/"+ref.Name,
		"reason", now.event.Reason, "err", err,
		"next", "it is tried again when it is recorded again")
	finish(done, err)
}

func finish(done []func(error), err error) {
	for _, f := range done {
		f(err)
	}
}

// flush writes once what is queued.
func (r *Recorder) flush(ctx context.Context) {
	r.queue.ShutDown()
	ctx, cancel := context.WithTimeout(ctx, max(r.o.FlushTimeout, 0))
	defer cancel()
	r.mu.Lock()
	var keys []id
	for key, e := range r.entries {
		if e.pending > 0 {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b id) int { return r.entries[a].number - r.entries[b].number })
	r.mu.Unlock()
	for _, key := range keys {
		if ctx.Err() != nil {
			break
		}
		r.turn(ctx, key, true)
	}
	r.mu.Lock()
	r.state = ended
	left := r.waiting
	r.mu.Unlock()
	if left > 0 && r.o.FlushTimeout > 0 {
		r.log.Warn("Events dropped: the recorder has ended", "events", left)
	}
}

// hopeless reports whether a retry would fail again: the namespace is gone or is being deleted, or
// the program may not write Events.
func hopeless(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || apierrors.IsInvalid(err) ||
		apierrors.IsUnauthorized(err)
}

// write creates the Event of e, or continues the one that exists. It returns the count of the
// series.
func (r *Recorder) write(ctx context.Context, key id, e *entry) (int32, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	made := r.event(key, e)
	if e.known {
		count := e.count + e.pending
		err := r.patch(ctx, made, count, e.last)
		if !apierrors.IsNotFound(err) {
			return count, err
		} // the API server has removed it after its time
	}
	err := r.sink.Create(ctx, made)
	if !apierrors.IsAlreadyExists(err) {
		return e.pending, err
	}
	before, err := r.sink.Get(ctx, made.Namespace, made.Name)
	if err != nil {
		return 0, err
	}
	count := 1 + e.pending // the first occurrence has no series
	if before.Series != nil {
		count = before.Series.Count + e.pending
	}
	return count, r.patch(ctx, made, count, e.last)
}

func (r *Recorder) patch(ctx context.Context, made *eventsv1.Event, count int32, last time.Time) error {
	data, err := json.Marshal(map[string]any{"series": eventsv1.EventSeries{
		Count: count, LastObservedTime: metav1.NewMicroTime(last),
	}})
	if err != nil {
		return err
	}
	return r.sink.Patch(ctx, made.Namespace, made.Name, data)
}
