package rest

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// redacted stands where a secret is set, so that a reader sees that it is.
const redacted = "[redacted]"

// configView is what a Config shows of itself.
type configView struct {
	Host               string
	TLS                tlsView
	BearerToken        string              `json:",omitempty"`
	BearerTokenFile    string              `json:",omitempty"`
	ImpersonateUser    string              `json:",omitempty"`
	ImpersonateUID     string              `json:",omitempty"`
	ImpersonateGroups  []string            `json:",omitempty"`
	ImpersonateExtra   map[string][]string `json:",omitempty"`
	UserAgent          string              `json:",omitempty"`
	Timeout            string              `json:",omitempty"`
	QPS                float64             `json:",omitempty"`
	Burst              int                 `json:",omitempty"`
	JSONOnly           bool                `json:",omitempty"`
	DisableCompression bool                `json:",omitempty"`
	MaxRetries         int                 `json:",omitempty"`
	Namespace          string              `json:",omitempty"`
}

// tlsView is what a TLSConfig shows of itself. Certificates are public, but nobody reads them.
type tlsView struct {
	Insecure   bool   `json:",omitempty"`
	ServerName string `json:",omitempty"`
	CAFile     string `json:",omitempty"`
	CAData     string `json:",omitempty"`
	CertFile   string `json:",omitempty"`
	CertData   string `json:",omitempty"`
	KeyFile    string `json:",omitempty"`
	KeyData    string `json:",omitempty"`
}

func (c Config) view() configView {
	v := configView{
		Host:               redactHost(c.Host),
		TLS:                c.TLS.view(),
		BearerTokenFile:    c.BearerTokenFile,
		ImpersonateUser:    c.Impersonate.User,
		ImpersonateUID:     c.Impersonate.UID,
		ImpersonateGroups:  c.Impersonate.Groups,
		ImpersonateExtra:   c.Impersonate.Extra,
		UserAgent:          c.UserAgent,
		QPS:                c.QPS,
		Burst:              c.Burst,
		JSONOnly:           c.JSONOnly,
		DisableCompression: c.DisableCompression,
		MaxRetries:         c.MaxRetries,
		Namespace:          c.Namespace,
	}
	if c.BearerToken != "" {
		v.BearerToken = redacted
	}
	if c.Timeout != 0 {
		v.Timeout = c.Timeout.String()
	}
	return v
}

func (t TLSConfig) view() tlsView {
	v := tlsView{
		Insecure:   t.Insecure,
		ServerName: t.ServerName,
		CAFile:     t.CAFile,
		CAData:     size(t.CAData),
		CertFile:   t.CertFile,
		CertData:   size(t.CertData),
		KeyFile:    t.KeyFile,
	}
	if len(t.KeyData) > 0 {
		v.KeyData = redacted
	}
	return v
}

func size(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	return fmt.Sprintf("%d bytes", len(data))
}

// redactHost hides what stands before an @: NewClient refuses such a host, yet it may be printed.
func redactHost(host string) string {
	at := strings.LastIndexByte(host, '@')
	if at < 0 {
		return host
	}
	if u, err := url.Parse(host); err == nil && u.User != nil {
		u.User = nil
		return redacted + "@" + strings.TrimPrefix(u.String(), u.Scheme+"://")
	}
	return redacted + host[at:]
}

// String shows the configuration without its secrets.
func (c Config) String() string { return fmt.Sprintf("rest.Config%+v", c.view()) }

// GoString is String: %#v must not show more.
func (c Config) GoString() string { return c.String() }

// Format is String for every verb, because fmt prints the fields of a struct for those that are
// not for strings.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is the configuration without its secrets.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON writes the configuration without its secrets; it cannot be read back.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.view()) }

// String shows the configuration without its key.
func (t TLSConfig) String() string { return fmt.Sprintf("rest.TLSConfig%+v", t.view()) }

// GoString is String: %#v must not show more.
func (t TLSConfig) GoString() string { return t.String() }

// Format is String for every verb.
func (t TLSConfig) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue is the configuration without its key.
func (t TLSConfig) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON writes the configuration without its key; it cannot be read back.
func (t TLSConfig) MarshalJSON() ([]byte, error) { return json.Marshal(t.view()) }
