package rest

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxRetryAfter is the longest Retry-After that is waited for. Waiting less than the server
	// asks would add to its load, and waiting longer would look like a hang. The caller gets the
	// error.
	maxRetryAfter = time.Minute
	// maxBroken is how often a request is sent again over a new connection. With the waits below
	// that is enough for a stale connection, a server that disappeared behind a load balancer, and
	// a server that restarts. A command line still gets "connection refused" within a second.
	// Informers and controllers, which wait longer, have a backoff of their own.
	maxBroken = 3
	// firstBackoff doubles with each try.
	firstBackoff = 100 * time.Millisecond
	// maxBackoff limits the wait after a Retry-After of 0.
	maxBackoff = 2 * time.Second
)

// policy decides whether a request may be sent again.
type policy struct {
	max        int  // retries in total
	read       bool // the request changes nothing on the server
	repeatable bool // the request is idempotent: RFC 9110 section 9.2.2, and apply
}

// tries counts how often a request was sent again, by reason.
type tries struct {
	total, broken, renewed int
}

// outcome is the result of one attempt. err is nil if the attempt succeeded.
type outcome struct {
	err error
	// sent is set if the request's headers were written, so that it may have been carried out.
	sent bool
	// renewed is set if the credentials changed after the attempt began.
	renewed bool
	// code is the status of the server's answer, or 0 without an answer.
	code int
	// retryAfter is the server's Retry-After, negative without one.
	retryAfter time.Duration
}

// verdict is the decision after an outcome.
type verdict struct {
	again bool
	wait  time.Duration
	why   string
}

// next decides whether to send again after o, and counts the retry in t.
func (p policy) next(t *tries, o outcome) verdict {
	v := p.judge(*t, o)
	if !v.again {
		return v
	}
	t.total++
	switch {
	case v.why == whyRenewed:
		t.renewed++
	case o.code == 0:
		t.broken++
	}
	return v
}

const (
	whyRenewed = "the credentials changed"
	whyUnsent  = "the connection failed before the request was sent"
	whyBroken  = "the connection broke"
)

func (p policy) judge(t tries, o outcome) verdict {
	switch {
	case t.total >= p.max:
		return verdict{}
	case o.renewed && t.renewed == 0:
		// After a 401 or a failed handshake, nothing was carried out.
		return verdict{again: true, why: whyRenewed}
	case o.code != 0:
		return p.judgeStatus(t, o)
	case t.broken >= maxBroken || o.hopeless():
		return verdict{}
	case !o.sent:
		return verdict{again: true, wait: spread(firstBackoff << t.broken), why: whyUnsent}
	case p.read:
		return verdict{again: true, wait: spread(firstBackoff << t.broken), why: whyBroken}
	}
	return verdict{}
}

// judgeStatus decides after an answer. 429 and 503 mean that the request was not carried out (RFC
// 6585 section 4, RFC 9110 section 15.6.4). After another 5xx it may have been carried out, if only
// in part. Without Retry-After the answer is final: the server refuses an eviction by a 429 without
// one (Kubernetes documentation, "API-initiated Eviction").
func (p policy) judgeStatus(t tries, o outcome) verdict {
	turnedAway := o.code == http.StatusTooManyRequests || o.code == http.StatusServiceUnavailable
	switch {
	case o.retryAfter < 0 || o.retryAfter > maxRetryAfter:
		return verdict{}
	case turnedAway, o.code >= 500 && p.repeatable:
		//mutants:tuning[9,11] from the sixth on the wait is the longest
		least := min(firstBackoff<<min(t.total, 10), maxBackoff)
		return verdict{
			again: true,
			wait:  spread(max(o.retryAfter, least)),
			why:   "the server answered " + strconv.Itoa(o.code) + " and asked to retry",
		}
	}
	return verdict{}
}

// spread lengthens a wait by up to a fifth, so that clients that were rejected at the same time do
// not return at the same time.
func spread(d time.Duration) time.Duration { return d + rand.N(d/5+1) }

// parseRetryAfter returns the header's wait, or a negative duration without one. The header holds
// seconds or a date (RFC 9110 section 10.2.3). A date is compared with the answer's Date, if it has
// one, and otherwise with now.
func parseRetryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return -1
	}
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		if seconds < 0 {
			return -1
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return -1
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(at.Sub(now), 0)
}

// hopeless reports whether sending again would fail in the same way, or take as long again.
func (o outcome) hopeless() bool {
	var dns *net.DNSError
	var timeout net.Error
	var source *sourceError
	var proxy *proxyError
	switch {
	case errors.As(o.err, &source), errors.As(o.err, &proxy):
		return true
	case errors.Is(o.err, ErrAnswerTooLarge), o.err == errPart,
		errors.Is(o.err, errPlaintext), noHandshake(o.err, !o.sent):
		return true
	case errors.As(o.err, &dns):
		return dns.IsNotFound
	case errors.As(o.err, &timeout) && timeout.Timeout():
		return true
	}
	return strings.Contains(o.err.Error(), tooManyRedirects) ||
		strings.Contains(o.err.Error(), tlsToHTTP)
}

const tooManyRedirects = "too many redirects"
