package rest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// The errors of a call, apart from those that the server answers with (status.go), are made here.
// Each names the request, the server, the cause and, where one is known, the remedy.

// callError is the error of a call that has no usable answer. errors.Is and errors.As find its
// cause, and a *url.Error, as in every error of net/http: by it, utilnet.IsProbableEOF and others
// recognise a connection that broke.
type callError struct {
	text  string
	cause error
	url   *url.Error
}

func (e *callError) Error() string   { return e.text }
func (e *callError) Unwrap() []error { return []error{e.cause, e.url} }

// error returns the error of a call with a cause, and with notes behind it.
func (c *call) error(cause error, notes ...string) error {
	text := fmt.Sprintf("%s at %s: %v", c.what, c.base, cause)
	return c.secrets.error(&callError{
		text:  text + strings.Join(notes, ""),
		cause: cause,
		url: &url.Error{
			Op:  c.method[:1] + strings.ToLower(c.method[1:]),
			URL: c.url.Redacted(),
			Err: connectionEnd(cause),
		},
	})
}

// connectionEnd returns io.EOF or io.ErrUnexpectedEOF itself if it is in the chain of err, and err
// otherwise. utilnet.IsProbableEOF compares them with ==.
func connectionEnd(err error) error {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, end) {
			return end
		}
	}
	return err
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
	notes := []string{c.hint(o.err)}
	if t.total > 0 {
		notes = append(notes, fmt.Sprintf(" (sent %d times)", t.total+1))
	}
	if o.sent && !c.policy.read && !noHandshake(o.err, false) {
		notes = append(notes, unsure)
	}
	return c.error(o.err, notes...)
}

// ended returns the error of a call whose context has ended. last is the error after which it
// waited to try again, or nil.
func (c *call) ended(cause, last error) error {
	if last != nil {
		cause = fmt.Errorf("%w, while waiting to retry after: %w", cause, last)
	}
	return c.error(cause)
}

// explain adds the request to an error of reading. If the caller caused the error, by Close or by
// ending ctx, explain returns that cause instead.
func (b *body) explain(err error) error {
	select {
	case <-b.closed:
		err = ErrStreamClosed
	default:
		if b.ctx.Err() != nil {
			err = ctxerr.Of(b.ctx)
		}
	}
	return b.call.error(err)
}

// unusable returns the error of a 2xx answer that is not what was asked for.
func (r Result) unusable(err error) error {
	if r.call == nil {
		return fmt.Errorf("rest: read the answer of no request: %w", err)
	}
	err = fmt.Errorf("read the answer (status %d, %d bytes): %w", r.status, len(r.body), err)
	if r.call.policy.read {
		return r.call.error(err)
	}
	return r.call.error(err, unsure)
}

// unsure ends the error of a write of which it is not known whether it was carried out.
const unsure = "; the server may have carried out the request"

// hint returns the remedy for an error of the connection, or "".
func (c *call) hint(err error) string {
	if alert, ok := alertOf(err); ok {
		if refusesClient(alert) && c.transport.cert.Load() != nil {
			return "; the server refuses the client certificate of " + sourceName(c.cfg.Credentials)
		}
		return c.cfg.TLS.alertHint(alert)
	}
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	switch {
	case ofProxy(err):
		return proxyHint(err)
	case errors.As(err, &authority):
		return "; set the CA that signed the server's certificate (TLS.CAFile or TLS.CAData)"
	case errors.As(err, &hostname):
		return "; use a Host that the certificate names, or set TLS.ServerName to one"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "; renew the server's certificate, or set this machine's clock"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "; check the spelling of Host"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "; is the API server running there?"
	case c.base.Scheme == "https" && noHandshake(err, false):
		return "; the server does not speak TLS: does Host mean http:// or another port?"
	case strings.Contains(err.Error(), tlsToHTTP):
		return "; " + speaksTLS
	}
	return ""
}

const (
	// tlsToHTTP is part of net/http's error if a server answers plain HTTP by an alert of TLS.
	tlsToHTTP = `malformed HTTP response "\x15\x03`
	speaksTLS = "the server speaks TLS: set Host to https://"
)

// remedy returns what to do about an answer whose status is not 2xx, or "". text is the body if it
// is no Status.
func (c *call) remedy(code int, contentType, text string) string {
	switch {
	case code == http.StatusUnauthorized:
		return "; " + c.credentials()
	case code == http.StatusBadRequest && c.base.Scheme == "http" && namesTLS(text):
		return "; " + speaksTLS
	case strings.Contains(contentType, "html"):
		return "; the answer is a web page: does Host name an API server?"
	}
	return ""
}

// namesTLS reports whether a web server says in a text that it got plain HTTP where it expects TLS:
// those of Go, nginx and Apache do.
func namesTLS(text string) bool {
	for _, s := range []string{
		"HTTP request to an HTTPS server", "HTTP request was sent to HTTPS port",
		"plain HTTP to an SSL-enabled server port",
	} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// credentials returns which credentials the server does not accept, and what to check.
func (c *call) credentials() string {
	cfg := c.cfg
	const check = " has not expired and is of this cluster"
	switch {
	case c.header.Get("Authorization") != "":
		return "check that the Authorization header of the request" + check
	case cfg.BearerTokenFile != "":
		return "check that the token in " + cfg.BearerTokenFile + check
	case cfg.BearerToken != "":
		return "check that the BearerToken" + check
	case c.basic != "":
		return "check the Username and the Password: API servers since Kubernetes 1.19 accept none"
	case cfg.Credentials != nil && !cfg.hasOwn():
		return "check that what " + sourceName(cfg.Credentials) + " returns" + check
	case cfg.WrapTransport != nil:
		return "check the login of Config.WrapTransport"
	case cfg.TLS.hasCert():
		return "check that the client certificate " + origin(cfg.TLS.CertFile, cfg.TLS.CertData) +
			check
	}
	return "the client has no credentials"
}
