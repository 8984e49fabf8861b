package addingress

import (
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/controller"
)

// failing keeps since when the keys fail that do. The zero failing is ready for use, and safe for
// concurrent use.
type failing struct {
	mu    sync.Mutex
	since map[controller.Key]time.Time // guarded by mu
}

// reportFailuresAfter is how long a key fails before an Event says so. Conflicts, and errors that
// last for a moment only, are over by then.
const reportFailuresAfter = 5 * time.Second

// failed notes that key fails, and returns for how long it has.
func (f *failing) failed(key controller.Key) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	since, ok := f.since[key]
	if !ok {
		if f.since == nil {
			f.since = map[controller.Key]time.Time{}
		}
		since = time.Now()
		f.since[key] = since
	}
	return time.Since(since)
}

// succeeded forgets that key failed.
func (f *failing) succeeded(key controller.Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.since, key)
}
