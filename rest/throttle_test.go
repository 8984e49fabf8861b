package rest

import (
	"context"
	"errors"
	"net/http"
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
