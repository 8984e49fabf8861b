// Package handlers ends the handlers of a server: http.Server.Close closes the connections, and neither
// waits for the handlers that run nor prevents the one of a request that was just read.
package handlers

import (
	"net/http"
	"sync"
)

// Group is an http.Handler that counts its calls. A sync.WaitGroup cannot: it must not grow from zero
// while it is waited for, and a request that was read before its connection was closed begins later.
type Group struct {
	next  http.Handler
	ended chan struct{} // closed when closed is true and running is 0

	mu      sync.Mutex
	running int
	closed  bool
}

// New returns a group whose requests next serves.
func New(next http.Handler) *Group { return &Group{next: next, ended: make(chan struct{})} }

// ServeHTTP implements http.Handler. After Close it aborts the request.
func (g *Group) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.begin() {
		panic(http.ErrAbortHandler)
	}
	defer g.end()
	g.next.ServeHTTP(w, r)
}

func (g *Group) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.running++
	return true
}

func (g *Group) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; g.closed && g.running == 0 {
		close(g.ended)
	}
}

// Close aborts requests from now on, and returns when the handlers that run have returned. A second
// call waits as well.
func (g *Group) Close() {
	g.mu.Lock()
	if !g.closed && g.running == 0 {
		close(g.ended)
	}
	g.closed = true
	g.mu.Unlock()
	<-g.ended
}
