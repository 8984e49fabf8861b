package rest

import (
	"context"
	"sync/atomic"
	"time"
)

// Metrics are functions that a client calls with what it measures. Those that are nil are not
// called. They are called in the goroutine of the request, from many at once, and should return
// quickly. All their labels have few values: names, namespaces and query parameters are in none.
//
// They are enough for client-go's rest_client_* metrics: requests_total and request_retries_total
// count Attempt, the others observe Request.
type Metrics struct {
	// Attempt is called when an attempt to send a request got the header of an answer, or failed.
	Attempt func(ctx context.Context, r RequestInfo, a AttemptMetrics)
	// Request is called once for each request that was made: when Do returns, when the stream of
	// List, Watch or Stream is closed or has ended, or when the request has failed.
	Request func(ctx context.Context, r RequestInfo, m RequestMetrics)
}

// RequestInfo is what a request is about.
type RequestInfo struct {
	// Verb is get, list, watch, connect, create, update, patch, apply, delete or deletecollection,
	// or the HTTP method in lower case for what is none of these. connect is Upgrade's.
	Verb string
	// Method is the HTTP method.
	Method string
	// Group, Version, Resource and Subresource name what it is for. They are "" for a path that
	// Request.AbsPath set. Subresource is "" for none.
	Group, Version, Resource, Subresource string
	// Host is the API server's host and port, as Config.Host has it.
	Host string
}

// AttemptMetrics are the measurements of one attempt.
type AttemptMetrics struct {
	// Code is the status of the answer, or 0 if there is none.
	Code int
	// Retry is 0 for the first attempt, and n for the nth that follows.
	Retry int
	// Duration is the time until the header of the answer, or the failure.
	Duration time.Duration
}

// RequestMetrics are the measurements of a request, from the call to its end.
type RequestMetrics struct {
	// Code is the status of the last answer, or 0 if there was none.
	Code int
	// Retries counts the attempts after the first.
	Retries int
	// Held is how long the rate limiter held the request back.
	Held time.Duration
	// Header is the time until the header of the last answer, or the failure. Duration is the time
	// until the end: of a watch, its life. Both contain Held and the waits between attempts.
	Header, Duration time.Duration
	// Sent is the size of the body of the request, Received that of the answers, both in bytes.
	// Received counts what was read, after decompression.
	Sent, Received int64
}

// A meter measures a call. A nil meter measures nothing.
type meter struct {
	*Metrics
	ctx   context.Context
	info  RequestInfo
	began time.Time
	m     RequestMetrics // of the goroutine that sends the request; without Received

	received atomic.Int64
}

// begin begins to measure, if somebody asks for it.
func (c *call) begin(ctx context.Context) {
	m := c.cfg.Metrics
	if m == nil || m.Attempt == nil && m.Request == nil {
		return
	}
	info := RequestInfo{Verb: c.verb, Method: c.method, Host: c.base.Host}
	if t := c.target; t.abs == "" {
		info.Group, info.Version, info.Resource = t.gv.Group, t.gv.Version, t.resource
		if len(t.subresource) > 0 {
			info.Subresource = t.subresource[0] // behind "proxy" anything may follow
		}
	}
	c.meter = &meter{Metrics: m, ctx: ctx, info: info, began: time.Now()}
	c.meter.m.Sent = int64(len(c.body))
}

// held ends the wait for the rate limiter.
func (m *meter) held() {
	if m != nil {
		m.m.Held = time.Since(m.began)
	}
}

// attempted ends an attempt that began at a time, by an answer's header or with code 0.
func (m *meter) attempted(retry, code int, began time.Time) {
	if m == nil {
		return
	}
	m.m.Code, m.m.Retries, m.m.Header = code, retry, time.Since(m.began)
	if m.Attempt != nil {
		m.Attempt(m.ctx, m.info, AttemptMetrics{code, retry, time.Since(began)})
	}
}

// read counts n bytes of an answer.
func (m *meter) read(n int) {
	if m != nil {
		m.received.Add(int64(n))
	}
}

// end ends the request.
func (m *meter) end() {
	if m == nil || m.Request == nil {
		return
	}
	total := m.m
	total.Duration, total.Received = time.Since(m.began), m.received.Load()
	m.Request(m.ctx, m.info, total)
}
