package addingress

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/skiff-k8s/skiff/controller"
)

const (
	// writesBurst is how many writes to one Service's Ingress are made without a pause: more than a
	// person or a rollout needs.
	writesBurst = 50
	// writesPerSecond is the rate of further writes.
	writesPerSecond = 1
)

// pace limits the rate of writes to one Service's Ingress. If another controller keeps changing or
// deleting the Ingress, both would otherwise write as fast as the API server allows, forever.
//
// It has one limiter for each Service that asks for an Ingress and whose Ingress was written. It is
// safe for concurrent use.
type pace struct {
	mu       sync.Mutex
	limiters map[controller.Key]*rate.Limiter // guarded by mu
}

// wait returns 0 and counts one write if a write is allowed now. Otherwise it returns the time
// until the next write is allowed.
func (p *pace) wait(key controller.Key) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter := p.limiters[key]
	if limiter == nil {
		if p.limiters == nil {
			p.limiters = map[controller.Key]*rate.Limiter{}
		}
		limiter = rate.NewLimiter(writesPerSecond, writesBurst)
		p.limiters[key] = limiter
	}
	reservation := limiter.Reserve()
	wait := reservation.Delay()
	if wait > 0 {
		reservation.Cancel()
	}
	return wait
}

// calm reports whether at least half of the burst is left, so that the Ingress was not fought over
// recently.
func (p *pace) calm(key controller.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter := p.limiters[key]
	return limiter == nil || limiter.Tokens() >= writesBurst/2
}

// forget removes the limiter of a Service that is gone or asks for no Ingress.
func (p *pace) forget(key controller.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.limiters, key)
}
