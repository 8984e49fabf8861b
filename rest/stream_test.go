package rest

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

const (
	listHead = `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[`
	watched  = `{"type":"ADDED","object":` + emptyConfigMap + `}` + "\n"
)

func names(t *testing.T, s *ListStream) (names []string, err error) {
	t.Helper()
	for {
		o, err := s.Next()
		if err != nil {
			return names, err
		}
		names = append(names, o.Meta.Name)
	}
}

func TestAListIsReadObjectByObjectWhileItArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		cfg, stop := network.serve(t, true, func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.String(); got != "/api/v1/configmaps?limit=2" {
				t.Errorf("asked for %s", got)
			}
			w.Header().Set("Content-Type", jsonOnly)
			for _, part := range []string{listHead, emptyConfigMap, "," + emptyConfigMap, "]}"} {
				fmt.Fprint(w, part)
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Minute)
			}
		})
		c := newClient(t, cfg)
		began := time.Now()
		s, err := c.Get().Resource("configmaps").VersionedParams(&metav1.ListOptions{Limit: 2}).List(t.Context(), wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []time.Duration{time.Minute, 2 * time.Minute} {
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("object %d comes after %v, not %v", i, took, want)
			}
		}
		if _, err := s.Next(); err != io.EOF {
			t.Errorf("ends with %v", err)
		}
		if _, err := s.Next(); err != io.EOF {
			t.Errorf("goes on to end with %v", err)
		}
		if s.Meta().ResourceVersion != "7" || s.Format() != wire.JSON {
			t.Errorf("%+v %v", s.Meta(), s.Format())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		c.CloseIdleConnections()
		stop()
	})
}

func TestACutListIsAnErrorThatSaysWhich(t *testing.T) {
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonOnly)
		fmt.Fprint(w, listHead, emptyConfigMap, ",")
		if r.URL.Query().Get("how") == "abort" {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	for _, how := range []string{"abort", "end"} {
		s, err := newClient(t, cfg).Get().Resource("configmaps").Param("how", how).List(t.Context(), wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = names(t, s)
		if err == nil || err == io.EOF {
			t.Fatalf("%s: %v", how, err)
		}
		mustContain(t, err.Error(), "list configmaps", cfg.Host, "ConfigMapList")
		if _, again := s.Next(); again != err {
			t.Errorf("then: %v", again)
		}
	}
}

func TestACompressedListStreams(t *testing.T) {
	const n = 5000
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
			t.Errorf("Accept-Encoding: %q", got)
		}
		w.Header().Set("Content-Type", jsonOnly)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		fmt.Fprint(z, listHead)
		for i := range n {
			if i > 0 {
				fmt.Fprint(z, ",")
			}
			fmt.Fprintf(z, `{"metadata":{"name":"cm-%d"}}`, i)
		}
		fmt.Fprint(z, "]}")
	})
	cfg.Host = strings.Replace(cfg.Host, "127.0.0.1", "server.example", 1) // loopback is not asked for gzip
	cfg.TLS.ServerName = "example.com"
	cfg.Dial = dialLoopback
	c := newClient(t, cfg)
	defer c.CloseIdleConnections()
	s, err := c.Get().Resource("configmaps").List(t.Context(), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := names(t, s)
	if err != io.EOF || len(got) != n || got[n-1] != fmt.Sprintf("cm-%d", n-1) {
		t.Errorf("%d objects, %v", len(got), err)
	}
}

func TestGzipIsNotAskedForOnLoopbackNorWhenDisabled(t *testing.T) {
	s, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Accept-Encoding")) })
	_ = s
	away := cfg.Copy()
	away.Host = strings.Replace(cfg.Host, "127.0.0.1", "server.example", 1)
	away.TLS.ServerName, away.Dial = "example.com", dialLoopback
	disabled := away.Copy()
	disabled.Compression = -1
	always := cfg.Copy()
	always.Compression = 1
	for name, test := range map[string]struct {
		cfg  *Config
		want string
	}{"loopback": {cfg, ""}, "elsewhere": {away, "gzip"}, "disabled": {disabled, ""}, "loopback, always": {always, "gzip"}} {
		c := newClient(t, test.cfg)
		got, err := c.Get().AbsPath("/").DoRaw(t.Context())
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		c.CloseIdleConnections()
	}
}

func TestAWatchGoesOnUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		cfg, stop := network.serve(t, true, func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.RawQuery; got != "resourceVersion=5&watch=true" {
				t.Errorf("asked for %s", got)
			}
			w.Header().Set("Content-Type", jsonOnly)
			for range 3 {
				fmt.Fprint(w, watched)
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Hour)
			}
		})
		cfg.Timeout = time.Minute // not for watches
		c := newClient(t, cfg)
		s, err := c.Get().Resource("configmaps").VersionedParams(&metav1.ListOptions{ResourceVersion: "5"}).Watch(t.Context(), wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			event, err := s.Next()
			if err != nil || event.Type != wire.Added || event.Object.Meta.Name != "a" {
				t.Fatalf("%+v, %v", event, err)
			}
		}
		if _, err := s.Next(); err != io.EOF {
			t.Errorf("ends with %v", err)
		}
		c.CloseIdleConnections()
		stop()
	})
}

// However a watch ends, its reader hears why, at once, and nothing is left running.
func TestAWatchEndsWithItsOwner(t *testing.T) {
	why := errors.New("the factory stops")
	for _, secure := range []bool{false, true} {
		for name, test := range map[string]struct {
			end  func(context.CancelCauseFunc, *WatchStream)
			want []error
		}{
			"by its context":            {func(cancel context.CancelCauseFunc, _ *WatchStream) { cancel(nil) }, []error{context.Canceled}},
			"by its context, with word": {func(cancel context.CancelCauseFunc, _ *WatchStream) { cancel(why) }, []error{context.Canceled, why}},
			"by Close":                  {func(_ context.CancelCauseFunc, s *WatchStream) { _ = s.Close() }, []error{ErrStreamClosed}},
		} {
			t.Run(fmt.Sprintf("secure=%v/%s", secure, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					network := newPipeNet()
					cfg, stop := network.serve(t, secure, func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Content-Type", jsonOnly)
						fmt.Fprint(w, watched)
						_ = http.NewResponseController(w).Flush()
						<-r.Context().Done()
					})
					c := newClient(t, cfg)
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					s, err := c.Get().Resource("configmaps").Watch(ctx, wire.Options{})
					if err != nil {
						t.Fatal(err)
					}
					if _, err := s.Next(); err != nil {
						t.Fatal(err)
					}
					began := time.Now()
					go func() { test.end(cancel, s) }()
					_, err = s.Next()
					if time.Since(began) != 0 {
						t.Errorf("ends after %v", time.Since(began))
					}
					for _, want := range test.want {
						if !errors.Is(err, want) {
							t.Errorf("ends with %v, which is not %v", err, want)
						}
					}
					if _, again := s.Next(); again != err {
						t.Errorf("then: %v", again)
					}
					c.CloseIdleConnections()
					stop()
				})
			})
		}
	}
}

// What has arrived is not handed out once the context is over: a cancelled consumer gets no more.
func TestEventsThatWaitAreNotDeliveredAfterTheEnd(t *testing.T) {
	c := fakeClient(t, says(200, watched+watched+watched))
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Get().Resource("configmaps").Watch(ctx, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := s.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("then: %v", err)
	}
}

func TestAWatchThatBreaksOffSaysSo(t *testing.T) {
	for name, body := range map[string]string{
		"within an event": watched + `{"type":"ADD`,
		"with nonsense":   watched + `hello`,
	} {
		c := fakeClient(t, says(200, body))
		s, err := c.Get().Resource("configmaps").Watch(t.Context(), wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
		_, err = s.Next()
		if err == nil || err == io.EOF {
			t.Fatalf("%s: %v", name, err)
		}
		mustContain(t, err.Error(), "watch configmaps", "https://server.example")
		var syntax *wire.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: the cause is lost: %v", name, err)
		}
	}
}

func TestAStreamOfAnotherMediaTypeIsRefused(t *testing.T) {
	closed := false
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "<html>", "Content-Type", "text/html")
		resp.Body = closer{resp.Body, func() { closed = true }}
		return resp, nil
	})
	_, err := c.Get().Resource("configmaps").Watch(t.Context(), wire.Options{})
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "text/html", "watch configmaps", "Kubernetes API server?")
	if !closed {
		t.Error("the body is left open")
	}
}

type closer struct {
	io.Reader
	close func()
}

func (c closer) Close() error { c.close(); return nil }

func TestABodyIsClosedOnce(t *testing.T) {
	for name, use := range map[string]func(*Request){
		"Do": func(r *Request) { r.Do(t.Context()) },
		"List": func(r *Request) {
			s, _ := r.List(t.Context(), wire.Options{})
			_, _ = names(t, s)
			s.Close()
			s.Close()
		},
		"a read up":  func(r *Request) { s, _ := r.List(t.Context(), wire.Options{}); _, _ = names(t, s) },
		"Stream":     func(r *Request) { s, _ := r.Stream(t.Context()); s.Close(); s.Close() },
		"an unread":  func(r *Request) { s, _ := r.List(t.Context(), wire.Options{}); s.Close(); _, _ = s.Next() },
		"an ended":   func(r *Request) { s, _ := r.Watch(t.Context(), wire.Options{}); _, _ = s.Next(); _, _ = s.Next() },
		"an errored": func(r *Request) { r.Name("missing").Do(t.Context()) },
	} {
		closed := 0
		c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
			code := 200
			if strings.Contains(req.URL.Path, "missing") {
				code = 404
			}
			resp := answer(req, code, listHead+"]}")
			resp.Body = closer{resp.Body, func() { closed++ }}
			return resp, nil
		})
		use(c.Get().Resource("configmaps"))
		if closed != 1 {
			t.Errorf("%s: the body is closed %d times", name, closed)
		}
	}
}

// A transport of somebody's own may notice nothing but its request's context.
func TestCloseEndsTheContextOfTheRequest(t *testing.T) {
	var sent context.Context
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		sent = req.Context()
		return answer(req, 200, watched), nil
	})
	s, err := c.Get().Resource("configmaps").Watch(t.Context(), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if sent.Err() != nil {
		t.Error("it ends before")
	}
	if err := s.Close(); err != nil || sent.Err() == nil {
		t.Errorf("%v, and the context's error is %v", err, sent.Err())
	}
}

// A list of 64 MB passes through without being held.
func TestAListIsNeverInMemoryAsAWhole(t *testing.T) {
	const items, each = 2000, 32 << 10
	item := []byte(fmt.Sprintf(`{"metadata":{"name":"a"},"data":{"k":%q}}`, strings.Repeat("x", each)))
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		r, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, listHead)
			for i := range items {
				if i > 0 {
					_, _ = io.WriteString(w, ",")
				}
				_, _ = w.Write(item)
			}
			_, _ = io.WriteString(w, "]}")
			_ = w.Close()
		}()
		resp.Body = r
		return resp, nil
	})
	s, err := c.Get().Resource("configmaps").List(t.Context(), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	count := 0
	for {
		_, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		count++
		if count%500 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&during)
			if grown := int64(during.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
				t.Fatalf("after %d objects the heap has grown by %d bytes", count, grown)
			}
		}
	}
	if count != items {
		t.Errorf("%d objects", count)
	}
}

func TestAListInProtobuf(t *testing.T) {
	list := &corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: "9"}, Items: []corev1.ConfigMap{
		{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, {ObjectMeta: metav1.ObjectMeta{Name: "b"}},
	}}
	data, err := wire.Encode(list, wire.Protobuf, "v1", "ConfigMapList")
	if err != nil {
		t.Fatal(err)
	}
	c := fakeClient(t, says(200, string(data), "Content-Type", "application/vnd.kubernetes.protobuf"))
	s, err := c.Get().Resource("configmaps").List(t.Context(), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := names(t, s)
	if err != io.EOF || len(got) != 2 || s.Meta().ResourceVersion != "9" || s.Format() != wire.Protobuf {
		t.Errorf("%v, %v, %+v", got, err, s.Meta())
	}
}
