package rest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/wire"
)

// What an answer may take of memory.

// bytesOf reads n bytes without holding them.
type bytesOf struct {
	c byte
	n int64
}

func (b *bytesOf) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.n == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), b.n)]
	p[0] = b.c
	for i := 1; i < len(p); i *= 2 { // a byte at a time takes minutes under the race detector
		copy(p[i:], p[:i])
	}
	b.n -= int64(len(p))
	return len(p), nil
}

const endless = int64(1) << 62

// sends is a server whose body is r's. A length of -1 is not announced.
func sends(code int, r io.Reader, length int64) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		resp := answer(req, code, "")
		resp.Body, resp.ContentLength = io.NopCloser(r), length
		return resp, nil
	}
}

// allocated returns how many bytes f allocates in total, which is more than it ever holds.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// The limit of an answer that is held: at it, one byte below, and one above.
func TestTheLimitOfAnAnswer(t *testing.T) {
	for _, test := range []struct {
		name        string
		config      int // Config.MaxAnswerBytes
		limit, size int64
		good        bool
	}{
		{"one below", 1000, 1000, 999, true},
		{"at it", 1000, 1000, 1000, true},
		{"one above", 1000, 1000, 1001, false},
		{"one below a grown buffer", 9000, 9000, 8999, true},
		{"at a grown buffer", 9000, 9000, 9000, true},
		{"one above a grown buffer", 9000, 9000, 9001, false},
		{"without end", 1 << 20, 1 << 20, endless, false},
		{"one below the default", 0, DefaultMaxAnswerBytes, DefaultMaxAnswerBytes - 1, true},
		{"at the default", 0, DefaultMaxAnswerBytes, DefaultMaxAnswerBytes, true},
		{"one above the default", 0, DefaultMaxAnswerBytes, DefaultMaxAnswerBytes + 1, false},
		{"without end, by default", 0, DefaultMaxAnswerBytes, endless, false},
		{"without a limit", -1, DefaultMaxAnswerBytes, DefaultMaxAnswerBytes + 1, true},
	} {
		for _, announced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/announced=%v", test.name, announced), func(t *testing.T) {
				if test.limit > 1<<20 && testing.Short() {
					t.SkipNow()
				}
				sent := 0
				c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
					sent++
					length := int64(-1)
					if announced {
						length = test.size
					}
					return sends(200, &bytesOf{'x', test.size}, length)(req)
				}, func(cfg *Config) { cfg.MaxAnswerBytes = test.config })
				var data []byte
				var err error
				taken := allocated(func() { data, err = c.Get().Resource("pods").Name("a").DoRaw(t.Context()) })
				if test.good {
					if err != nil || int64(len(data)) != test.size {
						t.Errorf("%d bytes, %v", len(data), err)
					}
					return
				}
				if !errors.Is(err, ErrAnswerTooLarge) || data != nil {
					t.Fatalf("%d bytes, %v", len(data), err)
				}
				mustContain(t, err.Error(), `get pods "a"`, "https://server.example", "Config.MaxAnswerBytes", fmt.Sprint(test.limit))
				if sent != 1 {
					t.Errorf("sent %d times", sent)
				}
				if most := 2*test.limit + 64<<10; taken > most {
					t.Errorf("%d bytes were allocated, more than %d", taken, most)
				}
			})
		}
	}
}

// bomb is a body of size bytes, compressed to less than a hundredth.
func bomb(t *testing.T, head string, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, io.MultiReader(strings.NewReader(head), &bytesOf{'x', size})); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What counts is the size after decompression: a body of 100 KB that becomes 20 MB stops at the
// limit, whatever it is the answer to.
func TestAGzipBombStopsAtTheLimit(t *testing.T) {
	const size, limit = 20_000_000, 1 << 20
	pod := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","annotations":{"a":"`
	for name, test := range map[string]struct {
		code int
		body []byte
		use  func(*Client) error
		is   func(error) bool
	}{
		"a Get": {200, bomb(t, pod, size), func(c *Client) error {
			return c.Get().Resource("pods").Name("a").Do(t.Context()).Error()
		}, func(err error) bool { return errors.Is(err, ErrAnswerTooLarge) }},
		"a list": {200, bomb(t, `{"apiVersion":"v1","kind":"PodList","items":[`+pod, size), func(c *Client) error {
			s, err := c.Get().Resource("pods").List(t.Context(), wire.Options{})
			if err == nil {
				_, err = s.Next()
			}
			return err
		}, func(err error) bool { return errors.Is(err, wire.ErrTooLarge) }},
		"a watch": {200, bomb(t, `{"type":"ADDED","object":`+pod, size), func(c *Client) error {
			s, err := c.Get().Resource("pods").Watch(t.Context(), wire.Options{})
			if err == nil {
				_, err = s.Next()
			}
			return err
		}, func(err error) bool { return errors.Is(err, wire.ErrTooLarge) }},
		"an error": {403, bomb(t, "go away ", size), func(c *Client) error {
			return c.Get().Resource("pods").Name("a").Do(t.Context()).Error()
		}, apierrors.IsForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", jsonOnly)
				w.Header().Set("Content-Encoding", "gzip")
				w.WriteHeader(test.code)
				_, _ = w.Write(test.body)
			})
			cfg.Host = strings.Replace(cfg.Host, "127.0.0.1", "server.example", 1) // loopback is not asked for gzip
			cfg.TLS.ServerName, cfg.Dial = "example.com", dialLoopback
			cfg.MaxAnswerBytes, cfg.MaxObjectBytes = limit, limit
			c := newClient(t, cfg)
			defer c.CloseIdleConnections()
			var err error
			taken := allocated(func() { err = test.use(c) })
			if !test.is(err) {
				t.Errorf("error: %v", err)
			}
			if taken > 12*limit { // windows and buffers; the race detector adds its own
				t.Errorf("%d bytes were allocated", taken)
			}
		})
	}
}

// Of the answer of an error, 1 MiB is read: a Status of that size is understood, one byte less too,
// and of one byte more the beginning is told.
func TestTheLimitOfAnErrorsAnswer(t *testing.T) {
	frame := len(statusJSON(404, "NotFound", ""))
	for size, good := range map[int]bool{maxErrorBody - 1: true, maxErrorBody: true, maxErrorBody + 1: false} {
		body := statusJSON(404, "NotFound", strings.Repeat("m", size-frame))
		if len(body) != size {
			t.Fatalf("the Status has %d bytes, not %d", len(body), size)
		}
		err := fakeClient(t, says(404, body)).Get().Resource("pods").Name("a").Do(t.Context()).Error()
		var status *apierrors.StatusError
		if !errors.As(err, &status) || !apierrors.IsNotFound(err) {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if got := strings.Contains(status.ErrStatus.Message, strings.Repeat("m", 2*maxErrorText)); got != good {
			t.Errorf("%d bytes: understood %v, not %v", size, got, good)
		}
	}
	left := &bytesOf{'x', endless}
	taken := allocated(func() {
		if err := fakeClient(t, sends(500, left, -1)).Get().Resource("pods").Do(t.Context()).Error(); !apierrors.IsInternalError(err) {
			t.Errorf("error: %v", err)
		}
	})
	if read := endless - left.n; read > maxErrorBody+4096 || taken > 16*maxErrorBody {
		t.Errorf("of an error without end, %d bytes were read, and %d were allocated", read, taken)
	}
}

// The limit of one object is the Config's, unless the call has its own.
func TestTheLimitOfAnObject(t *testing.T) {
	object := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"` + strings.Repeat("x", 40<<10) + `"}}`
	size := len(object)
	for _, test := range []struct {
		config, call int
		good         bool
	}{
		{0, 0, true}, {-1, 0, true}, {0, -1, true}, {size, 0, true}, {size + 1, 0, true}, {size - 1, 0, false},
		{1, size, true}, {1, size + 1, true}, {-1, size - 1, false}, {size, size - 1, false}, {size - 1, -1, true},
	} {
		config := func(cfg *Config) { cfg.MaxObjectBytes = test.config }
		o := wire.Options{MaxObjectBytes: test.call}
		for name, read := range map[string]func() error{
			"Get": func() error {
				_, err := fakeClient(t, says(200, object), config).Get().Resource("configmaps").Name("a").Do(t.Context()).Object(o)
				return err
			},
			"List": func() error {
				s, err := fakeClient(t, says(200, listHead+object+"]}"), config).Get().Resource("configmaps").List(t.Context(), o)
				if err == nil {
					_, err = s.Next()
				}
				return err
			},
			"Watch": func() error {
				s, err := fakeClient(t, says(200, `{"type":"ADDED","object":`+object+`}`), config).Get().Resource("configmaps").Watch(t.Context(), o)
				if err == nil {
					_, err = s.Next()
				}
				return err
			},
		} {
			if err := read(); (err == nil) != test.good || !test.good && !errors.Is(err, wire.ErrTooLarge) {
				t.Errorf("%s of %d bytes, Config %d, call %d: %v", name, size, test.config, test.call, err)
			}
		}
	}
}
