package rest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// noticeableThrottle is the wait from which the throttle logs that it held a request back.
const noticeableThrottle = time.Second

// A RateLimiter decides when a request may be sent.
type RateLimiter interface {
	// Wait returns nil when one more request may be sent. If ctx ends before, or would end, it
	// returns an error that wraps ctx's, or says so.
	Wait(ctx context.Context) error
}

// NewRateLimiter returns a RateLimiter of qps requests per second on average, and of at most burst at
// once. A burst of 0 means qps rounded up; negative means one request at a time. A qps that is not
// positive and finite is an error. All clients whose Config.RateLimiter it is share the limit. It is
// safe for concurrent use.
func NewRateLimiter(qps float64, burst int) (RateLimiter, error) {
	if !(qps > 0) ||
		math.IsInf(qps, 0) { //mutants:equal[1] negative infinity is not positive
		return nil, fmt.Errorf("rest: make a rate limiter: qps is %v: it must be positive", qps)
	}
	return newThrottle(qps, burst), nil
}

// limiter returns what limits the client's requests, or nil for no limit.
func (c *Config) limiter() (RateLimiter, error) {
	switch {
	case c.RateLimiter != nil && (c.QPS != 0 || c.Burst != 0):
		return nil, errors.New("Config.RateLimiter is set together with QPS or Burst: remove those")
	case c.RateLimiter != nil:
		return c.RateLimiter, nil
	case c.QPS < 0, c.QPS == 0 && c.Burst <= 0:
		return nil, nil
	case c.QPS == 0:
		return nil, fmt.Errorf(
			"Config.Burst is %d without QPS: set QPS, the requests per second, too", c.Burst)
	//mutants:equal[1] negative infinity is the first case
	case math.IsNaN(c.QPS) || math.IsInf(c.QPS, 0):
		return nil, fmt.Errorf(
			"Config.QPS is %v: set the requests per second, or 0 for no limit", c.QPS)
	}
	return newThrottle(c.QPS, c.Burst), nil
}

// hold returns when the call may be sent.
func (c *call) hold(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	by := "Config.RateLimiter"
	if c.cfg.RateLimiter == nil {
		by = fmt.Sprintf("Config.QPS %v", c.cfg.QPS)
	}
	began := time.Now()
	if err := c.limiter.Wait(ctx); err != nil {
		return c.secrets.errorf("%s: held back by %s: %w", c.what, by, err)
	}
	if wait := time.Since(began); wait >= noticeableThrottle {
		c.log.Info("request was held back by "+by, "request", c.what, "wait", wait)
	}
	return nil
}

// throttle limits the rate of requests by a bucket of tokens. It is written here because the usual
// limiter of golang.org/x/time/rate, which does more, takes five times the code in every program.
type throttle struct {
	qps, burst float64

	mu     sync.Mutex // guards the fields below
	tokens float64    // as of at; negative if requests wait for theirs
	at     time.Time
}

func newThrottle(qps float64, burst int) *throttle {
	size := float64(max(burst, 1))
	if burst == 0 {
		size = min(math.Ceil(qps), math.MaxInt32)
	}
	return &throttle{qps: qps, burst: size, tokens: size, at: time.Now()}
}

// Wait returns when the request may be sent. If that would be after ctx's end, it returns an error
// that wraps ctx's.
func (t *throttle) Wait(ctx context.Context) error {
	wait := t.take()
	late := tooLate(ctx, wait)
	//mutants:tuning[>=,-1,1] sleep returns at once after no time or a nanosecond
	if late || ctx.Err() != nil || wait > 0 && !sleep(ctx, wait) {
		t.giveBack()
		if cause := ctxerr.Of(ctx); cause != nil {
			return cause
		}
		return context.DeadlineExceeded
	}
	return nil
}

// take takes a token, and returns after which time it is there.
func (t *throttle) take() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.tokens = min(t.burst, t.tokens+now.Sub(t.at).Seconds()*t.qps)
	t.at = now
	t.tokens--
	seconds := max(-t.tokens, 0) / t.qps //mutants:equal[-1] wait takes a negative time for none
	//mutants:tuning[3] 97 years in place of 146
	return time.Duration(min(seconds*float64(time.Second), math.MaxInt64/2))
}

// giveBack returns a token that was taken and is not used.
func (t *throttle) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens = min(t.burst, t.tokens+1)
}
