package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// A CredentialSource provides credentials that change while a client runs: those of a credential
// plugin, of an identity provider, of a vault. Set it as Config.Credentials. [CacheCredentials]
// makes one of a function.
//
// It is used from many goroutines at once. If it has a method String, errors and a printed Config
// name it by that.
type CredentialSource interface {
	// Credentials returns the credentials to send. The client calls it before each attempt of each
	// request, so it should answer from memory while what it has is valid. The client changes
	// nothing in what is returned, and compares pointers: equal pointers are the same credentials.
	//
	// refused is nil, or an earlier return value that the server has refused since, by a 401 or by
	// an alert of TLS. The source then returns others, if it can get some: the client sends the
	// request once more. If it returns refused again, the caller gets the server's answer.
	//
	// If ctx ends, Credentials returns ctx's error. Any error fails the request, which is not sent.
	Credentials(ctx context.Context, refused *Credentials) (*Credentials, error)
}

// Credentials prove who the client is. One of Token and Certificate is set, or both.
//
// Credentials print, log and marshal themselves without their secrets.
type Credentials struct {
	// Token is the bearer token, sent with every request. "" means none. It is printable ASCII
	// without spaces.
	Token string
	// Certificate is the client's certificate with its key. nil means none. If it differs from the
	// one before, new requests use new connections. The old connections are closed when their
	// requests have ended, and after a minute in any case: a watch is then opened again.
	Certificate *tls.Certificate
	// Expires is when they are to be replaced. Zero means when the server refuses them, or when
	// Certificate expires.
	Expires time.Time
}

// expired reports whether the credentials are to be replaced.
func (c *Credentials) expired(now time.Time) bool {
	if !c.Expires.IsZero() && !now.Before(c.Expires) {
		return true
	}
	return c.Certificate != nil && c.Certificate.Leaf != nil &&
		!now.Before(c.Certificate.Leaf.NotAfter)
}

// String returns which credentials there are, without them.
func (c Credentials) String() string {
	token, certificate := "", ""
	if c.Token != "" {
		token = redacted
	}
	if c.Certificate != nil {
		certificate = redacted
	}
	return fmt.Sprintf("rest.Credentials{Token:%s Certificate:%s Expires:%v}",
		token, certificate, c.Expires)
}

// GoString returns String, so that %#v does not show the secrets.
func (c Credentials) GoString() string { return c.String() }

// Format writes String for every verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns String.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns String, so that the credentials are not marshaled.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// A sourceError is the error of Config.Credentials. The request was not sent.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "get the credentials: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// authenticate returns what the next attempt sends, and makes new connections if the certificate is
// another. refused is as in CredentialSource.
func (c *core) authenticate(ctx context.Context, refused *Credentials) (*Credentials, error) {
	got, err := c.source.Credentials(ctx, refused)
	if err == nil && got == nil {
		err = errors.New("there are none: the source returned nil")
	}
	if err == nil && got != refused {
		err = validToken(got.Token)
	}
	if err != nil {
		return nil, &sourceError{err}
	}
	c.secrets.learn(got.Token)
	return got, nil
}

// renewed reports whether there are other credentials than those that the server refused.
func (c *core) renewed(ctx context.Context, refused *Credentials) bool {
	got, err := c.authenticate(ctx, refused)
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("get new credentials failed, the server refuses the old ones",
				"err", c.secrets.error(err))
		}
		return false
	}
	return got != refused
}
