package informer

import (
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// backoff counts failures and returns how long to wait before the next attempt. The pause begins at
// 0.8 seconds, doubles, and is spread up to twice that, so that the clients of a server that comes
// back do not all come at once.
//
// A server that answers is spared for up to a minute. A server that does not answer at all has no
// load from it: it is tried again within 8 seconds, so that a cache is right soon after an outage.
// The two are counted apart. Otherwise the failures of an outage would delay the first attempts
// after it.
type backoff struct {
	unanswered, answered int // failures since the last reset
}

const (
	backoffBase = 800 * time.Millisecond
	// maxUnanswered and maxAnswered are the longest pauses, before they are spread.
	maxUnanswered = 4 * time.Second
	maxAnswered   = 30 * time.Second
	// maxRetryAfter is the longest Retry-After that is waited for. A server that asks for more, or
	// the page of a proxy in front of it, may be back sooner.
	maxRetryAfter = time.Minute
	// stableAfter is how long a watch has to live for the next failure to count as the first.
	stableAfter = 30 * time.Second
)

// next returns the pause after one more failure: at least as long as the server asked for in err
// (Retry-After), and a minute at most.
func (b *backoff) next(a answer, err error) time.Duration {
	count, limit := &b.answered, maxAnswered
	if a == unanswered {
		count, limit = &b.unanswered, maxUnanswered
	}
	//mutants:tuning[9,11] from the seventh on the pause is the longest
	d := min(backoffBase<<min(*count, 10), limit)
	*count++
	return max(d+rand.N(d), retryAfter(err))
}

// retryAfter returns how long the server asked to wait, spread, and 0 if it did not ask.
func retryAfter(err error) time.Duration {
	seconds, ok := apierrors.SuggestsClientDelay(err)
	d := time.Duration(seconds) * time.Second
	switch {
	case !ok || d <= 0: //mutants:equal[1] it is a multiple of a second
		return 0
	case d > maxRetryAfter:
		return maxRetryAfter - rand.N(maxRetryAfter/6)
	}
	return min(d+rand.N(d/5), maxRetryAfter)
}

func (b *backoff) reset() { *b = backoff{} }
