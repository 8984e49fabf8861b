package operator

import (
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/controller"
)

// failing are the keys of a controller whose last reconcile failed, and since when: for an alert on a
// key that fails for ever, among many that do not.
type failing struct {
	mu    sync.Mutex
	since map[any]time.Time // guarded by mu
}

// maxFailing bounds the keys that are remembered, some 200 bytes each. One that is left out is
// remembered at its next failure, if others have succeeded meanwhile.
const maxFailing = 1000

// ended takes in the end of a reconcile. A terminal error is no failure here: no further attempt
// would help, and the author of the reconcile function knows.
func (f *failing) ended(key any, o controller.Outcome, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.Err == nil || o.Next == controller.NextStopped || controller.IsTerminal(o.Err) {
		delete(f.since, key)
		return
	}
	if _, known := f.since[key]; !known && len(f.since) < maxFailing {
		f.since[key] = now
	}
}

// state returns how many keys fail, maxFailing at most, and for how long the oldest of them has.
func (f *failing) state(now time.Time) (keys int, longest time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, since := range f.since {
		longest = max(longest, now.Sub(since))
	}
	return len(f.since), longest
}
