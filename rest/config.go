package rest

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// DefaultMaxRetries is how often a request is sent again if Config.MaxRetries is 0. With the API
// server's usual Retry-After of one second, ten retries take about ten seconds. client-go retries
// as often.
const DefaultMaxRetries = 10

// RetryForever, as MaxRetries, sends a request again as long as the server asks for it, until the
// request's context ends. A connection that fails is still retried three times only.
const RetryForever = math.MaxInt

// Config describes an API server, how it is trusted, and who is asking. Only Host is required.
//
// A Config prints, logs and marshals itself without its secrets. NewClient takes a copy, so a
// Config may be changed afterwards. A Config is not safe for concurrent use while it is changed.
type Config struct {
	// Host is the server's URL: "https://10.0.0.1:6443", or with a path,
	// "https://gate.example.com/clusters/a". A Host without a scheme means https if TLS or a token
	// is configured, and http otherwise.
	Host string

	// TLS configures how the server is trusted, and the client's certificate.
	TLS TLSConfig

	// BearerToken is sent with every request.
	BearerToken string
	// BearerTokenFile holds the token. It is read again when it changes, which is checked at most
	// once a minute, and after a 401. The file's token takes precedence over BearerToken. If the
	// file cannot be read at first, BearerToken is used; without one, NewClient returns an error.
	// A named pipe is read once. The file may have 64 KiB.
	BearerTokenFile string
	// Username and Password are sent with every request, by Basic authentication (RFC 7617). Together
	// with a token they are an error. Kubernetes has no passwords since 1.19; some gateways in front
	// of an API server do.
	Username, Password string

	// Credentials provides a token or a client certificate that changes while the client runs. It
	// is not used if the Config has a token, a Username, a Password or a client certificate.
	Credentials CredentialSource

	// PlaintextCredentials permits credentials to be sent unencrypted, to a Host that is http and
	// not this machine. Without it NewClient returns an error if there are credentials for such a
	// Host, and a request to it with a header of credentials fails.
	PlaintextCredentials bool

	// Impersonate makes the requests as somebody else, if the server permits that.
	Impersonate Impersonation

	// UserAgent identifies the program in the server's audit log. "" means the program's name and
	// the platform, without versions.
	UserAgent string

	// Timeout limits how long the server may take for Do and List, from the first byte sent to the
	// last byte of the answer, retries included, and for the header of a watch's answer. It is sent
	// along as timeout=, so that the server stops too. What the caller takes between two objects of
	// a list does not count. It never ends a watch that is open, nor a Stream. 0 means the default,
	// which is no limit but the context's and SilenceTimeout; negative means no limit but the
	// context's. If the query has timeoutSeconds, as of metav1.ListOptions, the shorter of the two
	// holds for Do and List; and a watch ends with an error 45 seconds after it, if the server does
	// not end it.
	Timeout time.Duration

	// SilenceTimeout limits how long the server may send nothing while somebody waits for it: for
	// the header of an answer and, except in a watch, for its next byte. It does not limit Stream. 0
	// means the default: DefaultSilenceTimeout (2 minutes), or Timeout if that is longer; negative
	// means no limit.
	SilenceTimeout time.Duration

	// QPS limits the client's requests per second, on average. 0 means the default, which is no
	// limit, because the server has priority and fairness of its own; negative means no limit. A
	// request counts once, however often it is retried and however long it streams.
	QPS float64
	// Burst is how many requests may be sent at once under QPS. 0 means the default, which is QPS
	// rounded up; negative means no bursts, one request at a time. A positive Burst while QPS is 0
	// is an error.
	Burst int
	// RateLimiter limits the requests in place of QPS and Burst, which must then be 0. Clients may
	// share one: NewRateLimiter makes it, and a *rate.Limiter of golang.org/x/time/rate is one, too.
	// It must be safe for concurrent use.
	RateLimiter RateLimiter

	// JSONOnly never asks for protobuf. It is for debugging, and for proxies that read along.
	JSONOnly bool

	// Compression decides whether answers are asked for in gzip. The server compresses only those
	// over 128 KB. That saves bandwidth for large lists and costs both sides CPU time: worth it over
	// the internet, and not inside a cluster. 0 means the default: unless Host is a loopback address;
	// positive means always; negative means never, as kubeconfig.InCluster sets it.
	Compression int

	// MaxRetries limits how often a request is sent again, by the rules in the package's comment.
	// 0 means DefaultMaxRetries; negative means never retry; RetryForever removes the limit.
	MaxRetries int

	// MaxObjectBytes limits one object of a list and one event of a watch, in bytes as received,
	// after decompression. A larger one is an error that wraps wire.ErrTooLarge. 0 means the
	// default, wire.DefaultMaxObjectBytes (64 MiB); negative means no limit. The limit of a call's
	// wire.Options takes precedence.
	MaxObjectBytes int

	// MaxAnswerBytes limits an answer that Do holds in memory, in bytes after decompression. A
	// larger one is an error that wraps ErrAnswerTooLarge. 0 means DefaultMaxAnswerBytes (128 MiB);
	// negative means no limit. List, Watch and Stream do not hold their answer, and have no such
	// limit. Of the answer of an error, 1 MiB is read.
	MaxAnswerBytes int

	// Namespace is the namespace of the kubeconfig's context, or of the pod. Package rest does not
	// use it. A program uses it for requests whose namespace its user did not choose.
	Namespace string

	// WrapTransport wraps the http.RoundTripper that sends the requests, to look at or change
	// requests and answers. NewClient calls it once. Wrap adds a wrapper to those that are set.
	//
	// The wrapper is called once for each attempt of a request, and for each redirect that is
	// followed, in the goroutine of the request. It sees the headers with the credentials, and the
	// bodies. It sees nothing of what happens below: proxies, TLS, and requests that HTTP/2 sends
	// again after a GOAWAY, for which it keeps req.GetBody. It keeps to the rules of
	// http.RoundTripper: it changes a clone of the request, whose context comes from the request's.
	// It returns the body of an answer 101 as it is.
	//
	// Credentials that it sets as headers are redacted like the client's own. Its errors are shown:
	// they hold no credential that was never sent. If it returns an error without having called the
	// http.RoundTripper that it wraps, the request counts as not sent, and is sent again.
	WrapTransport func(http.RoundTripper) http.RoundTripper

	// Proxy returns the proxy for a request, or nil for none: an http, https, socks5 or socks5h URL,
	// which may hold a user and a password. ProxyURL makes one of an address. nil means the proxy
	// that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY; read once, never for a loopback
	// Host), in a pod as well. The certificate of an https proxy is verified as the server's is, by
	// TLS. Proxy must be safe for concurrent use; errors that it returns must not hold credentials.
	Proxy func(*http.Request) (*url.URL, error)

	// Dial makes connections, to the proxy if there is one. nil means DefaultDial.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Logger gets retries at debug level, and faults that need attention at warn level. nil means
	// slog.Default().
	Logger *slog.Logger

	// Metrics gets measurements of each request. nil means that nothing is measured.
	Metrics *Metrics

	// Warnings is called for every warning that the server attaches to an answer, in the goroutine
	// of the request. nil means that each different warning is logged once.
	Warnings func(Warning)

	// secrets are the credentials of the client that this Config is the copy of; nil elsewhere.
	secrets *secrets

	// health replaces the intervals of HTTP/2 health checks, for tests.
	health healthCheck
}

// TLSConfig configures how the server is trusted, and the client's certificate. All data and files
// are PEM. If both data and file are set, the data is used. Files are read again when they change,
// unless one of them is a named pipe. A file may have 1 MiB.
type TLSConfig struct {
	// Insecure accepts any certificate of the server. Whoever is between client and server can then
	// read the credentials. Together with a CA it is an error.
	Insecure bool
	// ServerName is the name that the server's certificate must be valid for. "" means Host's.
	ServerName string

	// CAFile and CAData are the authorities that may have signed the server's certificate. Without
	// them the system's authorities are trusted.
	CAFile string
	CAData []byte
	// CertFile and CertData are the client's certificate, KeyFile and KeyData its key.
	CertFile string
	CertData []byte
	KeyFile  string
	KeyData  []byte
}

// Impersonation is the user that the requests are made as. Source: Kubernetes documentation,
// Authenticating, "User impersonation".
type Impersonation struct {
	// User is required if any other field is set.
	User   string
	UID    string
	Groups []string
	// Extra holds further attributes of the user, such as "scopes".
	Extra map[string][]string
}

// Copy returns a copy of c that shares no memory with it, apart from the functions, the logger
// and Credentials.
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

// Wrap adds a wrapper around what WrapTransport is. The wrapper that is added last is the outermost:
// it gets a request first, and its answer last. Without others it is next to the connections.
func (c *Config) Wrap(wrapper func(http.RoundTripper) http.RoundTripper) {
	inner := c.WrapTransport
	if inner == nil {
		c.WrapTransport = wrapper
		return
	}
	c.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		if next = inner(next); next == nil {
			return nil
		}
		return wrapper(next)
	}
}

func (c *Config) logger() *slog.Logger {
	if c.Logger != nil {
		return c.Logger
	}
	return slog.Default()
}

// retries returns how often a request is sent again: n is the request's own MaxRetries.
func (c *Config) retries(n int) int {
	for _, limit := range []int{n, c.MaxRetries} {
		switch {
		case limit < 0:
			return 0
		case limit > 0:
			return limit
		}
	}
	return DefaultMaxRetries
}

// timeout returns how long a request may take, 0 for no limit: d is the request's own Timeout.
func (c *Config) timeout(d time.Duration) time.Duration {
	if d == 0 {
		d = c.Timeout
	}
	return max(d, 0)
}
