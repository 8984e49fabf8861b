package informer

import (
	"fmt"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/store"
)

// Status is what an informer is doing, what it holds and what went wrong, at one moment.
type Status struct {
	// State is what the reflector is doing: "streaming" or "paging" a list, "watching", "asking"
	// the server how far it is, "waiting" to try again, "stopped"; "idle" before Start.
	State           string
	Synced          bool        // the initial list is in the cache
	Objects         int         // in the cache
	PackedBytes     int64       // what the objects take in the cache, their names included
	Cache           store.Stats // what the cache holds and takes, in all detail
	ResourceVersion string      // the newest that the cache contains
	Lists           int64       // lists completed
	Watches         int64       // watches opened
	Events          int64       // watch events received, bookmarks included
	LastError       error       // the last error met, nil if there was none yet; it may be long over
	LastErrorAt     time.Time   // when
	Failures        int         // attempts that failed since the last one that worked; 0 is healthy
}

// Status returns what the informer is doing, what it holds and what went wrong.
func (s *shared) Status() Status {
	s.health.mu.Lock()
	status := s.health.status
	s.health.mu.Unlock()
	if status.State == "" {
		status.State = "idle"
	}
	if err := s.Err(); err != nil {
		status.State = "stopped"
		if s.mistake != nil {
			status.LastError = err
		}
	}
	status.Cache = s.Stats()
	status.Objects, status.PackedBytes = status.Cache.Objects, status.Cache.PackedBytes
	status.Synced, status.ResourceVersion = s.HasSynced(), s.progress.current()
	return status
}

// Stats returns what the cache holds and what that takes, packed and decoded, exactly. It takes
// constant time.
func (s *shared) Stats() store.Stats { return s.store().Stats() }

// health is what Status says of the streams.
type health struct {
	mu     sync.Mutex
	status Status

	logged     time.Time
	suppressed int // errors not logged since
}

func (h *health) update(f func(*Status)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.status)
}

// logEvery is how often errors of one informer are logged at most: one that cannot reach its server
// has nothing new to say.
const logEvery = 10 * time.Second

// report tells of an error, to whom the options say.
func (s *shared) report(err error) {
	h := &s.health
	h.mu.Lock()
	h.status.LastError, h.status.LastErrorAt = err, time.Now()
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
		s.config.onError(err)
	case log && suppressed > 0:
		s.config.logger.Warn(err.Error(), "suppressed", suppressed)
	case log:
		s.config.logger.Warn(err.Error())
	}
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

// OpaqueVersionError is the error of a resourceVersion that cannot be compared with others: it is
// not the number that Kubernetes 1.35 and later promise for all that they serve themselves
// (KEP-5504).
type OpaqueVersionError struct{ ResourceVersion string }

// Error says which version it was and what to do.
func (e *OpaqueVersionError) Error() string {
	return fmt.Sprintf("resourceVersion %q cannot be compared with others (a positive number can); wait for the object itself instead", e.ResourceVersion)
}
