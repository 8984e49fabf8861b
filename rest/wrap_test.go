package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/skiff-k8s/skiff/wire"
)

// wrapped is a Config whose requests pass through these functions, the last one first.
func wrapped(cfg *Config, middleware ...func(next http.RoundTripper, req *http.Request) (*http.Response, error)) *Config {
	for _, f := range middleware {
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) { return f(next, req) })
		})
	}
	return cfg
}

// The wrapper that was added last sees a request first and its answer last. Each attempt and each
// redirect passes, with the credentials and the body.
func TestTheOrderOfWrappers(t *testing.T) {
	n := 0
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		switch n {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	})
	cfg.BearerToken = "a-token"
	var seen []string
	note := func(name string) func(http.RoundTripper, *http.Request) (*http.Response, error) {
		return func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			seen = append(seen, name+" "+req.URL.Path+" "+req.Header.Get("Authorization"))
			resp, err := next.RoundTrip(req)
			if err == nil {
				seen = append(seen, fmt.Sprint(name, " ", resp.StatusCode))
			}
			return resp, err
		}
	}
	c := newClient(t, wrapped(cfg, note("inner"), note("outer")))
	defer c.CloseIdleConnections()
	if err := c.Get().AbsPath("/a").Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"outer /a Bearer a-token", "inner /a Bearer a-token", "inner 429", "outer 429",
		"outer /a Bearer a-token", "inner /a Bearer a-token", "inner 307", "outer 307",
		"outer /elsewhere Bearer a-token", "inner /elsewhere Bearer a-token", "inner 200", "outer 200",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("%q\nwant %q", seen, want)
	}
}

func TestAWrapperThatReturnsNil(t *testing.T) {
	for _, outer := range []bool{false, true} {
		cfg := &Config{Host: "https://server.example"}
		cfg.Wrap(func(http.RoundTripper) http.RoundTripper { return nil })
		if outer {
			cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { panic("it wraps nothing") })
		}
		if _, err := NewClient(cfg); err == nil || !strings.Contains(err.Error(), "WrapTransport returned nil") {
			t.Error(err)
		}
	}
}

// A write whose connection breaks is not sent again, also if a wrapper makes a context of its own, so
// that it is not known whether it was sent; one that a wrapper kept back is.
func TestAWrapperDoesNotSendAWriteTwice(t *testing.T) {
	for name, test := range map[string]struct {
		middleware func(next http.RoundTripper, req *http.Request) (*http.Response, error)
		requests   int
		error      string
	}{
		"as it is": {func(next http.RoundTripper, req *http.Request) (*http.Response, error) { return next.RoundTrip(req) },
			1, "may have carried out"},
		"a derived context": {func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithCancel(context.WithValue(req.Context(), t, t))
			defer cancel()
			return next.RoundTrip(req.WithContext(ctx))
		}, 1, "may have carried out"},
		"a new context": {func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(context.Background()))
		}, 1, "may have carried out"},
		"kept back": {func(http.RoundTripper, *http.Request) (*http.Response, error) { return nil, errors.New("not now") },
			0, "not now (sent 4 times)"},
	} {
		t.Run(name, func(t *testing.T) {
			requests, attempts := 0, 0
			_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
				_, _ = io.Copy(io.Discard, r.Body)
				panic(http.ErrAbortHandler)
			})
			c := newClient(t, wrapped(cfg, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
				attempts++
				return test.middleware(next, req)
			}))
			defer c.CloseIdleConnections()
			err := c.Post().Resource("pods").Body([]byte("{}")).Do(t.Context()).Error()
			if err == nil || requests != test.requests || attempts != max(1, 4*(1-test.requests)) {
				t.Fatalf("%d attempts, %d requests, %v", attempts, requests, err)
			}
			mustContain(t, err.Error(), test.error)
		})
	}
}

// What a wrapper does to an answer passes the client's own checks: Do, lists and watches read what it
// returns, the size of an answer has its limit, and ending a watch ends it in the wrapper too.
func TestAWrapperOfAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		cfg, stop := network.serve(t, true, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", jsonOnly)
			fmt.Fprint(w, watched)
			_ = http.NewResponseController(w).Flush()
			if r.URL.Query().Has("watch") {
				<-r.Context().Done()
			}
		})
		closed := 0
		cfg.MaxAnswerBytes = 1 << 10
		c := newClient(t, wrapped(cfg, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && req.URL.Query().Has("large") {
				_ = resp.Body.Close()
				resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 1<<11))), -1
			}
			if err == nil {
				resp.Body = &closeCounter{resp.Body, &closed}
			}
			return resp, err
		}))
		if err := c.Get().Resource("pods").Param("large", "true").Do(t.Context()).Error(); !errors.Is(err, ErrAnswerTooLarge) || closed != 1 {
			t.Errorf("closed %d times, %v", closed, err)
		}
		w, err := c.Get().Resource("pods").Watch(t.Context(), wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Next(); err != nil {
			t.Error(err)
		}
		_ = w.Close()
		if closed != 2 {
			t.Errorf("closed %d times", closed)
		}
		c.CloseIdleConnections()
		stop()
	})
}

type closeCounter struct {
	io.ReadCloser
	n *int
}

func (c *closeCounter) Close() error { *c.n++; return c.ReadCloser.Close() }

// Credentials that a wrapper sets are redacted, also if it changes the request itself, which it may
// not, and fails.
func TestCredentialsOfAWrapper(t *testing.T) {
	for name, middleware := range map[string]func(next http.RoundTripper, req *http.Request) (*http.Response, error){
		"a clone": func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Set("Authorization", "Bearer "+echoed)
			return next.RoundTrip(req)
		},
		"the request": func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req.Header.Set("X-Api-Key", echoed)
			return nil, errors.New("refused: " + echoed)
		},
	} {
		_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, r.Header)
		})
		cfg.MaxRetries = -1
		c := newClient(t, wrapped(cfg, middleware))
		err := c.Get().Resource("pods").Do(t.Context()).Error()
		for _, text := range printed(err) {
			if as, yes := shows(text, echoed); yes {
				t.Errorf("%s: it shows the token, %s: %s", name, as, text)
			}
		}
		mustContain(t, err.Error(), redacted)
		c.CloseIdleConnections()
	}
}

// Writes that meet a GOAWAY are sent again by net/http on a new connection, below the wrappers, whole
// and once: kube-apiserver sends it to spread its clients (--goaway-chance).
func TestWrappersAndGoaway(t *testing.T) {
	const writers, each = 4, 25
	var got sync.Map
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if _, twice := got.LoadOrStore(string(body), true); twice || err != nil {
			t.Errorf("%s: twice: %v, %v", body, twice, err)
		}
		w.Header().Set("Connection", "close") // net/http's server answers it by a GOAWAY
	})
	var conns atomic.Int32
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conns.Add(1)
		return dialLoopback(ctx, network, addr)
	}
	cfg.Wrap(Trace(slog.DiscardHandler, 9))
	cfg.Wrap(TraceContext(func(_ context.Context, h http.Header) { h.Set("Traceparent", parent) }))
	c := newClient(t, cfg)
	defer c.CloseIdleConnections()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				body := fmt.Appendf(nil, `{"n":"%d-%d"}`, w, i)
				if err := c.Post().Resource("configmaps").Body(body).Do(t.Context()).Error(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	n := 0
	got.Range(func(any, any) bool { n++; return true })
	if n != writers*each || conns.Load() < 2 {
		t.Errorf("%d writes over %d connections", n, conns.Load())
	}
}
