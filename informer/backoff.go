package informer

import (
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// backoff counts failures and returns how long to wait before the next attempt: client-go's
// figures, to which API servers are used. The pause is 0.8 to 30 seconds, doubles, and is spread
// so that the clients of a server that comes back do not all come at once.
type backoff struct {
	failures int // in a row, since the last reset
}

const (
	backoffBase = 800 * time.Millisecond
	backoffMax  = 30 * time.Second
	// stableAfter is how long a stream has to live for the next failure to count as the first.
	stableAfter = 30 * time.Second
)

// next returns the wait after one more failure, which err is: at least as long as the server asked
// for in it (Retry-After).
func (b *backoff) next(err error) time.Duration {
	d := backoffMax
	if b.failures < 6 { // 0.8 s << 6 is over the maximum
		d = min(backoffBase<<b.failures, backoffMax)
	}
	b.failures++
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok {
		d = max(d, time.Duration(seconds)*time.Second)
	}
	return d + rand.N(d)
}

func (b *backoff) reset() { b.failures = 0 }
