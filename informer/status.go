package informer

import (
	"fmt"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/store"
)

// Status is the state of an informer at one moment.
type Status struct {
	// State is the reflector's: "streaming" or "paging" a list, "watching", "checking" after a
	// broken connection whether the server is behind the cache, "asking" the server for its newest
	// version, "polling" (waiting for the next list of a resource that cannot be watched),
	// "waiting" before the next attempt, "discovering" and "unserved" (see WhenServed), "stopped";
	// "idle" before Start.
	State           string
	Synced          bool        // the initial list is in the cache
	Objects         int         // in the cache
	PackedBytes     int64       // the memory of the packed objects, their names included
	Cache           store.Stats // the cache's figures in full
	ResourceVersion string      // the newest that the cache contains; a restore of the server lowers it
	Lists           int64       // lists completed
	Watches         int64       // watches opened
	Events          int64       // watch events received, bookmarks included
	LastError       error       // the last error, which may be over; nil if there was none
	LastErrorAt     time.Time   // when LastError occurred
	// LastErrorOfFunction reports whether a function of the program failed: a transform, an index, a
	// handler. The next success of a request tells nothing about such an error.
	LastErrorOfFunction bool
	// Failures counts failed attempts. It becomes 0 when a list is complete, when a watch has
	// brought an event, and when a watch has been open for five seconds. 0 is healthy.
	Failures int
	// FailingSince is when the first attempt failed after which none has succeeded: since then the
	// cache gets no changes. It is zero while the informer works. A list succeeds when it is complete,
	// a watch when it is opened. These are no failures: the end of a watch, and a version that the
	// server has forgotten (410), if the list that follows at once succeeds.
	FailingSince time.Time
	// AnsweredAt is when the server answered the last time, with whatever status, or sent a part of
	// an answer. It is zero if the server never has.
	AnsweredAt time.Time
	// NextAt is when the next attempt begins, in StateWaiting. It is zero in any other state.
	NextAt time.Time
	// Unwatchable is why the resource is listed every few minutes instead of being watched: the
	// server refuses watches, or its lists have no resourceVersion. It is nil for a resource that
	// can be watched.
	Unwatchable error
	// Namespaces has the state of each stream of an informer of [Namespaces], by namespace; it is nil
	// for any other. The figures above are then those of all streams together: State is "watching" if
	// all are, else the state of the first one that is not; LastError is the latest; Failures the
	// highest; FailingSince the earliest; ResourceVersion the lowest. Each stream's own Objects, PackedBytes and Cache are zero.
	Namespaces map[string]Status
}

// Status returns the informer's state and its last error.
func (s *shared) Status() Status {
	status := s.health.current()
	if s.config.several != nil {
		s.config.several.combine(s, &status)
	}
	if err := s.Err(); err != nil {
		status.State = "stopped"
		if s.mistake != nil {
			status.LastError = err
		}
	}
	status.Cache = s.Stats()
	status.Objects, status.PackedBytes = status.Cache.Objects, status.Cache.PackedBytes
	status.Synced, status.ResourceVersion = s.HasSynced(), s.ResourceVersion()
	return status
}

// Stats returns the cache's counts and exact sizes, packed and decoded. It takes constant time.
func (s *shared) Stats() store.Stats { return s.store().Stats() }

// health is the part of Status that the reflector updates.
type health struct {
	mu     sync.Mutex
	status Status

	logged     time.Time
	suppressed int // errors not logged since
}

// current returns the status as the reflector has updated it.
func (h *health) current() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	status := h.status
	if status.State == "" {
		status.State = StateIdle
	}
	return status
}

func (h *health) update(f func(*Status)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.status)
}

// report records an error of the stream, and calls OnError's function or logs the error. The stream
// paces its errors itself.
func (f *feed) report(err error) {
	s := f.informer
	err = s.client.Redact(err)
	f.health.update(func(status *Status) { status.lastError(err, false) })
	if s.config.onError != nil {
		s.tellError(err)
	} else {
		s.config.logger.Warn(err.Error())
	}
}

// logEvery is the shortest time between two logged errors that report takes.
const logEvery = 10 * time.Second

// report records an error of a program's function, which may come with every event, and calls
// OnError's function or logs the error.
func (s *shared) report(err error) {
	err = s.client.Redact(err)
	h := &s.health
	h.mu.Lock()
	h.status.lastError(err, true)
	log := h.logged.IsZero() || time.Since(h.logged) >= logEvery
	suppressed := h.suppressed
	if log {
		h.logged, h.suppressed = time.Now(), 0
	} else {
		h.suppressed++
	}
	h.mu.Unlock()
	switch {
	case s.config.onError != nil:
		s.tellError(err)
	case log && suppressed > 0:
		s.config.logger.Warn(err.Error(), "suppressed", suppressed)
	case log:
		s.config.logger.Warn(err.Error())
	}
}

func (s *Status) lastError(err error, ofFunction bool) {
	s.LastError, s.LastErrorAt, s.LastErrorOfFunction = err, time.Now(), ofFunction
}

func (h *health) lastError() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.status.LastError
}

// because returns the last error, as the end of a message about what it prevented; an error without
// a text if there was none.
func (h *health) because() error { return &reason{h.lastError()} }

type reason struct{ err error }

func (r *reason) Error() string {
	if r.err == nil {
		return ""
	}
	return fmt.Sprintf("; its last error: %v", r.err)
}

func (r *reason) Unwrap() error { return r.err }

// OpaqueVersionError is the error of a resourceVersion that cannot be compared with others, because
// it is not a number. Kubernetes 1.35 and later promise numbers for the resources that they serve
// themselves (KEP-5504).
type OpaqueVersionError struct{ ResourceVersion string }

// Error returns the version and what to do instead.
func (e *OpaqueVersionError) Error() string {
	return fmt.Sprintf("resourceVersion %q cannot be compared with others (a positive number "+
		"can); wait for the object itself instead", e.ResourceVersion)
}
