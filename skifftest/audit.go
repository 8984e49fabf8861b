package skifftest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/internal/apipath"
	"github.com/skiff-k8s/skiff/skifftest/internal/apiserver"
)

// Call is a request that came to the server.
type Call struct {
	Time time.Time // when it came, by the server's clock

	// Verb is get, list, watch, create, update, patch, delete or deletecollection. Of what is no
	// resource, such as discovery, it is the HTTP method.
	Verb                     string
	Group, Version, Resource string
	Subresource              string
	Namespace, Name          string // Name is that of the URL: "" of a create

	Path      string
	Query     url.Values
	UserAgent string
	Body      []byte // as it was sent
	Code      int    // of the answer; 0 if there is none, or none yet
}

// On returns the resource as [Server.FailNth] takes it: "pods", "deployments.apps",
// "deployments.apps/status".
func (c Call) On() string {
	on := c.Resource
	if c.Group != "" {
		on += "." + c.Group
	}
	if c.Subresource != "" {
		on += "/" + c.Subresource
	}
	return on
}

// Calls returns the requests so far, in the order in which they came. The slice belongs to the caller;
// the bodies and queries are not to be changed.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Call, len(s.calls))
	for i, c := range s.calls {
		all[i] = *c
	}
	return all
}

// Writes returns the requests so far that create, update, patch or delete.
func (s *Server) Writes() []Call {
	var writes []Call
	for _, c := range s.Calls() {
		switch c.Verb {
		case "create", "update", "patch", "delete", "deletecollection":
			writes = append(writes, c)
		}
	}
	return writes
}

// ForgetCalls makes Calls and Writes begin anew.
func (s *Server) ForgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// ErrBroken is the error for [Server.FailNth] that closes the connection without an answer. The client's
// http.Transport may send a read again at once, on a new connection, as it does on a real one.
var ErrBroken = errors.New("skifftest: the connection is broken")

// verbs are those that a Call can have. An apply is a patch.
var verbs = []string{
	"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// Every is the n of [Server.FailNth] that fails each call.
const Every = -1

// failure is a call that is to fail.
type failure struct {
	verb, on string
	left     int // calls until it fails
	err      error
}

// FailNth makes the nth call from now on with a verb and a resource fail; 1 is the next one, [Every]
// means all. A verb and a resource are those of [Call]; "" is any. A resource has its group and
// subresource: "pods", "deployments.apps", "deployments.apps/status".
//
// err is an error of package k8s.io/apimachinery/pkg/api/errors, which is the answer; or [ErrBroken].
// Any other error is answered as an internal error. The server does not carry the call out. 0 and
// other negative numbers fail the test, and so do a verb and a resource that no call can have.
func (s *Server) FailNth(verb, resource string, n int, err error) {
	s.t.Helper()
	if n == 0 || n < Every {
		s.t.Fatalf("skifftest: fail a call: n is %d; it is 1 for the next call, or Every", n)
	}
	if err == nil {
		s.t.Fatalf("skifftest: fail a call: the error is nil")
	}
	if verb != "" && !slices.Contains(verbs, verb) {
		s.t.Fatalf("skifftest: fail a call: the verb is %q; it is one of %s", verb, strings.Join(verbs, ", "))
	}
	if resource != "" {
		if err := s.api.Serves(resource); err != nil {
			s.t.Fatalf("skifftest: fail a call: %v", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, &failure{verb: verb, on: resource, left: n, err: err})
}

// ClearFailures takes back what FailNth has asked for.
func (s *Server) ClearFailures() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = nil
}

// ServeHTTP implements http.Handler: the server behind the fault layer, with the record of calls.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, fail := s.record(r)
	out := &recorded{ResponseWriter: w, s: s, call: call}
	switch {
	case fail == nil:
		s.layer.ServeHTTP(out, r)
	case errors.Is(fail, ErrBroken):
		panic(http.ErrAbortHandler)
	default:
		var known apierrors.APIStatus
		if !errors.As(fail, &known) {
			fail = apierrors.NewInternalError(fail)
		}
		s.api.Fail(out, r, fail)
	}
}

// record records a request, and returns the error that it is to fail with.
func (s *Server) record(r *http.Request) (*Call, error) {
	body, _ := io.ReadAll(r.Body) // what breaks off here breaks off when the server reads it
	r.Body = io.NopCloser(bytes.NewReader(body))
	c := &Call{
		Time: s.now(), Verb: r.Method, Path: r.URL.Path, Query: r.URL.Query(), UserAgent: r.UserAgent(), Body: body,
	}
	if at, ok := apipath.Parse(r.URL.Path); ok {
		c.Verb = apiserver.Verb(r, at)
		c.Group, c.Version, c.Resource, c.Subresource = at.Group, at.Version, at.Resource, at.Subresource
		c.Namespace, c.Name = at.Namespace, at.Name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	var fail error
	for i := 0; i < len(s.failures); i++ {
		f := s.failures[i]
		if f.verb != "" && f.verb != c.Verb || f.on != "" && f.on != c.On() {
			continue
		}
		if f.left > 0 {
			f.left--
		}
		if f.left == 0 || f.left == Every {
			if fail == nil {
				fail = f.err
			}
			if f.left == 0 {
				s.failures = append(s.failures[:i], s.failures[i+1:]...)
				i--
			}
		}
	}
	return c, fail
}

// recorded is a ResponseWriter that records the status.
type recorded struct {
	http.ResponseWriter
	s    *Server
	call *Call
}

// Unwrap lets http.ResponseController find the methods of the writer within.
func (w *recorded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorded) WriteHeader(code int) {
	w.note(code)
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorded) Write(p []byte) (int, error) {
	w.note(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

func (w *recorded) note(code int) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.call.Code == 0 {
		w.call.Code = code
	}
}
