package faults

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Script is a server whose every answer a test gives by hand:
//
//	s := faults.NewScript(t)
//	server := faults.Start(t, s, faults.Options{})
//	…
//	w := s.Expect("watch-list").Watch(faults.Event("ADDED", object), faults.ListEnd("v1", "ConfigMap", "10"))
//	w.Say(faults.Bookmark("v1", "ConfigMap", "15"))
//	w.End()
//	s.Expect("watch 15").Status(500)
//
// One goroutine, the test's, may use a Script and what it returns.
type Script struct {
	t        TB
	requests chan *Asked
	last     time.Time
}

// NewScript returns a script for the test t.
func NewScript(t TB) *Script { return &Script{t: t, requests: make(chan *Asked)} }

// ServeHTTP implements http.Handler: it waits for the test's answer.
func (s *Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &Asked{Request: r, script: s, w: w, done: make(chan struct{})}
	select {
	case s.requests <- a:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
	gone := false
	select {
	case <-a.done:
	case <-r.Context().Done():
		gone = true
	}
	a.mu.Lock() // the test does not write from here on
	a.over = true
	then := a.then
	a.mu.Unlock()
	switch {
	case gone:
		panic(http.ErrAbortHandler)
	default:
		then.ServeHTTP(w, r)
	}
}

// Patience is how long Next waits: synctest's clock runs through it in no time.
const Patience = time.Hour

// Next waits for the next request and returns it. It fails the test if none comes for an hour.
func (s *Script) Next() *Asked {
	s.t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case a := <-s.requests:
		return a
	case <-timer.C:
		s.t.Fatalf("no request came for %s", Patience)
		return nil
	}
}

// Expect waits for the next request, which is to be want in short (see Asked.String).
func (s *Script) Expect(want string) *Asked {
	s.t.Helper()
	a := s.Next()
	if got := a.String(); got != want {
		s.t.Fatalf("the request is %q, want %q", got, want)
	}
	return a
}

// Quiet fails the test if a request comes within a time.
func (s *Script) Quiet(d time.Duration) {
	s.t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case a := <-s.requests:
		s.t.Fatalf("the request %q came, want none for %s", a, d)
	case <-timer.C:
	}
}

// Last returns when the script last answered or sent something.
func (s *Script) Last() time.Time { return s.last }

// Asked is a request that waits for its answer. Exactly one of its methods Reply, Status, List, Watch
// and HangUp is to be called.
type Asked struct {
	Request *http.Request
	script  *Script
	w       http.ResponseWriter
	done    chan struct{} // closed when the test has given its answer

	mu   sync.Mutex   // held while the test writes
	over bool         // the test's part is over
	then http.Handler // what answers after that; set before done is closed
}

// Query returns the request's parameters.
func (a *Asked) Query() url.Values { return a.Request.URL.Query() }

// String returns the request in short: "watch-list", "page from 5", "page from 0", "page most recent",
// "page continue x" (each with "whole" if it has no limit), "watch 5", "short watch 5" (it is to end
// after 4 seconds), "come to 5" (a list of nothing that must not be older), and for what is no list
// and no watch the method and the path.
func (a *Asked) String() string {
	q := a.Query()
	version, match := q.Get("resourceVersion"), q.Get("resourceVersionMatch")
	switch verb := VerbOf(a.Request); {
	case verb == WatchList && match == "NotOlderThan" && !q.Has("resourceVersion"):
		return "watch-list"
	case verb == Watch, verb == WatchList:
		text := verb.String() + " " + version
		if q.Get("timeoutSeconds") == "4" {
			text = "short " + text
		}
		return text
	case verb != List:
		return a.Request.Method + " " + a.Request.URL.Path
	case q.Get("fieldSelector") == "metadata.name=-" && version != "":
		return "come to " + version
	}
	text := "page from " + version
	switch {
	case q.Has("continue"):
		text = "page continue " + q.Get("continue")
	case !q.Has("resourceVersion"):
		text = "page most recent"
	}
	if !q.Has("limit") {
		text += " whole"
	}
	return text
}

// answer ends the test's part: h writes the rest of the answer.
func (a *Asked) answer(h http.Handler) {
	a.script.last = time.Now()
	a.then = h
	close(a.done)
}

// Fault answers by a fault that needs no server behind it, such as Status, Page, Endless and Hold.
func (a *Asked) Fault(f Fault) { a.answer(f.Handler(http.NotFoundHandler())) }

// Status answers with a failed Status.
func (a *Asked) Status(code int, options ...StatusOption) { a.Fault(Status(code, options...)) }

// HangUp closes the connection without an answer.
func (a *Asked) HangUp() { a.Fault(Close()) }

// Reply answers with a body. Headers come in pairs; the content type is JSON unless they have one.
func (a *Asked) Reply(code int, body io.Reader, headers ...string) {
	a.answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.Copy(w, body)
	}))
}

// Object answers 200 with an object.
func (a *Asked) Object(object string) { a.Reply(http.StatusOK, strings.NewReader(object)) }

// List answers with a page of ConfigMaps. next is the continue token; it may be empty.
func (a *Asked) List(version, next string, items ...string) {
	a.ListOf("v1", "ConfigMap", version, next, items...)
}

// ListOf answers with a page of objects of a kind.
func (a *Asked) ListOf(apiVersion, kind, version, next string, items ...string) {
	a.Object(fmt.Sprintf(`{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":%q,"continue":%q},`+
		`"items":[%s]}`, kind+"List", apiVersion, version, next, strings.Join(items, ",")))
}

// Watch answers with the beginning of a watch, which the test goes on writing.
func (a *Asked) Watch(events ...string) *Stream {
	a.script.t.Helper()
	s := &Stream{a}
	s.write(func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		return http.NewResponseController(w).Flush()
	})
	for _, e := range events {
		s.Say(e)
	}
	return s
}

// Stream is an open watch that the test writes.
type Stream struct{ asked *Asked }

func (s *Stream) write(f func(w http.ResponseWriter) error) {
	a := s.asked
	a.script.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.Request.Context().Err()
	if err == nil && !a.over {
		err = f(a.w)
	}
	if err != nil {
		a.script.t.Errorf("nobody reads the watch: %v", err)
	}
	a.script.last = time.Now()
}

// Say sends a piece of the watch; synctest.Wait returns when the client has taken it in. It fails the
// test if the client has given the watch up.
func (s *Stream) Say(text string) {
	s.asked.script.t.Helper()
	s.write(func(w http.ResponseWriter) error {
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
}

// End ends the watch as a server does.
func (s *Stream) End() {
	s.asked.answer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

// Cut closes the connection in the middle of the watch.
func (s *Stream) Cut() { s.asked.HangUp() }

// Gone returns a channel that is closed when the client has given the watch up.
func (s *Stream) Gone() <-chan struct{} { return s.asked.Request.Context().Done() }
