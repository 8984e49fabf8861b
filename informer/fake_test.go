package informer_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// fakeServer is an API server whose every answer a test gives. There is no connection, so that it
// works under synctest's clock.
type fakeServer struct {
	t        *testing.T
	requests chan *fakeRequest
	behind   bool // checks of the server's version are requests, and not answered by "it is there"
}

type fakeRequest struct {
	t      *testing.T
	at     time.Time
	query  map[string]string
	req    *http.Request
	answer chan *http.Response
}

func (s *fakeServer) RoundTrip(req *http.Request) (*http.Response, error) {
	r := &fakeRequest{t: s.t, at: time.Now(), query: map[string]string{}, req: req, answer: make(chan *http.Response, 1)}
	for k, v := range req.URL.Query() {
		r.query[k] = v[0]
	}
	if r.query["limit"] == "1" && !s.behind {
		r.list(r.query["resourceVersion"], "")
		return <-r.answer, nil
	}
	select {
	case s.requests <- r:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	select {
	case resp := <-r.answer:
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// next waits for the next request and checks its query: "watch,resourceVersion=5,!continue" wants
// a watch from 5.
func (s *fakeServer) next(want string) *fakeRequest {
	s.t.Helper()
	select {
	case r := <-s.requests:
		for _, w := range strings.Split(want, ",") {
			key, value, _ := strings.Cut(w, "=")
			switch {
			case w == "watch":
				key, value = "watch", "true"
			case w == "list":
				key, value = "watch", ""
			case w[0] == '!':
				key = w[1:]
			}
			if r.query[key] != value {
				s.t.Fatalf("request %v: want %s", r.query, w)
			}
		}
		return r
	case <-time.After(time.Hour):
		s.t.Fatalf("no request came, where %s was due", want)
		return nil
	}
}

func (r *fakeRequest) reply(code int, body io.Reader, headers ...string) {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	r.answer <- &http.Response{
		StatusCode: code, Status: http.StatusText(code), Header: h, Request: r.req, ContentLength: -1,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(body),
	}
}

func (r *fakeRequest) status(code int, reason string, headers ...string) {
	r.reply(code, strings.NewReader(status(code, reason)), headers...)
}

func status(code int, reason string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","code":%d,"reason":%q,"message":"scripted"}`, code, reason)
}

func (r *fakeRequest) list(version, next string, items ...string) {
	r.reply(200, strings.NewReader(fmt.Sprintf(`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":%q,"continue":%q},"items":[%s]}`,
		version, next, strings.Join(items, ","))))
}

// fakeWatch is a watch that the test speaks in.
type fakeWatch struct {
	t *testing.T
	w *io.PipeWriter
}

func (r *fakeRequest) watch() *fakeWatch {
	pr, pw := io.Pipe()
	context.AfterFunc(r.req.Context(), func() { pr.CloseWithError(r.req.Context().Err()) })
	r.reply(200, pr)
	return &fakeWatch{r.t, pw}
}

func (w *fakeWatch) raw(s string) {
	if _, err := io.WriteString(w.w, s); err != nil {
		w.t.Errorf("nobody reads the watch: %v", err)
	}
}

func (w *fakeWatch) event(kind, object string) {
	w.raw(fmt.Sprintf(`{"type":%q,"object":%s}`+"\n", kind, object))
}

func (w *fakeWatch) bookmark(version string) { w.event("BOOKMARK", bookmark(version, "")) }
func (w *fakeWatch) listEnd(version string) {
	w.event("BOOKMARK", bookmark(version, `,"annotations":{"k8s.io/initial-events-end":"true"}`))
}
func (w *fakeWatch) end()          { w.w.Close() }
func (w *fakeWatch) cut(err error) { w.w.CloseWithError(err) }

func bookmark(version, more string) string {
	return fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":%q%s}}`, version, more)
}

func object(name, uid, version string) string {
	return fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":%q,"uid":%q,"resourceVersion":%q},"data":{"v":%q}}`, name, uid, version, version)
}

// scene is an informer and the server that the test plays.
type scene struct {
	*fakeServer
	ctx     context.Context
	factory *informer.Factory
	maps    *informer.Informer[corev1.ConfigMap]
	told    *model[corev1.ConfigMap]
	errors  chan error
}

// play runs a test with an informer under synctest: when it ends, every goroutine must have.
func play(t *testing.T, test func(s *scene), opts ...informer.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{t: t, requests: make(chan *fakeRequest)}
		c, err := rest.NewClient(&rest.Config{
			Host: "https://server.example", Logger: slog.New(slog.DiscardHandler),
			WrapTransport: func(http.RoundTripper) http.RoundTripper { return server },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s := &scene{fakeServer: server, ctx: ctx, told: newModel[corev1.ConfigMap]("handler"), errors: make(chan error, 1000)}
		opts = append([]informer.Option{informer.JSON(), informer.OnError(func(err error) { s.errors <- err })}, opts...)
		s.factory = informer.NewFactory(c, opts...)
		s.maps = informer.For[corev1.ConfigMap](s.factory)
		s.maps.AddHandler(s.told.handler())
		if err := s.factory.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer s.factory.Wait()
		defer cancel()
		test(s)
	})
}

// knows waits until everything is quiet and checks what the cache has and the handler knows:
// "a=uid/5 b=uid/6".
func (s *scene) knows(want string) {
	s.t.Helper()
	synctest.Wait()
	states := map[string]string{}
	for _, w := range strings.Fields(want) {
		key, value, _ := strings.Cut(w, "=")
		states["ns/"+key] = value
	}
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	if fmt.Sprint(s.told.known) != fmt.Sprint(states) || len(s.told.breaches) > 0 {
		s.t.Fatalf("the handler knows %v, not %v (%v)", s.told.known, states, s.told.breaches)
	}
	cached := map[string]string{}
	for item, err := range s.maps.Lister().Items(informer.Query{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		cached[item.Key()] = state(item)
	}
	if fmt.Sprint(cached) != fmt.Sprint(states) {
		s.t.Fatalf("the cache has %v, not %v", cached, states)
	}
}

// synced leads the scene through a watch-list with the objects a and b, at version 10.
func (s *scene) synced() *fakeWatch {
	s.t.Helper()
	w := s.next("watch,sendInitialEvents=true,resourceVersionMatch=NotOlderThan,allowWatchBookmarks=true,!resourceVersion").watch()
	w.event("ADDED", object("a", "ua", "5"))
	synctest.Wait()
	if s.maps.HasSynced() || s.maps.Contains("1") {
		s.t.Fatal("synced before the list's end")
	}
	w.event("ADDED", object("b", "ub", "7"))
	w.listEnd("10")
	s.knows("a=ua/5 b=ub/7")
	if !s.maps.HasSynced() || s.maps.ResourceVersion() != "10" {
		s.t.Fatalf("not synced at 10, but %q", s.maps.ResourceVersion())
	}
	return w
}
