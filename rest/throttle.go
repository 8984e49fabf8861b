package rest

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"golang.org/x/time/rate"
)

// noticeableThrottle is the wait from which the throttle says in the log that it is what is slow.
const noticeableThrottle = time.Second

// throttle holds requests back to the rate of the Config. A nil throttle holds nothing back.
type throttle struct {
	limiter *rate.Limiter
	log     *slog.Logger
}

func newThrottle(cfg *Config) (*throttle, error) {
	switch {
	case cfg.QPS == 0 && cfg.Burst == 0:
		return nil, nil
	case cfg.QPS <= 0 || math.IsNaN(cfg.QPS) || math.IsInf(cfg.QPS, 0):
		return nil, fmt.Errorf("Config.QPS is %v: set how many requests a second may go, or 0 (and Burst 0) for no throttle", cfg.QPS)
	case cfg.Burst < 0:
		return nil, fmt.Errorf("Config.Burst is %d: set how many requests may go at once, or 0 for QPS rounded up", cfg.Burst)
	}
	burst := cfg.Burst
	if burst == 0 {
		burst = int(min(math.Ceil(cfg.QPS), math.MaxInt32))
	}
	return &throttle{limiter: rate.NewLimiter(rate.Limit(cfg.QPS), burst), log: cfg.logger()}, nil
}

// wait returns when the request may go, or with an error that wraps ctx's when that would be after
// ctx's end.
func (t *throttle) wait(ctx context.Context, what string) error {
	if t == nil {
		return nil
	}
	began := time.Now()
	if err := t.limiter.Wait(ctx); err != nil {
		cause := ctx.Err()
		if cause == nil { // the limiter saw that the deadline comes first, and did not wait for it
			cause = context.DeadlineExceeded
		}
		return fmt.Errorf("%s: held back by Config.QPS %v: %w", what, float64(t.limiter.Limit()), cause)
	}
	if waited := time.Since(began); waited >= noticeableThrottle {
		t.log.Info("request was held back by Config.QPS", "request", what, "wait", waited)
	}
	return nil
}
