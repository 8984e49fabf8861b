package rest

import (
	"net"
	"net/http/httptrace"
	"testing"
)

// A request keeps the trace of the caller's context, and its other hooks.
func TestTraceKeepsTheCallersTrace(t *testing.T) {
	var got, wrote, idle bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { got = true },
		WroteHeaders: func() { wrote = true },
		PutIdleConn:  func(error) { idle = true },
	})
	var seen trace
	hooks := httptrace.ContextClientTrace(seen.in(ctx))
	if seen.wrote.Load() {
		t.Error("the context does not hold the trace")
	}
	conn, _ := net.Pipe()
	hooks.GotConn(httptrace.GotConnInfo{Conn: conn})
	hooks.WroteHeaders()
	hooks.PutIdleConn(nil)
	if !got || !wrote || !idle {
		t.Errorf("the caller's hooks were called: %v, %v, %v", got, wrote, idle)
	}
	if c := seen.conn.Load(); c == nil || *c != conn || !seen.wrote.Load() {
		t.Error("the request's own hooks were not called")
	}
}

// Without a trace of the caller, the request's own is all there is.
func TestTraceStandsAlone(t *testing.T) {
	var seen trace
	hooks := httptrace.ContextClientTrace(seen.in(t.Context()))
	hooks.GotConn(httptrace.GotConnInfo{})
	if hooks.WroteHeaders(); !seen.wrote.Load() {
		t.Error("the headers were written, and the trace does not know")
	}
}
