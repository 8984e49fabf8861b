package informer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// recorder is a sink that writes down what it gets.
type recorder struct {
	mu     sync.Mutex // guards what follows but memory and slow
	deltas []string
	errors []error
	status Status
	states []string
	memory *wire.Arena
	slow   time.Duration // that push takes
}

func (r *recorder) arena() *wire.Arena { return r.memory }

func (r *recorder) push(_ context.Context, d delta) error {
	names := map[deltaKind]string{deltaSet: "set", deltaGone: "gone", deltaListBegin: "begin", deltaListEnd: "end", deltaProgress: "progress"}
	text := names[d.kind]
	if d.object.Meta.Name != "" {
		text += " " + d.object.Meta.Name + "/" + d.object.Meta.ResourceVersion
	}
	if d.version != "" {
		text += " " + d.version
	}
	if d.restored {
		text += " restored"
	}
	if r.slow > 0 {
		time.Sleep(r.slow)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deltas = append(r.deltas, text)
	return nil
}

func (r *recorder) update(change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.status.State
	if change(&r.status); r.status.State != before {
		r.states = append(r.states, r.status.State)
	}
}

func (r *recorder) report(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, err)
}

// script is a server whose every answer a test gives, and a reflector of ConfigMaps that asks it.
type script struct {
	t        *testing.T
	requests chan *scripted
	sink     *recorder
	waits    *progress
	last     time.Time // when the last answer was given
}

// scripted is a request that waits for its answer.
type scripted struct {
	s      *script
	req    *http.Request
	answer chan *http.Response
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	r := &scripted{s, req, make(chan *http.Response, 1)}
	select {
	case s.requests <- r:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	select {
	case resp := <-r.answer:
		if resp == nil {
			return nil, io.ErrUnexpectedEOF
		}
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

func (s *script) errors() []error {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	return slices.Clone(s.sink.errors)
}

func (s *script) deltas() []string {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	return slices.Clone(s.sink.deltas)
}

func (s *script) status() Status {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	return s.sink.status
}

// play runs a reflector under synctest's clock, without an informer. change may be nil.
func play(t *testing.T, change func(*reflector), test func(s *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, requests: make(chan *scripted), waits: newProgress(), sink: &recorder{memory: wire.NewArena(arenaBytes)}}
		c, err := rest.NewClient(&rest.Config{
			Host: "https://server.example", Logger: slog.New(slog.DiscardHandler),
			WrapTransport: func(http.RoundTripper) http.RoundTripper { return s },
		})
		if err != nil {
			t.Fatal(err)
		}
		r := &reflector{
			name: "configmaps", log: slog.New(slog.DiscardHandler), sink: s.sink, waits: s.waits,
			ask: requests{
				client: c, kind: kind.Info{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true},
				format: wire.JSON, pageSize: 500,
				options: wire.Options{APIVersion: "v1", Kind: "ConfigMap", ListKind: "ConfigMapList", Strict: true},
			},
		}
		if change != nil {
			change(r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.run(ctx) }()
		test(s)
		cancel()
		<-done
		if s.status().State != "stopped" {
			t.Errorf("the reflector ended in the state %s", s.status().State)
		}
	})
}

// next waits for the next request and returns it in short: "watch-list", "page from 5", "page from 0",
// "page most recent", "page continue x" (each with "whole" if it has no limit), "watch 5", "short watch
// 5" and "come to 5".
func (s *script) next() (*scripted, string) {
	s.t.Helper()
	select {
	case r := <-s.requests:
		return r, r.String()
	case <-time.After(time.Hour):
		s.t.Fatal("no request came for an hour")
		return nil, ""
	}
}

// expect waits for the next request, which is to be want.
func (s *script) expect(want string) *scripted {
	s.t.Helper()
	r, got := s.next()
	if got != want {
		s.t.Fatalf("the request is %q, want %q", got, want)
	}
	return r
}

func (r *scripted) String() string {
	q := r.req.URL.Query()
	version, match := q.Get("resourceVersion"), q.Get("resourceVersionMatch")
	var text string
	switch {
	case q.Get("sendInitialEvents") == "true" && match == "NotOlderThan" && !q.Has("resourceVersion"):
		text = "watch-list"
	case q.Get("watch") != "":
		text = "watch " + version
		if q.Get("timeoutSeconds") == "4" {
			text = "short " + text
		}
	case q.Get("limit") == "1" && match == "NotOlderThan":
		return "check " + version
	case q.Get("limit") == "1" && !q.Has("resourceVersion"):
		return "newest"
	case q.Get("fieldSelector") == "metadata.name=-":
		return "come to " + version
	case q.Has("continue"):
		text = "page continue " + q.Get("continue")
	case !q.Has("resourceVersion"):
		text = "page most recent"
	default:
		text = "page from " + version
	}
	if q.Get("watch") == "" && !q.Has("limit") {
		text += " whole"
	}
	return text
}

func (r *scripted) reply(code int, body io.Reader) { r.replyWith(code, body, "application/json") }

func (r *scripted) replyAs(code int, contentType, body string, headers ...string) {
	r.replyWith(code, strings.NewReader(body), contentType, headers...)
}

func (r *scripted) replyWith(code int, body io.Reader, contentType string, headers ...string) {
	r.s.last = time.Now()
	header := http.Header{"Content-Type": {contentType}}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	r.answer <- &http.Response{
		StatusCode: code, Status: http.StatusText(code), Header: header,
		Request: r.req, ContentLength: -1, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(body),
	}
}

// hangUp closes the connection without an answer.
func (r *scripted) hangUp() { r.s.last = time.Now(); r.answer <- nil }

func (r *scripted) status(text string) {
	var code int
	_, _ = fmt.Sscanf(text, `{"kind":"Status","code":%d`, &code)
	r.reply(code, strings.NewReader(text))
}

func (r *scripted) list(version, next string, items ...string) {
	r.reply(200, strings.NewReader(fmt.Sprintf(`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":%q,"continue":%q},"items":[%s]}`,
		version, next, strings.Join(items, ","))))
}

// watch answers with the beginning of a watch, which the test goes on writing.
func (r *scripted) watch(events ...string) *io.PipeWriter {
	body, w := io.Pipe()
	context.AfterFunc(r.req.Context(), func() { body.CloseWithError(r.req.Context().Err()) })
	r.reply(200, body)
	for _, e := range events {
		r.s.say(w, e)
	}
	return w
}

// say sends a piece of a watch.
func (s *script) say(w *io.PipeWriter, text string) {
	s.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		s.t.Errorf("nobody reads the watch: %v", err)
	}
	s.last = time.Now()
}

const (
	statusExpired  = `{"kind":"Status","code":410,"apiVersion":"v1","status":"Failure","reason":"Expired"}`
	statusTooLarge = `{"kind":"Status","code":504,"apiVersion":"v1","status":"Failure","reason":"Timeout","details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}}`
	statusInvalid  = `{"kind":"Status","code":422,"apiVersion":"v1","status":"Failure","reason":"Invalid"}`
	statusBad      = `{"kind":"Status","code":400,"apiVersion":"v1","status":"Failure","reason":"BadRequest"}`
	statusFailed   = `{"kind":"Status","code":500,"apiVersion":"v1","status":"Failure","reason":"InternalError"}`
)

const (
	statusBusy         = `{"kind":"Status","code":503,"apiVersion":"v1","status":"Failure","reason":"ServiceUnavailable"}`
	statusTooMany      = `{"kind":"Status","code":429,"apiVersion":"v1","status":"Failure","reason":"TooManyRequests"}`
	statusUnauthorized = `{"kind":"Status","code":401,"apiVersion":"v1","status":"Failure","reason":"Unauthorized"}`
	statusOf404        = `{"kind":"Status","code":404,"apiVersion":"v1","status":"Failure","reason":"NotFound"}`
)

func said(kind, object string) string {
	return fmt.Sprintf(`{"type":%q,"object":%s}`+"\n", kind, object)
}
func saidError(status string) string { return said("ERROR", status) }

func saidMap(kind, name, version string) string { return said(kind, mapOf(name, version)) }

func mapOf(name, version string) string {
	return fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":%q,"uid":"u","resourceVersion":%q}}`, name, version)
}

func saidBookmark(version string) string {
	return said("BOOKMARK", fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":%q}}`, version))
}

func saidListEnd(version string) string {
	return said("BOOKMARK", fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":%q,"annotations":{"k8s.io/initial-events-end":"true"}}}`, version))
}

// got checks what the sink has.
func (s *script) got(want ...string) {
	s.t.Helper()
	synctest.Wait()
	if !slices.Equal(s.deltas(), want) {
		s.t.Fatalf("the sink got %q, want %q", s.deltas(), want)
	}
}

// silentSink is a sink that keeps nothing.
type silentSink struct {
	memory *wire.Arena
	status Status
}

func (s *silentSink) arena() *wire.Arena                { return s.memory }
func (s *silentSink) push(context.Context, delta) error { return nil }
func (s *silentSink) update(change func(*Status))       { change(&s.status) }
func (s *silentSink) report(error)                      {}

// eventOf reads one event.
func eventOf(t *testing.T, text string) wire.Event {
	t.Helper()
	event, err := wire.NewWatchReader(strings.NewReader(text), wire.JSON, wire.Options{APIVersion: "v1", Kind: "ConfigMap"}).Next()
	if err != nil {
		t.Fatal(err)
	}
	return event
}
