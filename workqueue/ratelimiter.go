package workqueue

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// RateLimiter decides how long a key that failed waits for its next turn. An implementation must be
// safe for concurrent use. Queues call it without a lock.
type RateLimiter[K comparable] interface {
	// When counts a failure of key and returns how long to wait before its next attempt; never a
	// negative time.
	When(key K) time.Duration
	// Forget ends key's history and frees what is kept of it.
	Forget(key K)
	// NumRequeues returns the number of failures of key that were counted since it was last
	// forgotten.
	NumRequeues(key K) int
}

// shared is a RateLimiter with a limit that all keys share. A key that waits already takes nothing
// of that limit. When(key) is the longer of whenOwn(key) and whenShared(key).
type shared[K comparable] interface {
	RateLimiter[K]
	// whenOwn counts a failure of key and returns how long key waits on its own account.
	whenOwn(key K) time.Duration
	// whenShared takes one retry from the shared limit and returns how long it has to wait.
	whenShared(key K) time.Duration
}

// The defaults are the field's own, so that a controller which moves to skiff retries at the pace
// that its cluster is used to.
const (
	// DefaultBaseDelay is the wait after a key's first failure. Most first failures are conflicts,
	// which the next look at the cache resolves.
	DefaultBaseDelay = 5 * time.Millisecond
	// DefaultMaxDelay bounds the wait of a key that goes on failing: about a quarter of an hour,
	// reached at the 19th failure in a row.
	DefaultMaxDelay = 1000 * time.Second
	// DefaultQPS is how many retries a second all keys together may make in the long run, so that
	// an outage which fails every key does not end in a storm.
	DefaultQPS = 10
	// DefaultBurst is how many retries may go ahead of that pace.
	DefaultBurst = 100
)

// DefaultRateLimiter returns the limiter that New uses: the longer of a wait that doubles with each
// failure of the key, and of one that keeps all keys together to DefaultQPS.
func DefaultRateLimiter[K comparable]() RateLimiter[K] {
	return MaxOf(
		Exponential[K](DefaultBaseDelay, DefaultMaxDelay),
		Bucket[K](DefaultQPS, DefaultBurst),
	)
}

// Exponential waits base after the first failure of a key, twice that after the second, and so on
// up to limit. It keeps a count for each key that has failed and was not forgotten.
//
//   - base: 0 means DefaultBaseDelay. Negative means no wait: a key that fails is tried again at
//     once, unless another limiter of MaxOf makes it wait.
//   - limit: 0 means DefaultMaxDelay. Negative means no limit. A limit below base means base.
func Exponential[K comparable](base, limit time.Duration) RateLimiter[K] {
	switch {
	case base == 0:
		base = DefaultBaseDelay
	case base < 0: //mutants:equal[<=,1] 0 is the case above
		base = 0
	}
	switch {
	case limit == 0:
		limit = DefaultMaxDelay
	case limit < 0: //mutants:equal[<=,1] 0 is the case above
		limit = math.MaxInt64
	}
	return &exponential[K]{base: base, limit: max(base, limit)}
}

type exponential[K comparable] struct {
	base, limit time.Duration

	mu       sync.Mutex
	failures table[K, int] // guarded by mu
}

func (r *exponential[K]) When(key K) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, _ := r.failures.get(key)
	r.failures.set(key, n+1)
	// base << n, if that is no more than limit. Comparing the limit shifted down cannot overflow,
	// and a shift of 64 and more gives 0.
	if r.base > r.limit>>n {
		return r.limit
	}
	return r.base << n
}

func (r *exponential[K]) Forget(key K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures.remove(key)
}

func (r *exponential[K]) NumRequeues(key K) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, _ := r.failures.get(key)
	return n
}

// Bucket keeps all keys together to qps retries a second in the long run: each failure takes a
// token from a bucket of burst tokens, which is filled at that rate, and waits until there is one.
// It keeps nothing of a key, so Forget does nothing and NumRequeues returns 0.
//
//   - qps: 0 means DefaultQPS. Negative means no limit, whatever burst is.
//   - burst: 0 means DefaultBurst. Negative means no burst: a bucket of one token.
func Bucket[K comparable](qps float64, burst int) RateLimiter[K] {
	switch {
	case qps == 0:
		qps = DefaultQPS
	case qps < 0: //mutants:equal[<=] 0 is the case above
		qps = float64(rate.Inf)
	}
	switch {
	case burst == 0:
		burst = DefaultBurst
	case burst < 0: //mutants:equal[<=,1] 0 is the case above
		burst = 1
	}
	return bucket[K]{rate.NewLimiter(rate.Limit(qps), burst)}
}

type bucket[K comparable] struct{ limiter *rate.Limiter }

func (r bucket[K]) When(key K) time.Duration   { return r.whenShared(key) }
func (r bucket[K]) Forget(K)                   {}
func (r bucket[K]) NumRequeues(K) int          { return 0 }
func (r bucket[K]) whenOwn(K) time.Duration    { return 0 }
func (r bucket[K]) whenShared(K) time.Duration { return r.limiter.Reserve().Delay() }

// MaxOf waits for the longest wait of limiters, or not at all if there are none. Its NumRequeues
// returns the largest of theirs.
func MaxOf[K comparable](limiters ...RateLimiter[K]) RateLimiter[K] {
	return maxOf[K](limiters)
}

type maxOf[K comparable] []RateLimiter[K]

func (r maxOf[K]) When(key K) time.Duration { return max(r.whenOwn(key), r.whenShared(key)) }

func (r maxOf[K]) whenOwn(key K) time.Duration {
	var longest time.Duration
	for _, limiter := range r {
		if split, ok := limiter.(shared[K]); ok {
			longest = max(longest, split.whenOwn(key))
		} else {
			longest = max(longest, limiter.When(key))
		}
	}
	return longest
}

func (r maxOf[K]) whenShared(key K) time.Duration {
	var longest time.Duration
	for _, limiter := range r {
		if split, ok := limiter.(shared[K]); ok {
			longest = max(longest, split.whenShared(key))
		}
	}
	return longest
}

func (r maxOf[K]) Forget(key K) {
	for _, limiter := range r {
		limiter.Forget(key)
	}
}

func (r maxOf[K]) NumRequeues(key K) int {
	var most int
	for _, limiter := range r {
		most = max(most, limiter.NumRequeues(key))
	}
	return most
}
