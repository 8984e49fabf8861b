package rest

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"golang.org/x/time/rate"
)

// noticeableThrottle is the wait from which the throttle logs that it held a request back.
const noticeableThrottle = time.Second

// throttle limits the rate of requests. A nil throttle has no limit.
type throttle struct {
	limiter *rate.Limiter
	log     *slog.Logger
}

func newThrottle(cfg *Config) (*throttle, error) {
	switch {
	case cfg.QPS < 0, cfg.QPS == 0 && cfg.Burst <= 0:
		return nil, nil
	case cfg.QPS == 0:
		return nil, fmt.Errorf(
			"Config.Burst is %d without QPS: set QPS, the requests per second, too", cfg.Burst)
	case math.IsNaN(cfg.QPS) || math.IsInf(cfg.QPS, 0):
		return nil, fmt.Errorf(
			"Config.QPS is %v: set the requests per second, or 0 for no limit", cfg.QPS)
	}
	burst := max(cfg.Burst, 1)
	if cfg.Burst == 0 {
		burst = int(min(math.Ceil(cfg.QPS), math.MaxInt32))
	}
	return &throttle{limiter: rate.NewLimiter(rate.Limit(cfg.QPS), burst), log: cfg.logger()}, nil
}

// wait returns when the request may be sent. If that would be after ctx's end, it returns an error
// that wraps ctx's.
func (t *throttle) wait(ctx context.Context, what string) error {
	if t == nil {
		return nil
	}
	began := time.Now()
	if err := t.limiter.Wait(ctx); err != nil {
		cause := ctx.Err()
		if cause == nil { // the deadline is before the request's turn: the limiter does not wait
			cause = context.DeadlineExceeded
		}
		return fmt.Errorf(
			"%s: held back by Config.QPS %v: %w", what, float64(t.limiter.Limit()), cause)
	}
	if waited := time.Since(began); waited >= noticeableThrottle {
		t.log.Info("request was held back by Config.QPS", "request", what, "wait", waited)
	}
	return nil
}
