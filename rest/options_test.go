package rest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Every number follows one rule: 0 means the default, negative means off.

func TestZeroAndNegativeTimeouts(t *testing.T) {
	const hour = time.Hour // of the test's context: no limit of the client ends the request
	for _, test := range []struct {
		name            string
		config, request time.Duration
		want            time.Duration
	}{
		{"both 0: of silence", 0, 0, DefaultSilenceTimeout},
		{"Config's", time.Second, 0, time.Second},
		{"the request's", time.Second, 2 * time.Second, 2 * time.Second},
		{"the request's where the Config has none", -1, 2 * time.Second, 2 * time.Second},
		{"a negative Config.Timeout: no limit", -1, 0, hour},
		{"a negative Timeout of the request: no limit", time.Second, -1, hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hangs := func(req *http.Request) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				}
				c := fakeClient(t, hangs, func(cfg *Config) { cfg.Timeout = test.config })
				ctx, cancel := context.WithTimeout(t.Context(), hour)
				defer cancel()
				began := time.Now()
				err := c.Get().Resource("pods").Timeout(test.request).Do(ctx).Error()
				if took := time.Since(began); took != test.want || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("ended after %v, not %v: %v", took, test.want, err)
				}
			})
		})
	}
}

func TestZeroAndNegativeThrottles(t *testing.T) {
	for _, test := range []struct {
		name  string
		qps   float64
		burst int
		want  []time.Duration // when each of three requests is sent
	}{
		{"0: no limit", 0, 0, []time.Duration{0, 0, 0}},
		{"negative: no limit", -1, 0, []time.Duration{0, 0, 0}},
		{"negative, and a burst that does not count", -1, 1, []time.Duration{0, 0, 0}},
		{"negative both", -1, -1, []time.Duration{0, 0, 0}},
		{"0 and no burst: no limit", 0, -1, []time.Duration{0, 0, 0}},
		{"burst 0: QPS rounded up", 2, 0, []time.Duration{0, 0, 500 * time.Millisecond}},
		{"a negative burst: one at a time", 2, -1, []time.Duration{0, 500 * time.Millisecond, time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := fakeClient(t, says(200, "{}"), func(cfg *Config) { cfg.QPS, cfg.Burst = test.qps, test.burst })
				began := time.Now()
				for i, want := range test.want {
					if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
						t.Fatal(err)
					}
					if at := time.Since(began); at != want {
						t.Errorf("request %d is sent after %v, not %v", i, at, want)
					}
				}
			})
		})
	}
}

func TestRetryForeverEndsWithTheContextOnly(t *testing.T) {
	again := says(429, "slow down", "Retry-After", "1")
	set := map[string]func(*Config, *Request){
		"of the Config":  func(cfg *Config, _ *Request) { cfg.MaxRetries = RetryForever },
		"of the request": func(_ *Config, r *Request) { r.MaxRetries(RetryForever) },
	}
	for name, set := range set {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const many = 50 * DefaultMaxRetries
				answers := slices.Repeat([]func(*http.Request) (*http.Response, error){again}, many)
				s := &script{t: t, answers: append(answers, says(200, "{}"))}
				c := fakeClient(t, s.RoundTrip, func(cfg *Config) { set(cfg, new(Request)) })
				r := c.Get().Resource("pods")
				set(new(Config), r)
				if err := r.Do(t.Context()).Error(); err != nil {
					t.Errorf("after %d requests: %v", len(s.bodies), err)
				}

				s = &script{t: t, answers: slices.Repeat(answers, 2)}
				c = fakeClient(t, s.RoundTrip, func(cfg *Config) { set(cfg, new(Request)) })
				r = c.Get().Resource("pods")
				set(new(Config), r)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := r.Do(ctx).Error(); !apierrors.IsTooManyRequests(err) || len(s.bodies) <= DefaultMaxRetries {
					t.Errorf("after %d requests: %v", len(s.bodies), err)
				}
			})
		})
	}
}

// A server that cannot be reached is not asked without end.
func TestRetryForeverDoesNotHoldForConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answers: slices.Repeat([]func(*http.Request) (*http.Response, error){breaks(errReset)}, 1+maxBroken)}
		c := fakeClient(t, s.RoundTrip, func(cfg *Config) { cfg.MaxRetries = RetryForever })
		if err := c.Get().Resource("pods").Do(t.Context()).Error(); !errors.Is(err, errReset) || len(s.bodies) != 1+maxBroken {
			t.Errorf("after %d requests: %v", len(s.bodies), err)
		}
	})
}
