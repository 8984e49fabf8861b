package probe

import (
	"strconv"
	"sync"
	"time"
)

// Watcher counts the calls of a handler. It is safe for concurrent use.
type Watcher struct {
	mu          sync.Mutex
	calls       int
	newest      uint64
	first, last time.Time
	record      bool
	receptions  Receptions
}

// Told is the whole work of a runner's handler: it records the call and the object's version. With
// an empty version it records the call only.
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

// Newest returns the newest version of all calls.
func (w *Watcher) Newest() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest
}

// mark starts a new count.
func (w *Watcher) mark(record bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.record, w.receptions = 0, record, Receptions{}
}

// count returns the number of calls since the mark, and the time between the first and the last.
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
