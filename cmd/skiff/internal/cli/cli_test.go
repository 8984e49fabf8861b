package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

func TestReport(t *testing.T) {
	signaled := func(s syscall.Signal) context.Context {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(&SignalError{s})
		return ctx
	}
	a, b := errors.New("get a: cause"), errors.New("get b: cause\n")
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		code int
		text string
	}{
		"nothing":          {nil, nil, 0, ""},
		"an error":         {nil, a, 1, "skiff: get a: cause\n"},
		"several":          {nil, errors.Join(a, errors.Join(nil, b)), 1, "skiff: get a: cause\nskiff: get b: cause\n"},
		"several, wrapped": {nil, fmt.Errorf("list: %w and %w", a, a), 1, "skiff: list: get a: cause and get a: cause\n"},
		"usage":            {nil, Usagef("--flag: %w", a), 2, "skiff: --flag: get a: cause\n"},
		"a code":           {nil, &ExitError{Code: 7}, 7, ""},
		"a code, and why":  {nil, &ExitError{Code: 7, Err: a}, 7, "skiff: get a: cause\n"},
		"a broken pipe":    {nil, fmt.Errorf("print: %w", &os.PathError{Op: "write", Err: syscall.EPIPE}), 141, ""},
		"SIGINT":           {signaled(syscall.SIGINT), fmt.Errorf("get: %w", context.Canceled), 130, ""},
		"SIGTERM":          {signaled(syscall.SIGTERM), fmt.Errorf("get: %w", context.Canceled), 143, ""},
		"another error":    {signaled(syscall.SIGINT), a, 1, "skiff: get a: cause\n"},
		"no signal":        {nil, context.Canceled, 1, "skiff: context canceled\n"},
	} {
		ctx := c.ctx
		if ctx == nil {
			ctx = context.Background()
		}
		var out strings.Builder
		if code := Report(ctx, &out, c.err); code != c.code || out.String() != c.text {
			t.Errorf("%s: exit code %d, %q", name, code, out.String())
		}
	}
}

// The signal of the process becomes the cause of the context; stop ends what Signals has started.
func TestSignals(t *testing.T) {
	ctx, stop := Signals(t.Context())
	defer stop()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGINT); err != nil {
		t.Skip(err) // not on Windows
	}
	<-ctx.Done()
	if s := signalOf(ctx); s != syscall.SIGINT {
		t.Errorf("the signal is %v", s)
	}
	ctx, stop = Signals(t.Context())
	stop()
	if ctx.Err() == nil || signalOf(ctx) != 0 {
		t.Errorf("after stop: %v, %v", ctx.Err(), signalOf(ctx))
	}
}

func TestDescribeErrors(t *testing.T) {
	k := kind.Info{Group: "apps", Version: "v1", Resource: "deployments"}
	status := apierrors.NewNotFound(schema.GroupResource{Group: "apps", Resource: "deployments"}, "web")
	got := Describe("get", k, "web", status)
	if got.Error() != `get deployments.apps/web: deployments.apps "web" not found` || !apierrors.IsNotFound(got) {
		t.Errorf("%v", got)
	}
	if got := Describe("list", k, "", status); !strings.HasPrefix(got.Error(), "list deployments.apps: ") {
		t.Errorf("%v", got)
	}
	if other := errors.New("x"); Describe("get", k, "web", other) != other {
		t.Error("an error of the connection is not described twice")
	}
}

func TestTimeoutFlag(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "30s": 30 * time.Second, "5": 5 * time.Second, "1m": time.Minute} {
		var d timeout
		if err := d.Set(text); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %s, %v", text, time.Duration(d), err)
		}
	}
	for _, text := range []string{"", "x", "-1", "-1s", "1.5"} {
		if err := new(timeout).Set(text); err == nil {
			t.Errorf("%q is a timeout", text)
		}
	}
}

// Progress is shown after a while, seldom, and is gone before the output.
func TestProgress(t *testing.T) {
	var shown, out bytes.Buffer
	now := time.Unix(1000, 0)
	p := &Progress{w: &shown, what: "objects", now: func() time.Time { return now }, began: now}
	count := func(after time.Duration, n int) string {
		now = now.Add(after)
		shown.Reset()
		p.Count(n)
		return shown.String()
	}
	if got := count(progressAfter-1, 1); got != "" {
		t.Errorf("too early: %q", got)
	}
	if got := count(1, 500); got != "\r500 objects so far \x1b[K" {
		t.Errorf("shown: %q", got)
	}
	if got := count(progressAfter/10-1, 501); got != "" {
		t.Errorf("too soon: %q", got)
	}
	if got := count(1, 502); !strings.Contains(got, "502") {
		t.Errorf("again: %q", got)
	}
	shown.Reset()
	w := p.Writer(&out)
	for range 2 {
		fmt.Fprint(w, "row ")
	}
	if shown.String() != "\r\x1b[K" || out.String() != "row row " {
		t.Errorf("before the output: %q, %q", shown.String(), out.String())
	}
	quiet := (&Factory{Streams: Streams{Err: io.Discard}}).Progress("objects")
	quiet.began = quiet.began.Add(-time.Hour)
	quiet.Count(1)
	quiet.Close()
	if quiet.shown {
		t.Error("progress is shown where there is no terminal")
	}
}

func TestColour(t *testing.T) {
	if Colour(io.Discard) || IsTerminal(&bytes.Buffer{}) {
		t.Error("a buffer is a terminal")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	if Colour(null) {
		t.Error("the null device is a terminal")
	}
}
