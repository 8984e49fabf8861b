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

// The bounds of whether a request is sent again, and of how long it waits before.
func TestTheBoundsOfRetries(t *testing.T) {
	failed := errors.New("the connection is gone")
	read := policy{max: 5, read: true, repeatable: true}
	write := policy{max: 5}
	for name, c := range map[string]struct {
		p     policy
		t     tries
		o     outcome
		again bool
		wait  time.Duration // the shortest; at most a fifth more
	}{
		"the first":                      {read, tries{}, outcome{err: failed, sent: true}, true, 100 * time.Millisecond},
		"the third of a connection":      {read, tries{total: 2, broken: 2}, outcome{err: failed, sent: true}, true, 400 * time.Millisecond},
		"the fourth of a connection":     {read, tries{total: 3, broken: 3}, outcome{err: failed, sent: true}, false, 0},
		"the fourth, which was not sent": {write, tries{total: 3, broken: 3}, outcome{err: failed}, false, 0},
		"the third, which was not sent":  {write, tries{total: 2, broken: 2}, outcome{err: failed}, true, 400 * time.Millisecond},
		"a write that was sent":          {write, tries{}, outcome{err: failed, sent: true}, false, 0},
		"the last of all":                {read, tries{total: 4}, outcome{err: failed}, true, 100 * time.Millisecond},
		"one more than all":              {read, tries{total: 5}, outcome{err: failed}, false, 0},
		"more than that":                 {read, tries{total: 6}, outcome{err: failed}, false, 0},
		"none":                           {policy{read: true}, tries{}, outcome{err: failed}, false, 0},
		"one, the first":                 {policy{max: 1, read: true}, tries{}, outcome{err: failed}, true, 100 * time.Millisecond},
		"credentials changed":            {write, tries{}, outcome{code: 401, err: failed, renewed: true, retryAfter: -1}, true, 0},
		"credentials changed again":      {write, tries{total: 1, renewed: 1}, outcome{code: 401, err: failed, renewed: true, retryAfter: -1}, false, 0},

		"499":                      {read, tries{}, outcome{code: 499, err: failed}, false, 0},
		"500":                      {read, tries{}, outcome{code: 500, err: failed}, true, 100 * time.Millisecond},
		"501":                      {read, tries{}, outcome{code: 501, err: failed}, true, 100 * time.Millisecond},
		"500 of a write":           {write, tries{}, outcome{code: 500, err: failed}, false, 0},
		"428 of a write":           {write, tries{}, outcome{code: 428, err: failed}, false, 0},
		"429 of a write":           {write, tries{}, outcome{code: 429, err: failed}, true, 100 * time.Millisecond},
		"430 of a write":           {write, tries{}, outcome{code: 430, err: failed}, false, 0},
		"502 of a write":           {write, tries{}, outcome{code: 502, err: failed}, false, 0},
		"503 of a write":           {write, tries{}, outcome{code: 503, err: failed}, true, 100 * time.Millisecond},
		"504 of a write":           {write, tries{}, outcome{code: 504, err: failed}, false, 0},
		"no Retry-After":           {read, tries{}, outcome{code: 503, err: failed, retryAfter: -1}, false, 0},
		"Retry-After of a minute":  {read, tries{}, outcome{code: 503, err: failed, retryAfter: time.Minute}, true, time.Minute},
		"just below a minute":      {read, tries{}, outcome{code: 503, err: failed, retryAfter: time.Minute - 1}, true, time.Minute - 1},
		"just above a minute":      {read, tries{}, outcome{code: 503, err: failed, retryAfter: time.Minute + 1}, false, 0},
		"Retry-After of 0, second": {read, tries{total: 1}, outcome{code: 503, err: failed}, true, 200 * time.Millisecond},
		"the fifth":                {read, tries{total: 4}, outcome{code: 503, err: failed}, true, 1600 * time.Millisecond},
		"the sixth":                {policy{max: 90}, tries{total: 5}, outcome{code: 503, err: failed}, true, 2 * time.Second},
		"the seventieth":           {policy{max: 90}, tries{total: 69}, outcome{code: 503, err: failed}, true, 2 * time.Second},
	} {
		got := c.p.judge(c.t, c.o)
		if got.again != c.again {
			t.Errorf("%s: it is sent again: %v", name, got.again)
		}
		for range 200 { // the wait is spread
			got := c.p.judge(c.t, c.o)
			if most := c.wait + c.wait/5; c.again && (got.wait < c.wait || got.wait > most) {
				t.Fatalf("%s: it waits %v, not %v to %v", name, got.wait, c.wait, most)
			}
		}
	}
}

// next counts what judge decides, each retry for its reason.
func TestRetriesAreCounted(t *testing.T) {
	p, failed := policy{max: 9, read: true}, errors.New("gone")
	var got tries
	for _, o := range []outcome{
		{err: failed}, {code: 503, err: failed}, {code: 401, err: failed, renewed: true}, {err: failed, sent: true},
		{code: 404, err: failed, retryAfter: -1},
	} {
		p.next(&got, o)
	}
	if want := (tries{total: 4, broken: 2, renewed: 1}); got != want {
		t.Errorf("counted %+v, not %+v", got, want)
	}
}

// A wait is lengthened by nothing up to a fifth, both included.
func TestTheBoundsOfSpread(t *testing.T) {
	for d, most := range map[time.Duration]time.Duration{0: 0, 4: 4, 5: 6, 9: 10, 10: 12, 14: 16, 15: 18} {
		seen := map[time.Duration]bool{}
		for range 2000 {
			seen[spread(d)] = true
		}
		for at := range seen {
			if at < d || at > most {
				t.Errorf("%d becomes %d, not %d to %d", d, at, d, most)
			}
		}
		if !seen[d] || !seen[most] {
			t.Errorf("%d never becomes %d and %d", d, d, most)
		}
	}
}

func TestTheBoundsOfRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": -1, "0": 0, "1": time.Second, "-1": -1, "-0": 0, " 7 ": 7 * time.Second, "1.5": -1, "soon": -1, "0x10": -1, "010": 10 * time.Second,
		"2147483647": math.MaxInt32 * time.Second, "2147483648": -1, "99999999999999999999": -1,
		now.Format(http.TimeFormat):                       0,
		now.Add(time.Second).Format(http.TimeFormat):      time.Second,
		now.Add(-time.Second).Format(http.TimeFormat):     0,
		now.AddDate(-100, 0, 0).Format(http.TimeFormat):   0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
	} {
		if got := parseRetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("Retry-After %q is %v, not %v", value, got, want)
		}
	}
}

// A wait of a second is logged, and one just below is not.
func TestTheBoundOfANoticeableThrottle(t *testing.T) {
	for qps, logged := range map[float64]bool{0.999: true, 1: true, 1.001: false} {
		synctest.Test(t, func(t *testing.T) {
			var log logBuffer
			c := fakeClient(t, says(200, "{}"), func(cfg *Config) { cfg.QPS, cfg.Burst, cfg.Logger = qps, 1, log.logger() })
			for range 2 {
				if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Contains(log.String(), "held back"); got != logged {
				t.Errorf("at %v requests a second, the wait is logged: %v", qps, got)
			}
		})
	}
}

func TestTheBoundsOfQPSAndBurst(t *testing.T) {
	for _, c := range []struct {
		qps   float64
		burst int
		want  int // -1: no limit; 0: an error
	}{
		{0, 0, -1}, {0, -1, -1}, {0, 1, 0}, {-1, 5, -1}, {-0.001, 0, -1}, {math.SmallestNonzeroFloat64, 0, 1},
		{0.001, 0, 1}, {0.001, 2, 2}, {1, 0, 1}, {1, -1, 1}, {1, -2, 1}, {1, 1, 1}, {1, 2, 2}, {1.5, 0, 2}, {2, 0, 2}, {2.5, -1, 1},
		{math.MaxInt32 - 1, 0, math.MaxInt32 - 1}, {math.MaxInt32, 0, math.MaxInt32}, {math.MaxInt32 + 1, 0, math.MaxInt32},
		{math.NaN(), 0, 0}, {math.Inf(1), 0, 0}, {math.Inf(-1), 0, -1},
	} {
		limit, err := (&Config{QPS: c.qps, Burst: c.burst}).limiter()
		got := -1
		switch {
		case err != nil:
			got = 0
		case limit != nil:
			got = int(limit.(*throttle).burst)
		}
		if got != c.want {
			t.Errorf("QPS %v and Burst %d: %d, not %d (%v)", c.qps, c.burst, got, c.want, err)
		}
	}
}

// A request that gives up gives back the token that it took: no more, or the next ones would be
// sent too early, and no less, or they would wait for nothing.
func TestAThrottleGetsBackOneToken(t *testing.T) {
	for given := range 4 {
		synctest.Test(t, func(t *testing.T) {
			limit := newThrottle(1, 2)
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			began := time.Now()
			for range 2 {
				if err := limit.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for range given {
				if err := limit.Wait(ended); !errors.Is(err, context.Canceled) {
					t.Fatalf("error: %v", err)
				}
			}
			for i := range 3 {
				if err := limit.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != time.Duration(i+1)*time.Second {
					t.Errorf("after %d requests that gave up, request %d goes after %v", given, i+3, took)
				}
			}
		})
	}
}

// A wait that is longer than a time.Duration can say is a long one, and not none.
func TestAThrottleOfAlmostNothing(t *testing.T) {
	for _, qps := range []float64{1e-8, 1e-9, 1.1e-10, 1e-10, 1e-11, math.SmallestNonzeroFloat64} {
		synctest.Test(t, func(t *testing.T) {
			limit := newThrottle(qps, 2)
			for i := range 2 {
				if wait := limit.take(); wait > 0 {
					t.Errorf("at %v requests a second, request %d waits %v", qps, i, wait)
				}
			}
			if wait := limit.take(); wait < time.Second*99_999_999 {
				t.Errorf("at %v requests a second, the third waits %v", qps, wait)
			}
		})
	}
}
