package faults

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rule chooses requests and the fault that they meet. A condition that is zero holds for every
// request.
type Rule struct {
	On    Verb          // the request's verb is one of these
	Path  string        // the URL's path begins so
	After time.Duration // at least so long after the layer's start
	Until time.Duration // and less than so long after it
	// If is a further condition. It may be nil.
	If func(*http.Request) bool

	// Skip is how many requests that fulfil the conditions pass first. Times is how many the fault
	// is for after that; 0 means all.
	Skip, Times int

	Do Fault
}

// Layer is a server in front of a server: it applies faults to the requests that its rules choose,
// and records all requests. Its methods are safe for concurrent use.
type Layer struct {
	next  http.Handler
	began time.Time

	mu       sync.Mutex
	rules    []*counted
	requests []Request
}

type counted struct {
	Rule
	seen int // requests that fulfilled the conditions
}

// Request is a request as a Layer records it.
type Request struct {
	At     time.Duration // since the layer's start
	Verb   Verb
	Method string
	Path   string
	Query  url.Values
	Fault  string // the fault's name; "" if there was none
	Code   int    // of the answer; 0 while there is none
}

// String returns the request in short: "12.5s list /api/v1/pods?limit=500: 410 (status 410)" (0 if there was no answer).
func (r Request) String() string {
	var b strings.Builder
	b.WriteString(r.At.String() + " " + r.Verb.String() + " " + r.Path)
	if len(r.Query) > 0 {
		b.WriteString("?" + r.Query.Encode())
	}
	b.WriteString(": " + strconv.Itoa(r.Code))
	if r.Fault != "" {
		b.WriteString(" (" + r.Fault + ")")
	}
	return b.String()
}

// NewLayer returns a layer in front of next. Its time starts now. The first rule that chooses a
// request wins, and only the rules up to that one count the request.
func NewLayer(next http.Handler, rules ...Rule) *Layer {
	l := &Layer{next: next, began: time.Now()}
	l.SetRules(rules...)
	return l
}

// InOrder returns rules that answer one request after the other: the first request meets the first
// fault, the second one the second, and the requests after the last one meet none.
func InOrder(all ...Fault) []Rule {
	rules := make([]Rule, len(all))
	for i, f := range all {
		rules[i] = Rule{Times: 1, Do: f}
	}
	return rules
}

// SetRules replaces the rules, for requests that come from now on. Without rules the layer passes
// everything on.
func (l *Layer) SetRules(rules ...Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules = nil
	for _, r := range rules {
		l.rules = append(l.rules, &counted{Rule: r})
	}
}

// Queries returns the parameters of the requests so far, encoded.
func (l *Layer) Queries() []string {
	var queries []string
	for _, r := range l.Requests() {
		queries = append(queries, r.Query.Encode())
	}
	return queries
}

// Age returns the time since the layer's start.
func (l *Layer) Age() time.Duration { return time.Since(l.began) }

// Requests returns the requests so far, in the order in which they came.
func (l *Layer) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.requests)
}

// ServeHTTP implements http.Handler.
func (l *Layer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, n := l.choose(r)
	fault.Handler(l.next).ServeHTTP(&noted{w, func(code int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.requests[n].Code == 0 {
			l.requests[n].Code = code
		}
	}}, r)
}

// choose returns the fault of a request and the request's number among those recorded.
func (l *Layer) choose(r *http.Request) (fault Fault, number int) {
	verb, at := VerbOf(r), time.Since(l.began)
	l.mu.Lock()
	defer l.mu.Unlock()
	name := ""
	for _, rule := range l.rules {
		if rule.choose(r, verb, at) {
			fault, name = rule.Do, rule.Do.String()
			break
		}
	}
	l.requests = append(l.requests, Request{
		At: at, Verb: verb, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Fault: name,
	})
	return fault, len(l.requests) - 1
}

func (c *counted) choose(r *http.Request, verb Verb, at time.Duration) bool {
	switch {
	case c.On != 0 && c.On&verb == 0,
		!strings.HasPrefix(r.URL.Path, c.Path),
		at < c.After,
		c.Until != 0 && at >= c.Until,
		c.If != nil && !c.If(r):
		return false
	}
	c.seen++
	return c.seen > c.Skip && (c.Times == 0 || c.seen <= c.Skip+c.Times)
}

// noted is a ResponseWriter that notes the status.
type noted struct {
	http.ResponseWriter
	note func(code int)
}

// Unwrap lets http.ResponseController find the methods of the writer within.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }

func (n *noted) WriteHeader(code int) {
	n.note(code)
	n.ResponseWriter.WriteHeader(code)
}

func (n *noted) Write(p []byte) (int, error) {
	n.note(http.StatusOK)
	return n.ResponseWriter.Write(p)
}
