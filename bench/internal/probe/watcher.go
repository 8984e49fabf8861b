package probe

import (
	"strconv"
	"sync"
	"time"
)

// Watcher counts what a handler is told. It is safe for concurrent use.
type Watcher struct {
	mu          sync.Mutex
	calls       int
	newest      uint64
	first, last time.Time
	record      bool
	receptions  Receptions
}

// Told is all that a runner's handler does: it notes that it was called, and the object's version.
// An empty version notes nothing but the call.
func (w *Watcher) Told(resourceVersion string) {
	version, _ := strconv.ParseUint(resourceVersion, 10, 64)
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == 0 {
		w.first = now
	}
	w.calls++
	w.last = now
	w.newest = max(w.newest, version)
	if w.record {
		w.receptions.Versions = append(w.receptions.Versions, version)
		w.receptions.At = append(w.receptions.At, now.UnixNano())
	}
}

// Newest returns the newest version that the handler was ever told.
func (w *Watcher) Newest() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest
}

// mark begins to count anew.
func (w *Watcher) mark(record bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.record, w.receptions = 0, record, Receptions{}
}

// count returns the number of calls since the mark and what lay between the first and the last.
func (w *Watcher) count() (calls int, between time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == 0 {
		return 0, 0
	}
	return w.calls, w.last.Sub(w.first)
}

func (w *Watcher) received() Receptions {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.receptions
}
