package operator

import (
	"crypto/sha256"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// callers limits the questions to the API server, each caller's for itself: a flood of bad tokens does
// not lock out who has a good one. A caller is a token that the API server knew within the last
// hour, and otherwise the address that a request comes from.
type callers struct {
	mu        sync.Mutex
	all       *rate.Limiter // of all tokens that are not known
	known     map[[sha256.Size]byte]*caller
	addresses map[string]*caller
}

type caller struct {
	limit *rate.Limiter
	last  time.Time
}

const (
	// askRate and askBurst limit one caller, in questions a second and at once.
	askRate, askBurst = 10, 20
	// allRate and allBurst limit the callers whose tokens are not known, together.
	allRate, allBurst = 50, 100
	// knownFor is how long a token counts as known after the last answer that it is.
	knownFor = time.Hour
	// maxCallers bounds the callers that are remembered, of each kind.
	maxCallers = 1000
)

func newCallers() *callers {
	return &callers{all: rate.NewLimiter(allRate, allBurst),
		known: map[[sha256.Size]byte]*caller{}, addresses: map[string]*caller{}}
}

// may reports whether a question may be asked now.
func (c *callers) may(token, address string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.known[sha256.Sum256([]byte(token))]; k != nil && now.Sub(k.last) < knownFor {
		return k.limit.AllowN(now, 1)
	}
	a := c.addresses[address]
	if a == nil {
		makeRoom(c.addresses, func(old *caller) bool { return old.limit.TokensAt(now) >= askBurst })
		a = &caller{limit: rate.NewLimiter(askRate, askBurst)}
		c.addresses[address] = a
	}
	return a.limit.AllowN(now, 1) && c.all.AllowN(now, 1)
}

// knows records that the API server knows a token.
func (c *callers) knows(token string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := sha256.Sum256([]byte(token))
	k := c.known[id]
	if k == nil {
		makeRoom(c.known, func(old *caller) bool { return now.Sub(old.last) >= knownFor })
		k = &caller{limit: rate.NewLimiter(askRate, askBurst)}
		c.known[id] = k
	}
	k.last = now
}

// makeRoom forgets the callers that are over if there are maxCallers, and all if none is.
func makeRoom[K comparable](m map[K]*caller, over func(*caller) bool) {
	if len(m) < maxCallers {
		return
	}
	for k, c := range m {
		if over(c) {
			delete(m, k)
		}
	}
	if len(m) >= maxCallers {
		clear(m)
	}
}
