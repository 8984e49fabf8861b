package operator_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/operator"
)

func probe(t *testing.T, h http.Handler, target string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return w.Code, w.Body.String()
}

func TestHealthAnswersAsTheAPIServerDoes(t *testing.T) {
	var h operator.Health
	pass := func(context.Context) error { return nil }
	fail := func(context.Context) error { return errors.New("two\nlines") }
	h.Add("ping", operator.Live, pass)
	h.Add("a", operator.Ready, pass)
	for _, tc := range []struct {
		target string
		code   int
		body   string
	}{
		{"/healthz", 200, "ok"},
		{"/livez", 200, "ok"},
		{"/readyz", 200, "ok"},
		{"/readyz/", 200, "ok"},
		{"/healthz?verbose", 200, "[+]ping ok\nhealthz check passed\n"},
		{"/readyz?verbose=1", 200, "[+]a ok\nreadyz check passed\n"},
		{"/readyz/a", 200, "ok"},
		{"/readyz/ping", 404, "404 page not found\n"},
		{"/readyz/b", 404, "404 page not found\n"},
		{"/metrics", 404, "404 page not found\n"},
		{"/readyz?exclude=x&verbose", 200, "[+]a ok\nwarn: no check to exclude is named \"x\"\nreadyz check passed\n"},
	} {
		if code, body := probe(t, &h, tc.target); code != tc.code || body != tc.body {
			t.Errorf("%s: %d %q, want %d %q", tc.target, code, body, tc.code, tc.body)
		}
	}
	h.Add("b", operator.Ready, fail)
	for _, tc := range []struct {
		target string
		code   int
		body   string
	}{
		{"/healthz", 200, "ok"},
		{"/readyz", 500, "[+]a ok\n[-]b failed: two; lines\nreadyz check failed\n"},
		{"/readyz?exclude=b", 200, "ok"},
		{"/readyz?exclude=b&verbose", 200, "[+]b excluded: ok\n[+]a ok\nreadyz check passed\n"},
		{"/readyz/a", 200, "ok"},
		{"/readyz/b", 500, "[-]b failed: two; lines\nreadyz check failed\n"},
	} {
		if code, body := probe(t, &h, tc.target); code != tc.code || body != tc.body {
			t.Errorf("%s: %d %q, want %d %q", tc.target, code, body, tc.code, tc.body)
		}
	}
	if err := h.Err(t.Context(), operator.Ready); err == nil || err.Error() != "check b: two\nlines" {
		t.Errorf("Err is %v", err)
	}
	h.Add("b", operator.Ready, pass) // replaces
	if err := h.Err(t.Context(), operator.Ready); err != nil {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/readyz", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered %d", w.Code)
	}
}

func TestAZeroHealthIsFine(t *testing.T) {
	if code, body := probe(t, &operator.Health{}, "/readyz"); code != 200 || body != "ok" {
		t.Errorf("%d %q", code, body)
	}
}

func TestACheckThatPanicsFails(t *testing.T) {
	var h operator.Health
	h.Add("wild", operator.Live, func(context.Context) error { panic("!") })
	if code, body := probe(t, &h, "/healthz"); code != 500 || !strings.HasPrefix(body, "[-]wild failed: check panicked: !\n") {
		t.Errorf("%d %q", code, body)
	}
}

// A check that hangs fails after the timeout, and is called once however many probes come.
func TestACheckThatHangsIsCalledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h operator.Health
		var calls atomic.Int32
		release := make(chan struct{})
		h.Add("stuck", operator.Ready, func(ctx context.Context) error {
			calls.Add(1)
			<-release
			return ctx.Err()
		})
		began := time.Now()
		for range 3 {
			code, body := probe(t, &h, "/readyz")
			if code != 500 || !strings.Contains(body, "[-]stuck failed: no answer for "+time.Since(began).String()) {
				t.Errorf("after %v: %d %q", time.Since(began), code, body)
			}
		}
		if time.Since(began) != 3*operator.DefaultCheckTimeout || calls.Load() != 1 {
			t.Errorf("three probes took %v and called the check %d times", time.Since(began), calls.Load())
		}
		close(release)
		synctest.Wait()
		if code, _ := probe(t, &h, "/readyz"); code != 200 || calls.Load() != 2 {
			t.Errorf("afterwards: %d, %d calls", code, calls.Load())
		}
	})
}

// The timeout of a check: an answer just before it counts, one just after it does not.
func TestTheBoundOfACheck(t *testing.T) {
	for after, want := range map[time.Duration]int{
		operator.DefaultCheckTimeout - 1: 200, operator.DefaultCheckTimeout + 1: 500,
	} {
		synctest.Test(t, func(t *testing.T) {
			var h operator.Health
			h.Add("slow", operator.Ready, func(context.Context) error { time.Sleep(after); return nil })
			if code, body := probe(t, &h, "/readyz"); code != want {
				t.Errorf("after %v: %d %q", after, code, body)
			}
			time.Sleep(time.Second)
		})
	}
}

// The checks of a probe run at the same time.
func TestChecksRunTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h operator.Health
		for _, name := range []string{"a", "b", "c"} {
			h.Add(name, operator.Ready, func(context.Context) error { time.Sleep(time.Second); return nil })
		}
		began := time.Now()
		if code, _ := probe(t, &h, "/readyz"); code != 200 || time.Since(began) != time.Second {
			t.Errorf("%d after %v", code, time.Since(began))
		}
	})
}
