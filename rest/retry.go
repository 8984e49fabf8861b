package rest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxRetryAfter is the longest wait that a server can ask of a request. Waiting less than it
	// asks would be rude, waiting longer would look like a hang: past it the caller decides.
	maxRetryAfter = time.Minute
	// maxBroken is how often a request is sent again over a new connection. With the waits below
	// that covers a connection that went stale, a server behind a balancer that went away and the
	// moment between two processes of one server, and keeps a command line's "connection refused"
	// under a second. Who wants to wait longer has a loop with a backoff of its own.
	maxBroken = 3
	// firstBackoff doubles with each try.
	firstBackoff = 100 * time.Millisecond
	// maxBackoff bounds the wait that stands in for a Retry-After of zero.
	maxBackoff = 2 * time.Second
)

// policy is what decides whether a request may be sent again.
type policy struct {
	max        int  // times in all
	read       bool // it changes nothing on the server
	repeatable bool // done twice it is as if done once: RFC 9110 9.2.2, and apply
}

// tries counts how often a request was sent again, and for which reason.
type tries struct {
	total, broken, renewed int
}

// outcome is how one sending ended without an answer to return.
type outcome struct {
	err error
	// sent: bytes of the request may have left, so it may have been carried out.
	sent bool
	// renewed: it was sent with credentials that have changed on disk since.
	renewed bool
	// code is the status of the server's answer, 0 when there was none.
	code int
	// retryAfter is what the server asked for, negative when it did not.
	retryAfter time.Duration
}

// verdict is what follows from an outcome.
type verdict struct {
	again bool
	wait  time.Duration
	why   string
}

// next decides, and counts what it decides.
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
	whyRenewed = "credentials changed on disk"
	whyUnsent  = "the connection failed before the request was sent"
	whyBroken  = "the connection broke"
)

func (p policy) judge(t tries, o outcome) verdict {
	switch {
	case t.total >= p.max:
		return verdict{}
	case o.renewed && t.renewed == 0:
		// A 401 and a failed handshake both come before anything is carried out.
		return verdict{again: true, why: whyRenewed}
	case o.code != 0:
		return p.judgeStatus(t, o)
	case t.broken >= maxBroken || hopeless(o.err):
		return verdict{}
	case !o.sent:
		return verdict{again: true, wait: spread(firstBackoff << t.broken), why: whyUnsent}
	case p.read:
		return verdict{again: true, wait: spread(firstBackoff << t.broken), why: whyBroken}
	}
	return verdict{}
}

// judgeStatus: 429 and 503 say that the request was turned away; other errors of the server may
// come after it was carried out, if only in part. Without Retry-After the answer is final: a 429
// without one is how an eviction is refused, and is not to be asked again at once.
func (p policy) judgeStatus(t tries, o outcome) verdict {
	turnedAway := o.code == http.StatusTooManyRequests || o.code == http.StatusServiceUnavailable
	switch {
	case o.retryAfter < 0 || o.retryAfter > maxRetryAfter:
		return verdict{}
	case turnedAway, o.code >= 500 && p.repeatable:
		least := min(firstBackoff<<min(t.total, 10), maxBackoff)
		return verdict{
			again: true,
			wait:  spread(max(o.retryAfter, least)),
			why:   "the server answered " + strconv.Itoa(o.code) + " and asked to retry",
		}
	}
	return verdict{}
}

// spread lengthens a wait by up to a fifth, so that those who were turned away together do not come
// back together.
func spread(d time.Duration) time.Duration { return d + rand.N(d/5+1) }

// parseRetryAfter reads the header in seconds or as a date (RFC 9110 10.2.3); it returns a negative
// duration for none. A date is compared with the server's own clock where the answer shows it.
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

// hopeless says that sending again would end the same way, or take as long again.
func hopeless(err error) bool {
	var dns *net.DNSError
	var timeout net.Error
	var record tls.RecordHeaderError
	switch {
	case untrusted(err), errors.As(err, &record):
		return true
	case errors.As(err, &dns):
		return dns.IsNotFound
	case errors.As(err, &timeout):
		return timeout.Timeout()
	}
	return strings.Contains(err.Error(), httpToHTTPS) || strings.Contains(err.Error(), tooManyRedirects)
}

const (
	// httpToHTTPS is part of what net/http says when a server does not speak TLS. It has no type.
	httpToHTTPS      = "server gave HTTP response to HTTPS client"
	tooManyRedirects = "redirects to no end"
)

// untrusted says that the two sides do not accept each other's certificates.
func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var alert tls.AlertError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &alert)
}

// hint says what to do about an error of the connection.
func hint(err error) string {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	switch {
	case errors.As(err, &authority):
		return "; set the CA that signed the server's certificate (TLS.CAFile or TLS.CAData)"
	case errors.As(err, &hostname):
		return "; use a Host that the certificate names, or set TLS.ServerName to one"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "; renew the server's certificate, or set this machine's clock"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "; check the spelling of Host"
	case strings.Contains(err.Error(), httpToHTTPS):
		return "; the server does not speak TLS: does Host mean http:// or another port?"
	case refused(err):
		return "; is the API server running there?"
	}
	return ""
}
