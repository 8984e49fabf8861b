package faults

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Scenario is a test of a client on a server with faults. Its limits are checked when the test's
// function has returned; a limit of 0 is the default.
type Scenario struct {
	Server  http.Handler // a Script, a Store, a Proxy, …
	Rules   []Rule       // the faults in front of it
	Options Options

	// RealTime runs the test on the real clock. Otherwise it is in a bubble of testing/synctest, which
	// also fails the test if a goroutine is left.
	RealTime bool

	// Requests limits how many requests come. The default is no limit.
	Requests int
	// PerSecond limits how many requests come within any second. The default is 10.
	PerSecond int
	// Memory limits by how many bytes the heap grows, garbage included. The default is 64 MiB.
	Memory uint64
	// Says are texts of which each occurs in exactly one line of the log.
	Says []string
	// Lines limits the lines of the log at the levels warn and error. The default is one for each
	// request that met a fault.
	Lines int
	// Secrets are texts that must not occur in the log and in what Found got, in none of their Forms.
	Secrets []string
}

// Run is a Scenario that runs.
type Run struct {
	T      *testing.T
	Layer  *Layer
	Server *Server
	Log    *Log

	mu    sync.Mutex
	found []string
}

// Found notes what the client returned or shows (an error, a Status): it is searched for the secrets.
func (r *Run) Found(values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range values {
		r.found = append(r.found, fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v))
	}
}

// Run runs the scenario: test is called with a server that is up. The T of the Run is the bubble's.
func (s Scenario) Run(t *testing.T, test func(r *Run)) {
	t.Helper()
	before := goroutines()
	heap := watchHeap() // outside of the bubble, on the real clock
	var r *Run
	play := func(t *testing.T) {
		r = &Run{T: t, Layer: NewLayer(s.Server, s.Rules...), Log: NewLog()}
		r.Server = Start(t, r.Layer, s.Options)
		test(r)
	}
	if s.RealTime {
		t.Run("real time", play) // so that its cleanups have run
	} else {
		synctest.Test(t, play)
	}
	grown := heap.stop()
	if t.Failed() || r == nil {
		return
	}
	s.check(t, r)
	if limit := or(s.Memory, 64<<20); grown > limit {
		t.Errorf("the heap grew by %d bytes, the limit is %d", grown, limit)
	}
	if s.RealTime {
		if left := before.left(5 * time.Second); left != "" {
			t.Errorf("goroutines are left:\n%s", left)
		}
	}
}

// check fails the test for each limit that was passed.
func (s Scenario) check(t *testing.T, r *Run) {
	t.Helper()
	requests := r.Layer.Requests()
	if s.Requests > 0 && len(requests) > s.Requests {
		t.Errorf("%d requests, the limit is %d:\n%s", len(requests), s.Requests, Transcript(requests))
	}
	if limit := or(s.PerSecond, 10); Busiest(requests) > limit {
		t.Errorf("%d requests within a second, the limit is %d:\n%s", Busiest(requests), limit, Transcript(requests))
	}
	lines := r.Log.Lines(warnings...)
	if limit := or(s.Lines, Faulted(requests)); len(lines) > limit {
		t.Errorf("%d lines of the log, the limit is %d:\n%s", len(lines), limit, r.Log)
	}
	for _, text := range s.Says {
		n := 0
		for _, line := range r.Log.Lines() {
			if strings.Contains(line.Text, text) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q is in %d lines of the log, want 1:\n%s", text, n, r.Log)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range s.Secrets {
		for _, form := range Forms(secret) {
			for _, text := range append(r.found, r.Log.String()) {
				if strings.Contains(text, form) {
					t.Errorf("the secret, as %q, is in:\n%s", form, text)
				}
			}
		}
	}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Faulted returns how many of the requests met a fault.
func Faulted(requests []Request) (n int) {
	for _, r := range requests {
		if r.Fault != "" {
			n++
		}
	}
	return n
}

// Busiest returns the largest number of requests within a second.
func Busiest(requests []Request) (most int) {
	first := 0
	for i, r := range requests {
		for r.At-requests[first].At >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// Transcript returns the requests as text, a line each.
func Transcript(requests []Request) string {
	var b strings.Builder
	for _, r := range requests {
		b.WriteString(r.String() + "\n")
	}
	return b.String()
}
