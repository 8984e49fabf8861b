package rest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/wire"
)

var watchNothing = wire.Options{}

var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
)

// sentThen writes the request's headers, as far as anyone can tell, and then fails.
func sentThen(err error) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(req.Context()).WroteHeaders()
		return nil, err
	}
}

// The whole table of what is sent again: each row is one kind of failure, each column a verb.
func TestWhatIsSentAgain(t *testing.T) {
	const yes, no = true, false
	verbs := []struct {
		name string
		make func(*Client) *Request
	}{
		{"get", func(c *Client) *Request { return c.Get().Resource("pods") }},
		{"put", func(c *Client) *Request { return c.Put().Resource("pods").Name("a").Body([]byte("body")) }},
		{"delete", func(c *Client) *Request { return c.Delete().Resource("pods").Name("a") }},
		{"post", func(c *Client) *Request { return c.Post().Resource("pods").Body([]byte("body")) }},
		{"merge patch", func(c *Client) *Request {
			return c.Patch(types.MergePatchType).Resource("pods").Name("a").Body([]byte("body"))
		}},
		{"apply", func(c *Client) *Request {
			return c.Patch(types.ApplyPatchType).Resource("pods").Name("a").Body([]byte("body"))
		}},
	}
	for _, test := range []struct {
		name  string
		fails func(*http.Request) (*http.Response, error)
		again [6]bool // get, put, delete, post, merge patch, apply
	}{
		{"429 asking to retry", says(429, "", "Retry-After", "1"), [6]bool{yes, yes, yes, yes, yes, yes}},
		{"503 asking to retry", says(503, "", "Retry-After", "1"), [6]bool{yes, yes, yes, yes, yes, yes}},
		{"503 asking to retry at once", says(503, "", "Retry-After", "0"), [6]bool{yes, yes, yes, yes, yes, yes}},
		{"500 asking to retry", says(500, "", "Retry-After", "1"), [6]bool{yes, yes, yes, no, no, yes}},
		{"504 asking to retry", says(504, "", "Retry-After", "1"), [6]bool{yes, yes, yes, no, no, yes}},
		{"429", says(429, ""), [6]bool{}},
		{"500", says(500, ""), [6]bool{}},
		{"503", says(503, ""), [6]bool{}},
		{"404 asking to retry", says(404, "", "Retry-After", "1"), [6]bool{}},
		{"429 asking for an hour", says(429, "", "Retry-After", "3600"), [6]bool{}},
		{"429 asking for nonsense", says(429, "", "Retry-After", "soon"), [6]bool{}},
		{"connection refused", breaks(errRefused), [6]bool{yes, yes, yes, yes, yes, yes}},
		{"connection reset before sending", breaks(errReset), [6]bool{yes, yes, yes, yes, yes, yes}},
		{"connection reset after sending", sentThen(errReset), [6]bool{yes, no, no, no, no, no}},
		{"connection closed after sending", sentThen(io.EOF), [6]bool{yes, no, no, no, no, no}},
		{"no such host", breaks(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}), [6]bool{}},
		{"connecting takes too long", breaks(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}), [6]bool{}},
	} {
		for i, verb := range verbs {
			t.Run(test.name+"/"+verb.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){test.fails}}
					if test.again[i] {
						s.answers = append(s.answers, says(200, "{}"))
					}
					err := verb.make(fakeClient(t, s.RoundTrip)).Do(t.Context()).Error()
					if test.again[i] != (err == nil) {
						t.Errorf("error: %v", err)
					}
					if len(s.bodies) != len(s.answers) {
						t.Errorf("sent %d times, not %d", len(s.bodies), len(s.answers))
					}
					if len(s.bodies) == 2 && s.bodies[0] != s.bodies[1] {
						t.Errorf("the body changed from %q to %q", s.bodies[0], s.bodies[1])
					}
				})
			})
		}
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	for _, test := range []struct {
		name    string
		headers []string
		atLeast time.Duration
	}{
		{"seconds", []string{"Retry-After", "7"}, 7 * time.Second},
		{"a date, by the server's clock", []string{"Retry-After", "Mon, 02 Jan 2006 15:04:35 GMT", "Date", "Mon, 02 Jan 2006 15:04:05 GMT"}, 30 * time.Second},
		{"a date, by our clock", []string{"Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT"}, 9 * time.Second}, // a bubble begins at midnight
		{"a date that is over", []string{"Retry-After", "Sat, 01 Jan 1999 00:00:09 GMT"}, firstBackoff},
		{"zero, which must not become a hot loop", []string{"Retry-After", "0"}, firstBackoff},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){
					says(429, "", test.headers...), says(200, "{}"),
				}}
				if err := fakeClient(t, s.RoundTrip).Get().Resource("pods").Do(t.Context()).Error(); err != nil {
					t.Fatal(err)
				}
				if waited := s.times[1].Sub(s.times[0]); waited < test.atLeast || waited > test.atLeast*6/5+1 {
					t.Errorf("waited %v, not %v and up to a fifth more", waited, test.atLeast)
				}
			})
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	again := says(429, "slow down", "Retry-After", "1")
	for _, test := range []struct {
		name   string
		config int
		set    func(*Request) *Request
		sent   int
	}{
		{"by default after ten", 0, nil, 11},
		{"after Config.MaxRetries", 3, nil, 4},
		{"never begin when it is negative", -1, nil, 1},
		{"after the request's own number", 3, func(r *Request) *Request { return r.MaxRetries(1) }, 2},
		{"after the request's own number, where the Config has none", -1, func(r *Request) *Request { return r.MaxRetries(1) }, 2},
		{"after the Config's number when the request's is 0", 3, func(r *Request) *Request { return r.MaxRetries(1).MaxRetries(0) }, 4},
		{"never begin when the request's number is negative", 3, func(r *Request) *Request { return r.MaxRetries(-1) }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, answers: slices.Repeat([]func(*http.Request) (*http.Response, error){again}, test.sent)}
				c := fakeClient(t, s.RoundTrip, func(cfg *Config) { cfg.MaxRetries = test.config })
				r := c.Get().Resource("pods")
				if test.set != nil {
					r = test.set(r)
				}
				err := r.Do(t.Context()).Error()
				if !apierrors.IsTooManyRequests(err) {
					t.Errorf("error: %v", err)
				}
				if wait, ok := apierrors.SuggestsClientDelay(err); !ok || wait != 1 {
					t.Errorf("the error suggests a delay of %d, %v", wait, ok)
				}
				if len(s.bodies) != test.sent {
					t.Errorf("sent %d times", len(s.bodies))
				}
			})
		})
	}
}

func TestABrokenConnectionIsTriedThreeTimesWithinASecondOrSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answers: slices.Repeat([]func(*http.Request) (*http.Response, error){breaks(errRefused)}, 1+maxBroken)}
		began := time.Now()
		err := fakeClient(t, s.RoundTrip).Get().Namespace("default").Resource("pods").Do(t.Context()).Error()
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the cause is lost: %v", err)
		}
		mustContain(t, err.Error(), `list pods in namespace "default"`, "https://server.example", "refused", "is the API server running there?", "sent 4 times")
		if took := time.Since(began); took > 1100*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// The body of an answer can break off as well as the connection before it.
func TestATruncatedAnswer(t *testing.T) {
	truncated := func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"kind":`), failingReader{io.ErrUnexpectedEOF}))
		return resp, nil
	}
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){truncated, says(200, "whole")}}
		data, err := fakeClient(t, s.RoundTrip).Get().Resource("pods").DoRaw(t.Context())
		if err != nil || string(data) != "whole" {
			t.Errorf("a read is not made again: %q, %v", data, err)
		}

		s = &script{t: t, answers: []func(*http.Request) (*http.Response, error){truncated}}
		_, err = fakeClient(t, s.RoundTrip).Post().Resource("pods").Body([]byte("{}")).DoRaw(t.Context())
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("error: %v", err)
		}
		mustContain(t, err.Error(), "create pods", "8 bytes so far", "may have carried out the request")
	})
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the factory stops")
		time.AfterFunc(time.Second, func() { cancel(why) })
		s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){says(429, "slow down", "Retry-After", "30")}}
		began := time.Now()
		err := fakeClient(t, s.RoundTrip).Get().Resource("pods").Do(ctx).Error()
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v", took)
		}
		if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || !apierrors.IsTooManyRequests(err) {
			t.Errorf("one of the three causes is lost: %v", err)
		}
	})
}

func TestAWaitThatOutlastsTheDeadlineIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){says(429, "slow down", "Retry-After", "30")}}
		began := time.Now()
		err := fakeClient(t, s.RoundTrip).Get().Resource("pods").Timeout(10 * time.Second).Do(t.Context()).Error()
		if time.Since(began) != 0 {
			t.Errorf("took %v", time.Since(began))
		}
		if _, ok := err.(*apierrors.StatusError); !ok || !apierrors.IsTooManyRequests(err) {
			t.Errorf("error: %v", err)
		}
	})
}

func TestTimeoutBoundsARequestWithItsRetries(t *testing.T) {
	hangs := func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){says(429, "", "Retry-After", "3"), hangs}}
		c := fakeClient(t, s.RoundTrip, func(cfg *Config) { cfg.Timeout = 10 * time.Second })
		began := time.Now()
		err := c.Get().Resource("pods").Name("web").Do(t.Context()).Error()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error: %v", err)
		}
		mustContain(t, err.Error(), `get pods "web"`, "timeout of 10s")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestTimeoutDoesNotBoundStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(req *http.Request) (*http.Response, error) {
			resp := answer(req, 200, "")
			resp.Body = io.NopCloser(io.MultiReader(waitingReader{time.Hour}, strings.NewReader("log line")))
			return resp, nil
		}
		c := fakeClient(t, slow, func(cfg *Config) { cfg.Timeout = time.Second })
		s, err := c.Get().Resource("pods").Name("a").SubResource("log").Stream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		data, err := io.ReadAll(s)
		if err != nil || string(data) != "log line" {
			t.Errorf("read %q, %v", data, err)
		}
	})
}

type waitingReader struct{ d time.Duration }

func (w waitingReader) Read([]byte) (int, error) { time.Sleep(w.d); return 0, io.EOF }

func TestARetryIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){
			says(503, "", "Retry-After", "1"), breaks(errReset), says(200, "{}"),
		}}
		c := fakeClient(t, s.RoundTrip, func(cfg *Config) { cfg.Logger = log.logger(); cfg.BearerToken = "hunter2" })
		if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
		mustContain(t, log.String(), "level=DEBUG", "list pods", "answered 503", "retry=1", "before the request was sent", "retry=2")
		if strings.Contains(log.String(), "hunter2") {
			t.Errorf("the token is logged: %s", log.String())
		}
	})
}
