package rest

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// noticeableThrottle is the wait from which the throttle logs that it held a request back.
const noticeableThrottle = time.Second

// throttle limits the rate of requests by a bucket of tokens. A nil throttle has no limit. It is
// written here because the usual limiter of golang.org/x/time/rate, which does more, takes five
// times the code in every program.
type throttle struct {
	qps, burst float64
	log        *slog.Logger

	mu     sync.Mutex // guards the fields below
	tokens float64    // as of at; negative if requests wait for theirs
	at     time.Time
}

func newThrottle(cfg *Config) (*throttle, error) {
	switch {
	case cfg.QPS < 0, cfg.QPS == 0 && cfg.Burst <= 0:
		return nil, nil
	case cfg.QPS == 0:
		return nil, fmt.Errorf(
			"Config.Burst is %d without QPS: set QPS, the requests per second, too", cfg.Burst)
	//mutants:equal[1] negative infinity is the first case
	case math.IsNaN(cfg.QPS) || math.IsInf(cfg.QPS, 0):
		return nil, fmt.Errorf(
			"Config.QPS is %v: set the requests per second, or 0 for no limit", cfg.QPS)
	}
	burst := float64(max(cfg.Burst, 1))
	if cfg.Burst == 0 {
		burst = min(math.Ceil(cfg.QPS), math.MaxInt32)
	}
	return &throttle{
		qps: cfg.QPS, burst: burst, log: cfg.logger(), tokens: burst, at: time.Now(),
	}, nil
}

// wait returns when the request may be sent. If that would be after ctx's end, it returns an error
// that wraps ctx's.
func (t *throttle) wait(ctx context.Context, what string) error {
	if t == nil {
		return nil
	}
	wait := t.take()
	late := tooLate(ctx, wait)
	//mutants:tuning[>=,-1,1] sleep returns at once after no time or a nanosecond
	if late || ctx.Err() != nil || wait > 0 && !sleep(ctx, wait) {
		t.giveBack()
		cause := ctxerr.Of(ctx)
		if cause == nil {
			cause = context.DeadlineExceeded
		}
		return fmt.Errorf("%s: held back by Config.QPS %v: %w", what, t.qps, cause)
	}
	if wait >= noticeableThrottle {
		t.log.Info("request was held back by Config.QPS", "request", what, "wait", wait)
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
