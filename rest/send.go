package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// run sends the call until it succeeds or may not be sent again. It calls take with an answer whose
// status is 2xx; take owns its body. An error of take counts as a broken connection.
//
//	attempt ── 2xx, taken ──────────────> done
//	   ↑  └─── anything else ──> judge ── no ──> the error
//	   └────────── wait <── again ──┘
func (c *call) run(ctx context.Context, take func(*http.Response) error) (err error) {
	c.begin(ctx)
	defer func() {
		if err != nil || c.purpose == ordinary || c.purpose == upgrade {
			c.meter.end()
		}
	}()
	if err := c.hold(ctx); err != nil {
		return err
	}
	c.meter.held()
	var t tries
	for {
		o := c.attempt(ctx, t.total, take)
		if o.err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return c.ended(endOf(ctx, ctxerr.Of(ctx)), nil)
		}
		v := c.policy.next(&t, o)
		if !v.again || tooLate(ctx, v.wait) {
			return c.failed(o, t)
		}
		c.log.Debug("send the request again",
			"request", c.what, "why", v.why, "wait", v.wait, "retry", t.total, "err", c.secrets.error(o.err))
		if !sleep(ctx, v.wait) {
			return c.ended(endOf(ctx, ctxerr.Of(ctx)), o.err)
		}
	}
}

// attempt sends the call once, as the given retry.
func (c *call) attempt(
	ctx context.Context, retry int, take func(*http.Response) error,
) outcome {
	creds, err := c.authenticate(ctx, nil)
	if err != nil {
		return outcome{err: err, retryAfter: -1}
	}
	c.transport.present(creds.Certificate)
	connections := c.transport.refresh(false)

	seen := trace{call: c}
	ctx = seen.in(ctx)
	untraced := c.transport.untraced.Load()
	g := newGuard(ctx)
	quiet := overSilence(c.bounds.silence)
	timer := g.within(c.bounds.silence, quiet)
	req, err := http.NewRequestWithContext(g.ctx, c.method, c.url.String(), bytes.NewReader(c.body))
	if err != nil {
		g.cancel(err)
		return outcome{err: err, retryAfter: -1}
	}
	req.URL = c.url // parsing the string again loses how the segments are escaped
	req.Header = c.header.Clone()
	if req.Header.Get("Authorization") == "" {
		switch {
		case creds.Token != "":
			req.Header.Set("Authorization", "Bearer "+creds.Token)
		case c.basic != "":
			req.Header.Set("Authorization", c.basic)
		}
	}
	c.secrets.learnHeader(req.Header)
	began := time.Now()
	resp, err := c.http.Do(req)
	timer.Stop()
	if err != nil {
		c.meter.attempted(retry, 0, began)
		defer g.cancel(nil)
		c.secrets.learnHeader(req.Header) // Config.WrapTransport may have changed it
		if resp != nil {                  // too many redirects
			discard(resp)
		}
		sent := seen.wrote.Load() || c.transport.untraced.Load() != untraced
		o := outcome{err: endOf(g.ctx, plain(err)), sent: sent, retryAfter: -1}
		if on := seen.conn.Load(); on != nil && ctx.Err() == nil && !known(o.err) {
			if alert := lastAlert(*on); alert != nil {
				o.err = alert
			}
		}
		if c.mayBeRefused(o.err, creds) && (c.transport.refresh(true) != connections ||
			creds.Certificate != nil && untrusted(o.err) && c.renewed(ctx, creds)) {
			o.renewed = untrusted(o.err)
		}
		return o
	}
	c.meter.attempted(retry, resp.StatusCode, began)
	if resp.StatusCode == http.StatusSwitchingProtocols && c.purpose == upgrade {
		return outcome{err: take(resp), sent: true, retryAfter: -1} // its body is the connection
	}
	timed := &timedBody{
		ReadCloser: resp.Body, guard: g, meter: c.meter, silence: c.bounds.silence, quiet: quiet,
	}
	if resp.Body = timed; c.purpose == watch && resp.StatusCode == http.StatusOK {
		timed.silence, timed.left, timed.over = 0, c.bounds.life, errOutlived
	}
	for _, w := range parseWarnings(resp.Header) {
		c.warn(Warning{Agent: c.secrets.text(w.Agent), Text: c.secrets.text(w.Text)})
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		if resp.StatusCode == http.StatusPartialContent && c.purpose != raw {
			discard(resp)
			return outcome{err: errPart, sent: true, retryAfter: -1}
		}
		return outcome{err: take(resp), sent: true, retryAfter: -1}
	}
	o := outcome{
		err:        c.statusError(resp),
		sent:       true,
		code:       resp.StatusCode,
		retryAfter: parseRetryAfter(resp.Header, time.Now()),
	}
	if o.code == http.StatusUnauthorized {
		o.renewed = c.renewed(ctx, creds) || c.transport.refresh(true) != connections
	}
	return o
}

var errOutlived = &timeoutError{"the server did not end the watch after its timeoutSeconds"}

// errPart is the error of a 206, which answers only requests for a part (RFC 9110 section 15.3.7).
var errPart = errors.New("the server answered 206, a part of what was asked for")

// known reports whether an error says itself why a connection failed.
func known(err error) bool {
	_, alert := alertOf(err)
	var timeout net.Error
	return alert || untrusted(err) || errors.As(err, &timeout) && timeout.Timeout()
}

// mayBeRefused reports whether the cause of an error may be the files of the TLS configuration, or
// the certificate in creds. A server that refuses a client certificate closes the connection behind
// its alert, and the alert may be lost.
func (c *call) mayBeRefused(err error, creds *Credentials) bool {
	if untrusted(err) {
		return true
	}
	var op *net.OpError
	dialed := !errors.As(err, &op) || op.Op != "dial"
	return (c.cfg.TLS.hasCert() || creds.Certificate != nil) && dialed && !errors.Is(err, context.Canceled)
}

// tooLate reports whether a wait would outlast ctx's deadline. The call then returns at once.
func tooLate(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < wait
}

// sleep waits for d. It reports false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// discard closes a body. If little of it is left, it is read first, so that the connection can be
// used again.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	_ = resp.Body.Close()
}
