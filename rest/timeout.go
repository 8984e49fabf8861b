package rest

import (
	"context"
	"io"
	"math"
	"net/url"
	"strconv"
	"time"
)

// DefaultSilenceTimeout is the default of Config.SilenceTimeout: twice the minute that
// kube-apiserver gives a request (--request-timeout).
const DefaultSilenceTimeout = 2 * time.Minute

// watchGrace is how much longer a watch may last than the server was asked for, before it is ended
// from here.
const watchGrace = 45 * time.Second

// bounds are how long a call may wait for the server. 0 is no limit.
type bounds struct {
	total   time.Duration // for the answer; of a watch, for the answer's header
	silence time.Duration // for the header, and, except in a watch, for each next byte
	life    time.Duration // of a watch, from its header on
}

// bounds returns the limits of a request, whose query parameters are q.
func (r *Request) bounds(p purpose, q url.Values) bounds {
	if p == raw { // a log that is followed sends its header with its first line
		return bounds{}
	}
	cfg := r.core.cfg
	b := bounds{total: cfg.timeout(r.timeout), silence: max(cfg.SilenceTimeout, 0)}
	seconds, err := strconv.ParseInt(q.Get("timeoutSeconds"), 10, 32)
	asked := time.Duration(seconds) * time.Second
	switch {
	case err != nil || asked <= 0:
	case p == watch:
		b.life = asked + watchGrace
	case b.total == 0 || asked < b.total:
		b.total = asked
	}
	off := r.timeout < 0 || r.timeout == 0 && cfg.Timeout < 0
	if cfg.SilenceTimeout == 0 && !off {
		b.silence = max(DefaultSilenceTimeout, b.total)
	}
	return b
}

// tell sets the query parameter by which the server learns when nobody waits any longer. It is for
// the resources of API servers: what is behind a proxy would get it too.
func (b bounds) tell(p purpose, t target, q url.Values) {
	if b.total == 0 || p == watch || p == upgrade || t.abs != "" || q.Has("timeout") ||
		len(t.subresource) > 0 && t.subresource[0] == "proxy" {
		return
	}
	q.Set("timeout", b.total.String())
}

// timeoutError is the end of a wait for the server. It is a context.DeadlineExceeded.
type timeoutError struct{ why string }

func (e *timeoutError) Error() string { return context.DeadlineExceeded.Error() + ": " + e.why }
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

func overTotal(d time.Duration) *timeoutError {
	return &timeoutError{"its timeout of " + d.String() + " is over"}
}

func overSilence(d time.Duration) *timeoutError {
	return &timeoutError{"the server sent nothing for " + d.String() + " (Config.SilenceTimeout)"}
}

// endOf returns the error of a context that has ended.
func endOf(ctx context.Context, otherwise error) error {
	if timeout, ok := context.Cause(ctx).(*timeoutError); ok {
		return timeout
	}
	return otherwise
}

// A guard ends a request if the server lets it wait too long. Only the time in which somebody waits
// for the server counts, and not what the caller takes between two reads.
type guard struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func newGuard(ctx context.Context) *guard {
	g := &guard{}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	return g
}

// within ends the request after d, unless the timer is stopped before. 0 is no limit.
func (g *guard) within(d time.Duration, err *timeoutError) *time.Timer {
	if d == 0 {
		d = math.MaxInt64
	}
	return time.AfterFunc(d, func() { g.cancel(err) })
}

// timedBody is a body of which each read is guarded.
type timedBody struct {
	io.ReadCloser
	guard   *guard
	meter   *meter
	silence time.Duration // 0 is no limit
	quiet   *timeoutError // the error after a silence
	left    time.Duration // until the end; 0 is no limit
	over    *timeoutError // the error when nothing is left
}

func (b *timedBody) Read(p []byte) (int, error) {
	limit, why := b.silence, b.quiet
	if b.left > 0 && (limit == 0 || b.left < limit) {
		limit, why = b.left, b.over
	}
	began := time.Now()
	timer := b.guard.within(limit, why)
	n, err := b.ReadCloser.Read(p)
	timer.Stop()
	b.meter.read(n)
	if b.left > 0 {
		b.left = max(b.left-time.Since(began), 1)
	}
	if err != nil && err != io.EOF {
		err = endOf(b.guard.ctx, err)
	}
	return n, err
}

// Close closes the body and ends its request.
func (b *timedBody) Close() error {
	b.guard.cancel(nil)
	return b.ReadCloser.Close()
}
