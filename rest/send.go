package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// run sends the call until it succeeds or may not be sent again. It calls take with an answer whose
// status is 2xx; take owns its body. An error of take counts as a broken connection.
//
//	attempt ── 2xx, taken ──────────────> done
//	   ↑  └─── anything else ──> judge ── no ──> the error
//	   └────────── wait <── again ──┘
func (c *call) run(ctx context.Context, take func(*http.Response) error) error {
	if err := c.throttle.wait(ctx, c.what); err != nil {
		return err
	}
	var t tries
	for {
		o := c.attempt(ctx, take)
		if o.err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return c.ended(ctx, nil)
		}
		v := c.policy.next(&t, o)
		if !v.again || tooLate(ctx, v.wait) {
			return c.failed(o, t)
		}
		c.log.Debug("send the request again",
			"request", c.what, "why", v.why, "wait", v.wait, "retry", t.total, "err", o.err)
		if !sleep(ctx, v.wait) {
			return c.ended(ctx, o.err)
		}
	}
}

// attempt sends the call once.
func (c *call) attempt(ctx context.Context, take func(*http.Response) error) outcome {
	token := c.tokens.token(false)
	connections := c.transport.refresh(false)

	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), bytes.NewReader(c.body))
	if err != nil {
		return outcome{err: err, retryAfter: -1}
	}
	req.URL = c.url // parsing the string again loses how the segments are escaped
	req.Header = c.header.Clone()
	if token != "" && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	c.secrets.learnHeader(req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		if resp != nil { // too many redirects
			discard(resp)
		}
		err = plain(err)
		return outcome{
			err:        err,
			sent:       sent.Load(),
			renewed:    untrusted(err) && c.transport.refresh(true) != connections,
			retryAfter: -1,
		}
	}
	for _, w := range parseWarnings(resp.Header) {
		c.warn(Warning{Agent: c.secrets.text(w.Agent), Text: c.secrets.text(w.Text)})
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return outcome{err: take(resp), sent: true, retryAfter: -1}
	}
	o := outcome{
		err:        c.statusError(resp),
		sent:       true,
		code:       resp.StatusCode,
		retryAfter: parseRetryAfter(resp.Header, time.Now()),
	}
	if o.code == http.StatusUnauthorized {
		o.renewed = c.tokens.token(true) != token || c.transport.refresh(true) != connections
	}
	return o
}

// plain removes the method and URL that http.Client wraps around an error: the call's own
// description replaces them.
func plain(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// failed returns the error of a call whose context has not ended.
func (c *call) failed(o outcome, t tries) error {
	if o.code != 0 {
		return o.err // a *StatusError, not wrapped, for callers that assert its type
	}
	var notes strings.Builder
	notes.WriteString(hint(o.err))
	if t.total > 0 {
		fmt.Fprintf(&notes, " (sent %d times)", t.total+1)
	}
	if o.sent && !c.policy.read && !untrusted(o.err) {
		notes.WriteString("; the server may have carried out the request")
	}
	return c.secrets.errorf("%s at %s: %w%s", c.what, c.base, o.err, notes.String())
}

// ended returns the error of a call whose context has ended. last is the error after which it
// waited to try again, or nil.
func (c *call) ended(ctx context.Context, last error) error {
	err := ctxerr.Of(ctx)
	if last != nil {
		return c.secrets.errorf(
			"%s at %s: %w, while waiting to retry after: %w", c.what, c.base, err, last)
	}
	return c.secrets.errorf("%s at %s: %w", c.what, c.base, err)
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

// refused reports whether no process listens at the address.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// discard closes a body. If little of it is left, it is read first, so that the connection can be
// used again.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	_ = resp.Body.Close()
}
