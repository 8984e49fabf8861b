package rest

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		ok := func(req *http.Request) (*http.Response, error) { return answer(req, 200, "{}"), nil }
		c := fakeClient(t, ok, func(cfg *Config) { cfg.QPS, cfg.Burst, cfg.Logger = 0.5, 3, log.logger() })
		began := time.Now()
		for range 5 { // three at once, then one every two seconds, for all clients together
			if err := c.GroupVersion(c.gv).Get().Resource("pods").Do(t.Context()).Error(); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began).Round(time.Millisecond); took != 4*time.Second {
			t.Errorf("took %v", took)
		}
		mustContain(t, log.String(), "held back by Config.QPS")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Get().Resource("pods").Do(ctx).Error()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error: %v", err)
		}
		mustContain(t, err.Error(), "list pods", "QPS 0.5")
	})
}

func TestTheBurstIsQPSRoundedUpByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakeClient(t, says(200, "{}"), func(cfg *Config) { cfg.QPS = 1.5 })
		began := time.Now()
		for i, want := range []time.Duration{0, 0, 667 * time.Millisecond} {
			if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
				t.Fatal(err)
			}
			if at := time.Since(began).Round(time.Millisecond); at != want {
				t.Errorf("request %d goes after %v, not %v", i, at, want)
			}
		}
	})
}

func TestRetriesDoNotCountAgainstTheThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){
			says(429, "", "Retry-After", "1"), says(429, "", "Retry-After", "1"), says(200, "{}"),
		}}
		c := fakeClient(t, s.RoundTrip, func(cfg *Config) { cfg.QPS = 0.001 })
		if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
		if took := s.times[2].Sub(s.times[0]); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestWithoutQPSNothingIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakeClient(t, func(req *http.Request) (*http.Response, error) { return answer(req, 200, "{}"), nil })
		began := time.Now()
		for range 1000 {
			if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// brokenLimiter is a RateLimiter of the caller's own.
type brokenLimiter struct{ err error }

func (l brokenLimiter) Wait(context.Context) error { return l.err }

// Clients share a limiter; one of the caller's own says what it likes.
func TestASharedRateLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter, err := NewRateLimiter(0.5, 2)
		if err != nil {
			t.Fatal(err)
		}
		var log logBuffer
		share := func(cfg *Config) { cfg.RateLimiter, cfg.Logger = limiter, log.logger() }
		a, b := fakeClient(t, says(200, "{}"), share), fakeClient(t, says(200, "{}"), share)
		began := time.Now()
		for _, c := range []*Client{a, b, a, b} {
			if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("took %v", took)
		}
		mustContain(t, log.String(), "held back by Config.RateLimiter")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = a.Get().Resource("pods").Do(ctx).Error()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error: %v", err)
		}
		mustContain(t, err.Error(), "list pods: held back by Config.RateLimiter: ")
	})
	c := fakeClient(t, says(200, "{}"), func(cfg *Config) {
		cfg.RateLimiter, cfg.BearerToken = brokenLimiter{errors.New("closed; " + echoed)}, echoed
	})
	err := c.Get().Resource("pods").Do(t.Context()).Error()
	if err == nil || !strings.Contains(err.Error(), "closed; "+redacted) {
		t.Error(err)
	}
}

func TestTheBoundsOfARateLimiter(t *testing.T) {
	for qps, ok := range map[float64]bool{
		0: false, -1: false, math.NaN(): false, math.Inf(1): false, math.Inf(-1): false,
		math.SmallestNonzeroFloat64: true, math.MaxFloat64: true,
	} {
		if limiter, err := NewRateLimiter(qps, 0); (err == nil) != ok || (limiter != nil) != ok {
			t.Errorf("qps %v: %v, %v", qps, limiter, err)
		}
	}
	for _, cfg := range []Config{{QPS: 1}, {Burst: 1}, {QPS: -1}} {
		cfg.Host, cfg.RateLimiter = "https://server.example", brokenLimiter{}
		if _, err := NewClient(&cfg); err == nil || !strings.Contains(err.Error(), "Config.RateLimiter") {
			t.Errorf("together with QPS %v and Burst %d: %v", cfg.QPS, cfg.Burst, err)
		}
	}
}
