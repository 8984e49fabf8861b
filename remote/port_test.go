package remote

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// tunnel is the kubelet's side of a forwarded connection.
type tunnel struct {
	*peer
	in *bufio.Reader
}

// kubelet serves port-forward in memory by do, under synctest's clock.
func kubelet(t *testing.T, do func(*tunnel), use func(*rest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		use(apiServer(t, func(w http.ResponseWriter, r *http.Request) {
			if want := "/api/v1/namespaces/default/pods/web/portforward"; r.URL.String() != want {
				t.Errorf("the request is %s", r.URL)
			}
			p := upgrade(t, w, r, protocolForward)
			defer p.Close()
			messages, feed := io.Pipe()
			go func() {
				for {
					m, err := p.hearMessage()
					if err != nil {
						p.sayClose(1000, "")
						feed.CloseWithError(io.EOF)
						return
					}
					feed.Write(m)
				}
			}()
			tn := &tunnel{peer: p, in: bufio.NewReader(messages)}
			for _, stream := range []uint32{streamError, streamData} {
				if f, err := readSPDY(tn.in); err != nil || f.kind != spdySynStream {
					t.Errorf("stream %d is not opened: %+v, %v", stream, f, err)
				}
			}
			do(tn)
			io.Copy(io.Discard, tn.in) // until the client has gone
		}))
	})
}

// say sends frames in one message.
func (t *tunnel) say(frames ...[]byte) { t.Write(frame(opBinary, true, slices.Concat(frames...))) }

// hear returns the next frame of data.
func (t *tunnel) hear() (data string, fin bool, err error) {
	f, err := readSPDY(t.in)
	if err != nil {
		return "", false, err
	}
	b := make([]byte, f.length)
	_, err = io.ReadFull(t.in, b)
	return string(b), f.fin, err
}

func data(text string) []byte { return appendData(nil, streamData, 0, []byte(text)) }
func end() []byte             { return appendData(nil, streamData, spdyFin, nil) }
func failure(t string) []byte { return appendData(nil, streamError, 0, []byte(t)) }
func reset(id byte) []byte {
	return appendControl(nil, spdyRstStream, 0, []byte{0, 0, 0, id, 0, 0, 0, 5})
}
func reply(id, f byte) []byte {
	return appendControl(nil, spdySynReply, f, []byte{0, 0, 0, id, 1, 2, 3})
}
func ping(id byte) []byte       { return appendControl(nil, spdyPing, 0, []byte{0, 0, 0, id}) }
func settings(n int) []byte     { return appendControl(nil, 4, 0, make([]byte, n)) }
func readAll(c net.Conn) string { b, _ := io.ReadAll(c); return string(b) }

func dialPort(t *testing.T, c *rest.Client) *portConn {
	t.Helper()
	conn, err := DialPort(context.Background(), c, "default", "web", 80)
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*portConn)
}

// The first bytes of a tunnel open two streams, whose header block any decompressor reads.
func TestTheStreamsAreOpened(t *testing.T) {
	var w spdyWriter
	b := w.synStream(nil, 1, spdyFin, "port", "80", "streamtype", "error")
	n := len(b)
	b = w.synStream(b, 3, 0, "port", "80", "streamtype", "data")
	if !bytes.HasPrefix(b, []byte{0x80, 3, 0, 1, 1, 0, 0, byte(n - 8), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x78, 0x20, 0xe3, 0xc6, 0xa7, 0xc2}) {
		t.Errorf("the first frame is % x", b[:n])
	}
	deflated := slices.Concat(b[8+10+len(spdyDictionary):n], b[n+8+10:], []byte{1, 0, 0, 0xff, 0xff})
	inflated, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	block := func(kind string) (s []byte) {
		s = binary.BigEndian.AppendUint32(s, 2)
		for _, text := range []string{"port", "80", "streamtype", kind} {
			s = append(binary.BigEndian.AppendUint32(s, uint32(len(text))), text...)
		}
		return s
	}
	if want := slices.Concat(block("error"), block("data")); err != nil || !bytes.Equal(inflated, want) {
		t.Errorf("the headers are %q, %v", inflated, err)
	}
}

func TestAForwardedConnection(t *testing.T) {
	kubelet(t, func(k *tunnel) {
		k.say(reply(streamError, 0), reply(streamData, 0), settings(12), ping(2), data("hel"), data("lo"))
		if f, err := readSPDY(k.in); err != nil || f.kind != spdyPing || f.id != 2 {
			t.Errorf("the answer to a ping is %+v, %v", f, err)
		}
		var got string
		for {
			text, fin, err := k.hear()
			if got += text; fin || err != nil {
				break
			}
		}
		if len(got) != 100_000 {
			t.Errorf("heard %d bytes", len(got))
		}
		k.say(data("bye"), end())
	}, func(c *rest.Client) {
		conn := dialPort(t, c)
		defer conn.Close()
		got := make([]byte, len("hello"))
		if _, err := io.ReadFull(conn, got); string(got) != "hello" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		if n, err := conn.Write(make([]byte, 100_000)); n != 100_000 || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		for range 2 {
			if err := conn.CloseWrite(); err != nil {
				t.Error(err)
			}
		}
		if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write after CloseWrite: %v", err)
		}
		if got, err := io.ReadAll(conn); string(got) != "bye" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("after the end: %d, %v", n, err)
		}
		if got := conn.RemoteAddr().String(); got != "default/web:80" {
			t.Errorf("the address is %s", got)
		}
	})
}

// Frames may be cut at any byte, into messages and fragments.
func TestFramesMayBeCutAnywhere(t *testing.T) {
	whole := slices.Concat(reply(streamData, 0), data("hello"), settings(4), ping(4), data(""), data("world"), end())
	for n := 1; n < len(whole); n += 3 {
		kubelet(t, func(k *tunnel) {
			for piece := range slices.Chunk(whole, n) {
				k.Write(frame(opBinary, true, piece))
			}
		}, func(c *rest.Client) {
			conn := dialPort(t, c)
			defer conn.Close()
			if got, err := io.ReadAll(conn); string(got) != "helloworld" || err != nil {
				t.Errorf("in pieces of %d: %q, %v", n, got, err)
			}
		})
	}
}

func TestHowAForwardedConnectionFails(t *testing.T) {
	kubeletSays := func(text string) func(error) bool {
		return func(err error) bool {
			var failed *PortError
			return errors.As(err, &failed) && failed.Port == 80 && failed.Text == text &&
				err.Error() == "forward port 80 of pod default/web: "+text
		}
	}
	has := func(text string) func(error) bool {
		return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
	}
	for name, tc := range map[string]struct {
		send []byte
		cut  bool
		ok   func(error) bool
	}{
		"error and reset":    {slices.Concat(failure("connection "), failure("refused\n"), reset(streamData)), false, kubeletSays("connection refused")},
		"error and end":      {slices.Concat(failure("no route"), end()), false, kubeletSays("no route")},
		"reset":              {reset(streamData), false, kubeletSays("the kubelet broke the connection")},
		"a credential":       {slices.Concat(failure("my-own-token"), reset(streamData)), false, kubeletSays("[redacted]")},
		"a long error":       {slices.Concat(failure(strings.Repeat("x", maxErrorText+1)), reset(streamData)), false, kubeletSays(strings.Repeat("x", maxErrorText))},
		"refused stream":     {reply(streamData, spdyFin), false, func(err error) bool { return err == nil }},
		"go away":            {appendControl(nil, spdyGoAway, 0, make([]byte, 8)), false, has("ended the connection")},
		"a stream":           {appendControl(nil, spdySynStream, 0, make([]byte, 10)), false, has("opened a stream")},
		"an unknown stream":  {appendData(nil, 5, 0, nil), false, has("stream 5")},
		"no SPDY":            {[]byte{0x80, 2, 0, 1, 0, 0, 0, 0}, false, has("version 2")},
		"a short frame":      {appendControl(nil, spdyRstStream, 0, []byte{0, 0, 0}), false, has("of 3 bytes")},
		"control at limit":   {slices.Concat(settings(maxControl), end()), false, func(err error) bool { return err == nil }},
		"control over limit": {settings(maxControl + 1), false, has("the limit is")},
		"cut":                {data("abc")[:9], true, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"cut between frames": {data("abc"), true, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
	} {
		kubelet(t, func(k *tunnel) {
			k.say(tc.send)
			if tc.cut {
				k.Conn.SetReadDeadline(time.Now().Add(time.Second))
				time.Sleep(time.Second)
			}
		}, func(c *rest.Client) {
			conn := dialPort(t, c)
			defer conn.Close()
			if _, err := io.ReadAll(conn); !tc.ok(err) {
				t.Errorf("%s: the error is %v", name, err)
			}
		})
	}
}

// A read that misses its deadline does no harm; one that has a later deadline goes on.
func TestReadDeadlines(t *testing.T) {
	kubelet(t, func(k *tunnel) {
		time.Sleep(10 * time.Second)
		k.say(data("late"), end())
	}, func(c *rest.Client) {
		conn := dialPort(t, c)
		defer conn.Close()
		for _, wait := range []time.Duration{-time.Second, 0, time.Second, 3 * time.Second} {
			began := time.Now()
			conn.SetReadDeadline(began.Add(wait))
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != max(wait, 0) {
				t.Errorf("a deadline in %v: %v after %v", wait, err, time.Since(began))
			}
		}
		time.AfterFunc(time.Second, func() { conn.SetDeadline(time.Time{}) })
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		if got := readAll(conn); got != "late" {
			t.Errorf("read %q", got)
		}
	})
}

// A write that the other side does not take ends with its deadline, and the connection with it.
func TestWriteDeadlines(t *testing.T) {
	kubelet(t, func(k *tunnel) { time.Sleep(time.Hour) }, func(c *rest.Client) {
		conn := dialPort(t, c)
		defer conn.Close()
		conn.SetWriteDeadline(time.Now().Add(-1))
		synctest.Wait()
		if _, err := conn.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a deadline that is over: %v", err)
		}
		began := time.Now()
		conn.SetWriteDeadline(began.Add(10 * time.Second))
		_, err := conn.Write(make([]byte, 10<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a read after that: %v", err)
		}
	})
}

// Close ends a Read and a Write under way, and everything that the connection started.
func TestCloseEndsReadAndWrite(t *testing.T) {
	kubelet(t, func(k *tunnel) { time.Sleep(time.Minute) }, func(c *rest.Client) {
		conn := dialPort(t, c)
		errs := make(chan error, 2)
		go func() { _, err := conn.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := conn.Write(make([]byte, 10<<20)); errs <- err }()
		time.Sleep(time.Second)
		conn.Close()
		conn.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("the error is %v", err)
			}
		}
	})
}

// What nobody reads stays with the kubelet, but for two pieces.
func TestASlowReaderHoldsUpTheServer(t *testing.T) {
	var sent atomic.Int64
	kubelet(t, func(k *tunnel) {
		for range 40 {
			k.say(data(strings.Repeat("x", maxPiece)))
		}
		k.say(end())
		time.Sleep(time.Hour)
		sent.Store(int64(40 - len(k.out)))
		time.Sleep(time.Hour)
	}, func(c *rest.Client) {
		conn := dialPort(t, c)
		defer conn.Close()
		time.Sleep(time.Hour + time.Minute) // as long as the other side is alive
		if n := sent.Load(); n == 0 || n > 5 {
			t.Errorf("%d pieces of 40 were taken though nobody read", n)
		}
		if got := readAll(conn); len(got) != 40*maxPiece {
			t.Errorf("read %d bytes", len(got))
		}
	})
}

func TestDialPortErrors(t *testing.T) {
	status := func(code int, server string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/version" {
				io.WriteString(w, `{"gitVersion":"`+server+`"}`)
				return
			}
			w.WriteHeader(code)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"query parameter \"port\" is required"}`)
		}
	}
	isOld := func(err error) bool {
		var old *VersionError
		return errors.As(err, &old) && old.Needed == "1.31" && old.Server == "v1.30.4" &&
			strings.Contains(err.Error(), "a server of Kubernetes 1.31 is needed, the server is v1.30.4")
	}
	code := func(code int32) func(error) bool {
		return func(err error) bool {
			status, ok := err.(*apierrors.StatusError)
			return ok && status.ErrStatus.Code == code
		}
	}
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		ok      func(error) bool
	}{
		"old, 400":     {status(400, "v1.30.4"), isOld},
		"old, 403":     {status(403, "v1.30.4"), isOld},
		"old, 404":     {status(404, "v1.30.4"), isOld},
		"old, 500":     {status(500, "v1.30.4"), isOld},
		"new, 404":     {status(404, "v1.31.0"), code(404)},
		"new, 403":     {status(403, "v1.37.2"), code(403)},
		"old, 401":     {status(401, "v1.30.4"), code(401)},
		"unknown, 404": {status(404, ""), code(404)},
	} {
		synctest.Test(t, func(t *testing.T) {
			if _, err := DialPort(context.Background(), apiServer(t, tc.handler), "default", "web", 80); err == nil || !tc.ok(err) {
				t.Errorf("%s: the error is %v", name, err)
			}
		})
	}
	if _, err := DialPort(context.Background(), nil, "default", "web", 0); !errors.As(err, new(*kind.MisuseError)) {
		t.Errorf("port 0: %v", err)
	}
}

// ctx ends the dialing, and not the connection.
func TestDialPortEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		c := apiServer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		began := time.Now()
		_, err := DialPort(ctx, c, "default", "web", 80)
		if took := time.Since(began); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || took != time.Second {
			t.Errorf("the error is %v after %v", err, took)
		}
	})
	kubelet(t, func(k *tunnel) {
		time.Sleep(time.Second)
		k.say(data("still there"), end())
	}, func(c *rest.Client) {
		ctx, cancel := context.WithCancel(context.Background())
		conn, err := DialPort(ctx, c, "default", "web", 80)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		cancel()
		if got := readAll(conn); got != "still there" {
			t.Errorf("read %q", got)
		}
	})
}

func TestMistakesOfForward(t *testing.T) {
	c := apiServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	for name, o := range map[string]ForwardOptions{
		"no port":       {},
		"LOCAL:REMOTE":  {Ports: []string{":80", "x:80"}},
		"no IP address": {Ports: []string{":80"}, Addresses: []string{"localhost"}},
	} {
		if _, err := Forward(t.Context(), c, "default", "web", o); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(name, "no ")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	if _, err := Forward(t.Context(), c, "default", "web", ForwardOptions{Ports: []string{port + ":80"}}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a port that is taken: %v", err)
	}
	if _, err := Forward(t.Context(), c, "default", "web", ForwardOptions{Ports: []string{":80"}}); !apierrors.IsNotFound(err) {
		t.Errorf("no pod: %v", err)
	}
}

// Whatever a kubelet sends, reading a frame ends.
func FuzzReadSPDY(f *testing.F) {
	f.Add(slices.Concat(reply(3, 0), data("hello"), ping(2), end()))
	f.Add(reset(3))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		for n := 0; ; n++ {
			frame, err := readSPDY(r)
			if err != nil {
				return
			}
			if n > len(b)/spdyHead {
				t.Fatal("more frames than fit")
			}
			if !frame.control {
				if _, err := io.CopyN(io.Discard, r, frame.length); err != nil {
					return
				}
			}
		}
	})
}
