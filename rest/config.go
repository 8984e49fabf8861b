package rest

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"
)

// DefaultMaxRetries is how often a request is sent again when Config.MaxRetries is zero. It is what
// the field is used to: with the API server's usual Retry-After of one second, about ten seconds.
const DefaultMaxRetries = 10

// Config says where an API server is, how it is trusted, and who is asking. The zero value of every
// field but Host works.
//
// A Config prints, logs and marshals itself without its secrets. NewClient takes a copy, so a
// Config may be changed afterwards; while it is being changed it must not be used concurrently.
type Config struct {
	// Host is the server: "https://10.0.0.1:6443", with a path when it stands behind one
	// ("https://gate.example.com/clusters/a"). Without a scheme it is https as soon as TLS or a
	// token is configured, http otherwise.
	Host string

	// TLS says how the server is trusted and which certificate the client shows.
	TLS TLSConfig

	// BearerToken is sent with every request.
	BearerToken string
	// BearerTokenFile holds the token and is read again when it changes (looked at once a minute
	// at most, and after a 401). What was last read wins over BearerToken; when the file cannot be
	// read at first, BearerToken is used, and NewClient fails if there is none.
	BearerTokenFile string

	// Impersonate makes the requests as somebody else, if the server allows the one who asks to.
	Impersonate Impersonation

	// UserAgent tells the server's audit log who is calling. Default: the program's name and
	// version, the platform, and skiff's version.
	UserAgent string

	// Timeout bounds an ordinary request from the first byte sent to the last byte of the answer,
	// retries included. It never bounds Stream, List or Watch. 0: no bound but the context's.
	Timeout time.Duration

	// QPS throttles the client: requests a second on average, 0 for no throttle, which is the
	// default because the server has priority and fairness of its own. A request counts once,
	// however often it is retried and however long it streams.
	QPS float64
	// Burst is how many requests may go at once under QPS. 0: QPS rounded up.
	Burst int

	// JSONOnly never asks for protobuf: for debugging, and for proxies that want to read along.
	JSONOnly bool

	// DisableCompression does not ask for gzip. The server compresses only answers over 128 KB, so
	// asking saves bandwidth on large lists and costs both sides CPU: right over the internet,
	// wrong inside a cluster. A loopback Host is never asked for gzip, and kubeconfig.InCluster
	// sets this field.
	DisableCompression bool

	// MaxRetries is how often a request is sent again, by the rules in the package's comment.
	// 0: DefaultMaxRetries; negative: never.
	MaxRetries int

	// Namespace is that of the kubeconfig's context. Package rest does not use it; it is here so
	// that a program knows where its user wants to be.
	Namespace string

	// WrapTransport wraps what sends the requests, once per client. It sees credentials.
	WrapTransport func(http.RoundTripper) http.RoundTripper

	// Dial replaces how connections are made. Default: TCP with a timeout of 30 seconds and
	// keep-alive probes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Logger gets retries at debug level and what needs attention at warn level.
	// Default: slog.Default().
	Logger *slog.Logger

	// Warnings is called with every warning the server attaches to an answer, in the goroutine of
	// the request. Default: each different warning is logged once.
	Warnings func(Warning)

	// health replaces the intervals of HTTP/2 health checks, for tests.
	health healthCheck
}

// TLSConfig says how the server is trusted and which certificate the client shows. PEM throughout.
// Where both data and file are given, the data counts. Files are read again when they change.
type TLSConfig struct {
	// Insecure does not verify the server's certificate: anyone on the way can read the
	// credentials. It contradicts a CA, and NewClient says so.
	Insecure bool
	// ServerName is the name that the server's certificate must hold. Default: Host's.
	ServerName string

	// CAFile and CAData are the authorities that may have signed the server's certificate.
	// Default: those of the system.
	CAFile string
	CAData []byte
	// CertFile and CertData are the client's certificate, KeyFile and KeyData its key.
	CertFile string
	CertData []byte
	KeyFile  string
	KeyData  []byte
}

// Impersonation is who the requests are made as (the API's "User impersonation").
type Impersonation struct {
	// User is needed as soon as any other field is set.
	User   string
	UID    string
	Groups []string
	// Extra is what an authenticator says beyond that: scopes, for example.
	Extra map[string][]string
}

// Copy returns a Config that shares nothing with c that could be changed; functions and the logger
// are the same.
func (c *Config) Copy() *Config {
	if c == nil {
		return nil
	}
	out := *c
	out.TLS.CAData = bytes.Clone(c.TLS.CAData)
	out.TLS.CertData = bytes.Clone(c.TLS.CertData)
	out.TLS.KeyData = bytes.Clone(c.TLS.KeyData)
	out.Impersonate.Groups = slices.Clone(c.Impersonate.Groups)
	out.Impersonate.Extra = maps.Clone(c.Impersonate.Extra)
	for key, values := range out.Impersonate.Extra {
		out.Impersonate.Extra[key] = slices.Clone(values)
	}
	return &out
}

func (c *Config) logger() *slog.Logger {
	if c.Logger != nil {
		return c.Logger
	}
	return slog.Default()
}

func (c *Config) retries() int {
	switch {
	case c.MaxRetries == 0:
		return DefaultMaxRetries
	case c.MaxRetries < 0:
		return 0
	}
	return c.MaxRetries
}
