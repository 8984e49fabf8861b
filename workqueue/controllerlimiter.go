package workqueue

import (
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The figures of ControllerRateLimiter, beside DefaultBaseDelay and DefaultMaxDelay.
const (
	// ControllerQPS is how many retries a second all keys together may make. 10,000 keys that an
	// outage has failed are through in 8 seconds.
	ControllerQPS = 1500
	// ControllerBurst is how many retries may go ahead of that pace.
	ControllerBurst = 100
	// ControllerPause is the shortest wait of a retry beyond the burst. So many failures at once
	// have a cause outside the keys, and that needs time to pass.
	ControllerPause = time.Second
)

// ControllerRateLimiter returns the limiter that package controller uses by default. It lets an
// outage be over soon after its cause is, and keeps retries apart:
//
//   - A key waits [DefaultBaseDelay] after its first failure, and after each further one twice as
//     long as it waited before, up to [DefaultMaxDelay]. Up to a quarter of the wait is left out at
//     random, so that keys that failed together do not come back together.
//   - All keys together make [ControllerQPS] retries a second, and [ControllerBurst] ahead of that.
//     A retry beyond the burst waits [ControllerPause] at least. What a key waited for this reason
//     counts when its next wait is doubled.
//
// So after an outage of any length a key waits at most about twice that length once more. If 10,000
// keys never succeed, they make about 11 retries a second in the long run: each of them one in 12
// to 17 minutes.
func ControllerRateLimiter[K comparable]() RateLimiter[K] {
	return &controllerLimiter[K]{bucket: rate.NewLimiter(ControllerQPS, ControllerBurst)}
}

type controllerLimiter[K comparable] struct {
	bucket *rate.Limiter

	mu   sync.Mutex
	keys table[K, failing] // guarded by mu
}

// failing is what a controllerLimiter keeps of a key that failed.
type failing struct {
	failures int
	wait     time.Duration // the last wait, without what was left out of it
}

func (r *controllerLimiter[K]) When(key K) time.Duration {
	return max(r.whenOwn(key), r.whenShared(key))
}

func (r *controllerLimiter[K]) whenOwn(key K) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, _ := r.keys.get(key)
	f.failures++
	f.wait = min(max(DefaultBaseDelay, 2*f.wait), DefaultMaxDelay)
	r.keys.set(key, f)
	//mutants:tuning[0,2] leaves out a nanosecond more or less
	return f.wait - rand.N(f.wait/4+1)
}

func (r *controllerLimiter[K]) whenShared(key K) time.Duration {
	wait := r.bucket.Reserve().Delay()
	//mutants:tuning[1] of the places in a second, none is a nanosecond long
	if wait <= 0 {
		return 0 //mutants:equal[-1,1] When returns the longer wait of the key
	}
	wait += ControllerPause
	r.mu.Lock()
	defer r.mu.Unlock()
	//mutants:equal[<=] sets the same
	if f, ok := r.keys.get(key); ok && f.wait < wait {
		f.wait = min(wait, DefaultMaxDelay)
		r.keys.set(key, f)
	}
	return wait
}

func (r *controllerLimiter[K]) Forget(key K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys.remove(key)
}

func (r *controllerLimiter[K]) NumRequeues(key K) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, _ := r.keys.get(key)
	return f.failures
}
