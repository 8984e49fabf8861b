package informer

import (
	"context"
	"sync"
	"time"
)

// limits are how long a server may take for an answer that comes in parts.
type limits struct {
	silence time.Duration // without a part that is progress
	silent  error         // the cause of the end when that is over
	bound   time.Duration // in all, objectBound not counted
	late    error         // the cause of the end when that is over
}

// watchdog cancels a request whose server is silent, or too slow in all. It measures the server:
// only the time between wait and heard counts, not the time that the consumer takes. Of a time in
// which this process did not run, at most one tick counts, which is a part of limits.silence.
type watchdog struct {
	limits
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	timer   *time.Timer
	waiting bool
	since   time.Time     // when the tick began
	quiet   time.Duration // waited since the last progress
	spent   time.Duration // waited in all
}

// ticks is how many ticks limits.silence has.
const ticks = 4

// newWatchdog returns a watchdog that does not wait yet. The caller stops it.
func newWatchdog(cancel context.CancelCauseFunc, l limits) *watchdog {
	return &watchdog{limits: l, cancel: cancel}
}

// wait begins to wait for the server.
func (w *watchdog) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = true
	w.begin()
}

// heard ends a wait. progress is whether a part came that is progress, one more object.
func (w *watchdog) heard(progress bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count()
	w.waiting = false
	w.timer.Stop()
	if progress {
		w.quiet = 0
		w.bound += objectBound
	}
}

func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = false
	if w.timer != nil {
		w.timer.Stop()
	}
}

// begin begins a tick. w.mu is held.
func (w *watchdog) begin() {
	w.since = time.Now()
	d := min(w.silence/ticks, w.silence-w.quiet, w.bound-w.spent) // after the bound, at once
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.tick)
	} else {
		w.timer.Reset(d)
	}
}

// count adds the time of the tick, which ends. w.mu is held.
func (w *watchdog) count() {
	d := min(time.Since(w.since), w.silence/ticks)
	w.quiet += d
	w.spent += d
}

func (w *watchdog) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.waiting {
		return
	}
	w.count()
	switch {
	case w.quiet >= w.silence:
		w.cancel(w.silent)
	case w.spent >= w.bound:
		w.cancel(w.late)
	default:
		w.begin()
	}
}
