package rest

import (
	"context"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// trace is what an attempt learns from net/http about its connection. It is the context that the
// attempt is made in.
//
// It does what httptrace.WithClientTrace does. That function joins two traces by reflection, which
// makes a small program larger by 9 KB (examples, TestInformerIsSmall).
type trace struct {
	context.Context
	hooks httptrace.ClientTrace

	call  *call
	wrote atomic.Bool // the request's headers were written
	conn  atomic.Pointer[net.Conn]
}

// in returns t as a context within ctx. A trace that the caller put into ctx is called, too.
func (t *trace) in(ctx context.Context) context.Context {
	outer := httptrace.ContextClientTrace(ctx)
	if outer != nil {
		t.hooks = *outer
	}
	t.hooks.GotConn = func(i httptrace.GotConnInfo) {
		t.conn.Store(&i.Conn)
		if outer != nil && outer.GotConn != nil {
			outer.GotConn(i)
		}
	}
	t.hooks.WroteHeaders = func() {
		t.wrote.Store(true)
		if outer != nil && outer.WroteHeaders != nil {
			outer.WroteHeaders()
		}
	}
	t.Context = ctx
	if httptrace.ContextClientTrace(t) != &t.hooks {
		t.wrote.Store(true) // not known, so that nothing is sent twice
	}
	return t
}

// attemptKey is the key of a trace in its own context.
type attemptKey struct{}

// Value returns the trace to net/http and to attemptOf.
func (t *trace) Value(key any) any {
	switch key {
	case traceKey.key:
		return &t.hooks
	case attemptKey{}:
		return t
	}
	return t.Context.Value(key)
}

// attemptOf returns the attempt that a request is part of, or nil if a wrapper has lost its context.
func attemptOf(ctx context.Context) *trace {
	t, _ := ctx.Value(attemptKey{}).(*trace)
	return t
}

// traceKey has the key under which a context holds a trace. Its type is not exported, but
// httptrace.ContextClientTrace asks any context for it.
var traceKey = newKeyCatcher()

// keyCatcher is a context that keeps the key that it is asked for.
type keyCatcher struct {
	context.Context
	key any
}

func newKeyCatcher() *keyCatcher {
	c := &keyCatcher{Context: context.Background(), key: new(byte)}
	httptrace.ContextClientTrace(c)
	return c
}

func (c *keyCatcher) Value(key any) any {
	c.key = key
	return nil
}
