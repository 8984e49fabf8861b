package rest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Config says where an API server is, how to trust it, and who is asking.
type Config struct {
	Host            string
	TLS             TLSConfig
	BearerToken     string
	BearerTokenFile string
	Impersonate     Impersonation
	UserAgent       string
	Timeout         time.Duration
	QPS             float64
	Burst           int
	JSONOnly        bool
	MaxRetries      int
	// DisableCompression makes the client not ask for gzip.
	DisableCompression bool
	Namespace          string
	WrapTransport      func(http.RoundTripper) http.RoundTripper
	Dial               func(ctx context.Context, network, addr string) (net.Conn, error)
	Logger             *slog.Logger
	Warnings           func(Warning)
}

// TLSConfig says how the server is trusted and which certificate the client shows.
type TLSConfig struct {
	Insecure                  bool
	ServerName                string
	CAFile, CertFile, KeyFile string
	CAData, CertData, KeyData []byte
}

// Impersonation is who the requests are made as.
type Impersonation struct {
	User   string
	UID    string
	Groups []string
	Extra  map[string][]string
}

// Warning is one warning of the server (RFC 7234, code 299).
type Warning struct {
	Agent string
	Text  string
}

// Copy returns a deep copy.
func (c *Config) Copy() *Config { panic("rest: not written yet") }
