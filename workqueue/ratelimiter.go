package workqueue

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// RateLimiter decides how long a key that failed waits for its next turn. An
// implementation must be safe for concurrent use.
type RateLimiter[K comparable] interface {
	// When counts a failure of key and returns how long to wait before its next
	// attempt; never a negative time.
	When(key K) time.Duration
	// Forget ends key's history and frees what is kept of it.
	Forget(key K)
	// NumRequeues is how many failures of key were counted since it was last
	// forgotten.
	NumRequeues(key K) int
}

// The defaults are the field's own, so that a controller which moves to skiff
// retries at the pace that its cluster is used to.
const (
	// DefaultBaseDelay is the wait after a key's first failure. Most first
	// failures are conflicts, which the next look at the cache resolves.
	DefaultBaseDelay = 5 * time.Millisecond
	// DefaultMaxDelay bounds the wait of a key that goes on failing: about a
	// quarter of an hour, reached at the 19th failure in a row.
	DefaultMaxDelay = 1000 * time.Second
	// DefaultQPS is how many retries a second all keys together may make in the
	// long run, so that an outage which fails every key does not end in a storm.
	DefaultQPS = 10
	// DefaultBurst is how many retries may go ahead of that pace.
	DefaultBurst = 100
)

// DefaultRateLimiter is what New uses: the longer of a wait that doubles with
// each failure of the key, and of one that keeps all keys together to
// DefaultQPS.
func DefaultRateLimiter[K comparable]() RateLimiter[K] {
	return MaxOf(
		Exponential[K](DefaultBaseDelay, DefaultMaxDelay),
		Bucket[K](rate.NewLimiter(DefaultQPS, DefaultBurst)),
	)
}

// Exponential waits base after the first failure of a key, twice that after the
// second, and so on up to limit. It keeps a count for each key that has failed
// and was not forgotten. A base that is not positive means DefaultBaseDelay: no
// wait at all would be a hot loop. A limit under base means base.
func Exponential[K comparable](base, limit time.Duration) RateLimiter[K] {
	if base <= 0 {
		base = DefaultBaseDelay
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
	// base << n, if that is no more than limit. Comparing the limit shifted down
	// cannot overflow, and a shift of 64 and more gives 0.
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

// Bucket keeps all keys together to the pace of limiter: each failure takes a
// token and waits until it is there. It keeps nothing of a key, so Forget does
// nothing and NumRequeues is 0. limiter may be shared by queues; one whose burst
// is 0 has no tokens, and a key waits for ever.
func Bucket[K comparable](limiter *rate.Limiter) RateLimiter[K] {
	return bucket[K]{limiter}
}

type bucket[K comparable] struct{ limiter *rate.Limiter }

func (r bucket[K]) When(K) time.Duration { return r.limiter.Reserve().Delay() }
func (r bucket[K]) Forget(K)             {}
func (r bucket[K]) NumRequeues(K) int    { return 0 }

// MaxOf asks all limiters and waits for the longest time that one of them says;
// not at all if there are none. NumRequeues is the largest of theirs.
func MaxOf[K comparable](limiters ...RateLimiter[K]) RateLimiter[K] {
	return maxOf[K](limiters)
}

type maxOf[K comparable] []RateLimiter[K]

func (r maxOf[K]) When(key K) time.Duration {
	var longest time.Duration
	for _, limiter := range r {
		longest = max(longest, limiter.When(key))
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

// Jitter makes each wait of limiter longer by a random part of up to fraction of
// it: with 0.5, between 1 and 1.5 times. Keys that failed together then do not
// come back together, which matters where no Bucket spreads them. A fraction
// that is not positive changes nothing.
func Jitter[K comparable](limiter RateLimiter[K], fraction float64) RateLimiter[K] {
	return jitter[K]{limiter, fraction}
}

type jitter[K comparable] struct {
	RateLimiter[K]
	fraction float64
}

func (r jitter[K]) When(key K) time.Duration {
	wait := r.RateLimiter.When(key)
	if wait <= 0 || !(r.fraction > 0) {
		return wait
	}
	// What a float that no int64 can hold converts to depends on the machine, so
	// it is caught before; so is the NaN that 0 times an infinite fraction gives.
	extra := rand.Float64() * r.fraction * float64(wait)
	if !(extra < math.MaxInt64) {
		return math.MaxInt64
	}
	return saturatingAdd(wait, time.Duration(extra))
}
