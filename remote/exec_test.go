package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

var both = []string{protocolV5, protocolV4}

// shell serves exec in memory by do, under synctest's clock, and calls use with a client of it.
// synctest finds every goroutine that does not end.
func shell(t *testing.T, protocols []string, do func(*peer), use func(*rest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		use(apiServer(t, func(w http.ResponseWriter, r *http.Request) {
			p := upgrade(t, w, r, protocols...)
			defer p.Close()
			do(p)
		}))
	})
}

func exec(c *rest.Client, s Session) error {
	return Exec(context.Background(), c, "default", "web", []string{"cmd", "-x", "a b"}, s)
}

func TestExecConnectsTheStreams(t *testing.T) {
	shell(t, both, func(p *peer) {
		want := "/api/v1/namespaces/default/pods/web/exec?command=cmd&command=-x&command=a+b&container=app&stderr=true&stdin=true&stdout=true&tty=false"
		if p.request.URL.String() != want || p.request.Header.Get("Authorization") != "Bearer my-own-token" {
			t.Errorf("the request is %s, %s", p.request.URL, p.request.Header)
		}
		p.say(channelStdout, "") // as kube-apiserver does when it is connected
		var in []byte
		for {
			m, err := p.hearMessage()
			if err != nil {
				t.Error(err)
				return
			}
			if m[0] == channelClose {
				if !bytes.Equal(m, []byte{channelClose, channelStdin}) {
					t.Errorf("closed by % x", m)
				}
				break
			}
			if m[0] != channelStdin {
				t.Errorf("a message on channel %d", m[0])
			}
			in = append(in, m[1:]...)
		}
		p.say(channelStderr, "read ")
		p.say(channelStdout, string(in))
		p.say(channelStderr, "all")
		p.say(channelStatus, success)
		p.gone()
	}, func(c *rest.Client) {
		in := strings.Repeat("0123456789", 10_000)
		var out, errOut bytes.Buffer
		err := exec(c, Session{Container: "app", Stdin: iotest.HalfReader(strings.NewReader(in)), Stdout: &out, Stderr: &errOut})
		if err != nil || out.String() != in || errOut.String() != "read all" {
			t.Errorf("error %v, %d bytes of output, %q of standard error", err, out.Len(), errOut.String())
		}
	})
}

func TestExecReturnsTheExitCode(t *testing.T) {
	for _, protocol := range both {
		shell(t, []string{protocol}, func(p *peer) {
			p.say(channelStdout, "out")
			p.say(channelStatus, exited("3"))
		}, func(c *rest.Client) {
			err := exec(c, Session{})
			var exit *ExitError
			if !errors.As(err, &exit) || exit.Code != 3 || err.Error() != "exec in pod default/web: the command ended with exit code 3" {
				t.Errorf("%s: the error is %v", protocol, err)
			}
		})
	}
}

func TestExecReturnsTheStatus(t *testing.T) {
	shell(t, both, func(p *peer) {
		p.say(channelStatus, `{"status":"Failure","reason":"InternalError","code":500,"message":"my-own-token: no such program"}`)
	}, func(c *rest.Client) {
		err := exec(c, Session{})
		status, ok := err.(*apierrors.StatusError)
		if !ok || !apierrors.IsInternalError(err) || status.ErrStatus.Message != "[redacted]: no such program (exec in pod default/web)" {
			t.Errorf("the error is %v", err)
		}
	})
}

// An older server has no way to end the input, so that it stays open; the result still arrives.
func TestExecWithoutHalfClose(t *testing.T) {
	shell(t, []string{protocolV4}, func(p *peer) {
		if m, err := p.hearMessage(); string(m) != "\x00abc" || err != nil {
			t.Errorf("heard %q, %v", m, err)
		}
		heard := make(chan struct{})
		go func() {
			defer close(heard)
			if m, err := p.hearMessage(); err == nil {
				t.Errorf("after the input: %q", m)
			}
		}()
		time.Sleep(time.Second)
		p.say(channelStatus, success)
		<-heard
	}, func(c *rest.Client) {
		if err := exec(c, Session{Stdin: strings.NewReader("abc")}); err != nil {
			t.Error(err)
		}
	})
}

func TestATerminalHasOneOutputAndSizes(t *testing.T) {
	shell(t, both, func(p *peer) {
		q := p.request.URL.Query()
		if q.Get("tty") != "true" || q.Get("stderr") != "false" {
			t.Errorf("the query is %s", p.request.URL.RawQuery)
		}
		for _, want := range []string{"\x04{\"Width\":80,\"Height\":24}", "\x04{\"Width\":100,\"Height\":30}"} {
			if m, err := p.hearMessage(); string(m) != want || err != nil {
				t.Errorf("heard %q, %v, want %q", m, err, want)
			}
		}
		p.say(channelStdout, "all")
		p.say(channelStatus, success)
	}, func(c *rest.Client) {
		sizes := make(chan Size, 2)
		sizes <- Size{80, 24}
		sizes <- Size{100, 30}
		close(sizes)
		var out, errOut bytes.Buffer
		if err := exec(c, Session{TTY: true, Resize: sizes, Stdout: &out, Stderr: &errOut}); err != nil || out.String() != "all" || errOut.Len() > 0 {
			t.Errorf("error %v, output %q", err, &out)
		}
	})
}

func TestAttach(t *testing.T) {
	shell(t, both, func(p *peer) {
		if got := p.request.URL.String(); got != "/api/v1/namespaces/default/pods/web/attach?stderr=false&stdin=false&stdout=true&tty=false" {
			t.Errorf("the request is %s", got)
		}
		p.say(channelStdout, "hello")
		p.say(channelStatus, success)
	}, func(c *rest.Client) {
		var out bytes.Buffer
		if err := Attach(context.Background(), c, "default", "web", Session{Stdout: &out}); err != nil || out.String() != "hello" {
			t.Errorf("error %v, output %q", err, &out)
		}
	})
}

func TestMissingArgumentsAreMistakes(t *testing.T) {
	ctx := context.Background()
	for name, err := range map[string]error{
		"command":   Exec(ctx, nil, "default", "web", nil, Session{}),
		"namespace": Exec(ctx, nil, "", "web", []string{"a"}, Session{}),
		"pod":       Attach(ctx, nil, "default", "", Session{}),
	} {
		if !errors.As(err, new(*kind.MisuseError)) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestExecEndsWithItsContext(t *testing.T) {
	cause := errors.New("enough")
	shell(t, both, func(p *peer) {
		p.say(channelStdout, "begun")
		p.gone()
	}, func(c *rest.Client) {
		ctx, cancel := context.WithCancelCause(context.Background())
		in, inWriter := io.Pipe() // never ends
		defer inWriter.Close()
		out := writer(func([]byte) (int, error) { cancel(cause); return 5, nil })
		err := Exec(ctx, c, "default", "web", []string{"a"}, Session{Stdin: in, Stdout: out, TTY: true, Resize: make(chan Size)})
		if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
			t.Errorf("the error is %v", err)
		}
	})
}

type writer func([]byte) (int, error)

func (f writer) Write(p []byte) (int, error) { return f(p) }

func TestAStreamOfTheCallerFails(t *testing.T) {
	broken := errors.New("broken")
	for name, s := range map[string]Session{
		"read standard input":   {Stdin: iotest.ErrReader(broken)},
		"write standard output": {Stdout: writer(func([]byte) (int, error) { return 0, broken })},
		"write standard error":  {Stderr: writer(func([]byte) (int, error) { return 0, broken })},
	} {
		shell(t, both, func(p *peer) {
			p.say(channelStdout, "out")
			p.say(channelStderr, "err")
			p.gone()
		}, func(c *rest.Client) {
			if err := exec(c, s); !errors.Is(err, broken) || !strings.Contains(err.Error(), "exec in pod default/web: "+name) {
				t.Errorf("%s: the error is %v", name, err)
			}
		})
	}
}

// A connection that ends early is not taken for success, wherever it ends.
func TestAConnectionThatEndsWithoutAResult(t *testing.T) {
	whole := slices.Concat(frame(opBinary, true, []byte("\x01output")), frame(opBinary, true, []byte("\x03"+success)))
	for n := range len(whole) {
		shell(t, both, func(p *peer) { p.Write(whole[:n]) }, func(c *rest.Client) {
			if err := exec(c, Session{}); !errors.Is(err, ErrNoStatus) {
				t.Errorf("after %d bytes the error is %v", n, err)
			}
		})
	}
	for code, text := range map[uint16]string{1000: "closed the connection", 1011: "code 1011, out of memory"} {
		shell(t, both, func(p *peer) { p.sayClose(code, "out of memory") }, func(c *rest.Client) {
			err := exec(c, Session{})
			if err == nil || !strings.Contains(err.Error(), text) || errors.Is(err, ErrNoStatus) != (code == 1000) {
				t.Errorf("closed with %d the error is %v", code, err)
			}
		})
	}
}

// Messages may be cut into fragments and into packets at any byte, with pings between fragments.
func TestMessagesMayBeCutAnywhere(t *testing.T) {
	messages := [][]byte{[]byte("\x01first"), []byte("\x01"), {}, []byte("\x02x"), []byte("\xff\x01"), []byte("\x09later"), []byte("\x03" + success)}
	for n := 1; n <= 9; n++ {
		shell(t, both, func(p *peer) {
			var wire []byte
			for _, m := range messages {
				op := byte(opBinary)
				for len(m) > n {
					wire = append(wire, frame(op, false, m[:n])...)
					wire = append(wire, frame(opPing, true, []byte("?"))...)
					m, op = m[n:], opContinue
				}
				wire = append(wire, frame(op, true, m)...)
			}
			for piece := range slices.Chunk(wire, n) {
				p.Write(piece)
			}
			p.gone()
		}, func(c *rest.Client) {
			var out, errOut bytes.Buffer
			if err := exec(c, Session{Stdout: &out, Stderr: &errOut}); err != nil || out.String() != "first" || errOut.String() != "x" {
				t.Errorf("in pieces of %d: error %v, output %q, %q", n, err, &out, &errOut)
			}
		})
	}
}

func TestAResultIsLimited(t *testing.T) {
	for extra, ok := range map[int]bool{-1: true, 0: true, 1: false} {
		shell(t, both, func(p *peer) {
			p.say(channelStatus, success+strings.Repeat(" ", maxStatus-len(success)+extra))
			p.gone()
		}, func(c *rest.Client) {
			if err := exec(c, Session{}); (err == nil) != ok {
				t.Errorf("a result of %d bytes: %v", maxStatus+extra, err)
			}
		})
	}
}

func TestWhatIsNoResult(t *testing.T) {
	for text, send := range map[string][]byte{
		"read the result":    frame(opBinary, true, []byte("\x03{")),
		"read the exit code": frame(opBinary, true, []byte("\x03"+exited("many"))),
		"a text message":     frame(opText, true, []byte("\x01a")),
	} {
		shell(t, both, func(p *peer) { p.Write(send) }, func(c *rest.Client) {
			if err := exec(c, Session{}); err == nil || !strings.Contains(err.Error(), "exec in pod default/web: "+text) && !strings.Contains(err.Error(), text) {
				t.Errorf("%s: the error is %v", text, err)
			}
		})
	}
}

// A server that has disappeared is found out; one that answers pings may be quiet for ever.
func TestAQuietServer(t *testing.T) {
	for _, answers := range []bool{true, false} {
		shell(t, both, func(p *peer) {
			if !answers {
				p.gone()
				return
			}
			timer := time.AfterFunc(time.Hour, func() { p.say(channelStatus, success) })
			defer timer.Stop()
			p.hearMessage()
		}, func(c *rest.Client) {
			began := time.Now()
			err := exec(c, Session{})
			took := time.Since(began)
			if answers && (err != nil || took != time.Hour) {
				t.Errorf("a quiet server: %v after %v", err, took)
			}
			if !answers && (!errors.Is(err, errSilent) || errors.Is(err, context.Canceled) || took != pingInterval+pongTimeout) {
				t.Errorf("a server that is gone: %v after %v", err, took)
			}
		})
	}
}

// A slow writer holds up the output and nothing else, though pings are answered late.
func TestASlowWriter(t *testing.T) {
	shell(t, both, func(p *peer) {
		p.say(channelStdout, "one")
		p.say(channelStdout, "two")
		p.say(channelStatus, success)
		p.hearMessage()
	}, func(c *rest.Client) {
		var out bytes.Buffer
		slow := writer(func(b []byte) (int, error) { time.Sleep(10 * time.Minute); return out.Write(b) })
		if err := exec(c, Session{Stdout: slow}); err != nil || out.String() != "onetwo" {
			t.Errorf("error %v, output %q", err, &out)
		}
	})
}

// A process that does not read its input is waited for, and for a bounded time.
func TestAProcessThatDoesNotReadItsInput(t *testing.T) {
	for wait, want := range map[time.Duration]error{writeTimeout - time.Second: nil, writeTimeout + time.Second: errStuck} {
		shell(t, both, func(p *peer) {
			time.Sleep(wait)
			p.say(channelStatus, success)
			p.gone()
		}, func(c *rest.Client) {
			if err := exec(c, Session{Stdin: strings.NewReader(strings.Repeat("x", 1<<20))}); !errors.Is(err, want) {
				t.Errorf("after %v: %v", wait, err)
			}
		})
	}
}

func TestHandshakeErrors(t *testing.T) {
	status := func(code int, reason, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"`+reason+`","message":"`+message+`"}`)
		}
	}
	old := func(e error) bool {
		var v *VersionError
		return errors.As(e, &v) && v.Needed == "1.30" && v.Server == "v1.37.2" && strings.Contains(e.Error(), "a proxy")
	}
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		ok      func(error) bool
	}{
		"forbidden": {status(403, "Forbidden", "my-own-token may not"), func(e error) bool {
			return apierrors.IsForbidden(e) && strings.Contains(e.Error(), "[redacted] may not")
		}},
		"no pod":      {status(404, "NotFound", "pods web not found"), apierrors.IsNotFound},
		"not running": {status(400, "BadRequest", "container web of pod web is not running"), apierrors.IsBadRequest},
		"not a stream": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/version" {
				io.WriteString(w, `{"gitVersion":"v1.37.2"}`)
			}
		}, old},
		"another protocol": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/version" {
				io.WriteString(w, `{"gitVersion":"v1.37.2"}`)
				return
			}
			p := upgrade(t, w, r)
			defer p.Close()
			p.gone()
		}, old},
	} {
		synctest.Test(t, func(t *testing.T) {
			if err := exec(apiServer(t, tc.handler), Session{}); err == nil || !tc.ok(err) {
				t.Errorf("%s: the error is %v", name, err)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	for _, tc := range []struct {
		server string
		older  bool
	}{
		{"v1.30.9", true}, {"v1.31.0", false}, {"v1.32.1+k3s1", false}, {"v1.9.0", true}, {"v1.31+", false},
		{"v1.29.3-eks-a1", true}, {"v2.0.0", false}, {"", false}, {"dev", false}, {"v1.", false},
	} {
		if got := olderThan(tc.server, "1.31"); got != tc.older {
			t.Errorf("%q is older than 1.31: %v", tc.server, got)
		}
	}
}

// Whatever a server sends, a session ends without a panic when the connection does.
func FuzzSession(f *testing.F) {
	f.Add(slices.Concat(frame(opBinary, true, []byte("\x01out")), frame(opBinary, true, []byte("\x03"+exited("1")))))
	f.Add(frame(opBinary, false, []byte("\x03")))
	f.Add([]byte{0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := apiServer(t, func(w http.ResponseWriter, r *http.Request) {
			p := upgrade(t, w, r, both...)
			defer p.Close()
			p.Write(data)
			go p.gone()
		})
		_ = exec(c, Session{Stdin: strings.NewReader("in"), Stdout: io.Discard, Stderr: io.Discard})
	})
}
