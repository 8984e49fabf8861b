package rest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var echoProtocol = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}

// switched answers 101 and then returns each line that it reads.
func switched(t *testing.T, w http.ResponseWriter) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	for {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		io.WriteString(conn, line)
	}
}

func TestUpgradeReturnsTheConnection(t *testing.T) {
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			io.WriteString(w, "ok")
			return
		}
		if got := r.URL.String() + " " + r.Proto + " " + r.Header.Get("Upgrade") + " " + r.Header.Get("Authorization"); got !=
			"/api/v1/namespaces/default/pods/web/exec?command=a&command=b HTTP/1.1 websocket Bearer my-own-token" {
			t.Errorf("the request is %s", got)
		}
		switched(t, w)
	})
	cfg.BearerToken = "my-own-token"
	cfg.Timeout, cfg.SilenceTimeout = time.Minute, time.Minute
	c := newClient(t, cfg)
	if err := c.Get().AbsPath("/healthz").Do(t.Context()).Error(); err != nil { // opens an HTTP/2 connection
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, err := execOf(c).Upgrade(ctx, echoProtocol)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // ends the handshake only
	conn := resp.Body.(io.ReadWriteCloser)
	lines := bufio.NewReader(conn)
	for _, line := range []string{"one\n", "two\n"} {
		io.WriteString(conn, line)
		if got, err := lines.ReadString('\n'); got != line || err != nil {
			t.Errorf("read %q, %v, want %q", got, err, line)
		}
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func execOf(c *Client) *Request {
	return c.Get().Namespace("default").Resource("pods").Name("web").SubResource("exec").
		Param("command", "a").Param("command", "b").MaxRetries(2)
}

func TestUpgradeReturnsTheAnswersError(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		ok      func(error) bool
		sent    int32
	}{
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"pods web: my-own-token may not"}`)
		}, func(err error) bool {
			_, plain := err.(*apierrors.StatusError)
			return plain && apierrors.IsForbidden(err) && strings.Contains(err.Error(), "web: [redacted] may not")
		}, 1},
		"no upgrade": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") },
			func(err error) bool {
				return errors.Is(err, ErrNotUpgraded) && strings.Contains(err.Error(), `connect pods/exec "web" in namespace "default"`)
			}, 1},
		"breaks after the request": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			func(err error) bool { return errors.Is(err, io.EOF) }, 1},
		"not accepted": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		}, apierrors.IsTooManyRequests, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int32
			_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
				sent.Add(1)
				tc.handler(w, r)
			})
			cfg.BearerToken = "my-own-token"
			_, err := execOf(newClient(t, cfg)).Upgrade(t.Context(), echoProtocol)
			if err == nil || !tc.ok(err) {
				t.Errorf("the error is %v", err)
			}
			if n := sent.Load(); n != tc.sent {
				t.Errorf("the request was sent %d times, want %d", n, tc.sent)
			}
		})
	}
}

func TestUpgradeOfAnotherVerbIsAMistake(t *testing.T) {
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) { return nil, errors.New("sent") })
	_, err := c.Post().Resource("pods").Namespace("a").Name("b").SubResource("exec").Upgrade(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "only a Get can be upgraded") {
		t.Errorf("the error is %v", err)
	}
}

// A round tripper that wraps bodies makes the connection unusable, which is reported.
func TestUpgradeNeedsAWritableBody(t *testing.T) {
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusSwitchingProtocols, ""), nil
	})
	if _, err := execOf(c).Upgrade(t.Context(), nil); !errors.Is(err, errNotWritable) {
		t.Errorf("the error is %v", err)
	}
}

func TestARedactedStatusErrorStaysOne(t *testing.T) {
	c := fakeClient(t, nil, func(cfg *Config) { cfg.BearerToken = "my-own-token" })
	bad := &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Message: "got my-own-token",
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Message: "my-own-token"}}}}}
	clean, ok := c.Redact(bad).(*apierrors.StatusError)
	if !ok || !apierrors.IsForbidden(clean) || clean.ErrStatus.Message != "got [redacted]" ||
		clean.ErrStatus.Details.Causes[0].Message != "[redacted]" {
		t.Errorf("redacted: %#v", clean)
	}
	if bad.ErrStatus.Message != "got my-own-token" {
		t.Error("the argument was changed")
	}
	if good := error(&apierrors.StatusError{ErrStatus: metav1.Status{Message: "x"}}); c.Redact(good) != good {
		t.Error("an error without a credential was copied")
	}
}

// Trace does not stand between the caller and an upgraded connection.
func TestUpgradeUnderTrace(t *testing.T) {
	_, cfg := testServer(t, func(w http.ResponseWriter, _ *http.Request) { switched(t, w) })
	var log bytes.Buffer
	cfg.Wrap(Trace(slog.NewTextHandler(&log, nil), 9))
	resp, err := execOf(newClient(t, cfg)).Upgrade(t.Context(), echoProtocol)
	if err != nil {
		t.Fatal(err)
	}
	conn := resp.Body.(io.ReadWriteCloser)
	defer conn.Close()
	io.WriteString(conn, "one\n")
	if got, err := bufio.NewReader(conn).ReadString('\n'); got != "one\n" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if !strings.Contains(log.String(), "code=101") {
		t.Errorf("the log is %s", &log)
	}
}
