package rest

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// redacted replaces a secret, so that a reader sees that one is set.
const redacted = "[redacted]"

// configView holds the fields of a Config that may be shown.
type configView struct {
	Host                 string
	TLS                  tlsView
	BearerToken          string              `json:",omitempty"`
	BearerTokenFile      string              `json:",omitempty"`
	Username             string              `json:",omitempty"`
	Password             string              `json:",omitempty"`
	Credentials          string              `json:",omitempty"`
	PlaintextCredentials bool                `json:",omitempty"`
	ImpersonateUser      string              `json:",omitempty"`
	ImpersonateUID       string              `json:",omitempty"`
	ImpersonateGroups    []string            `json:",omitempty"`
	ImpersonateExtra     map[string][]string `json:",omitempty"`
	UserAgent            string              `json:",omitempty"`
	Timeout              string              `json:",omitempty"`
	SilenceTimeout       time.Duration       `json:",omitempty"`
	QPS                  float64             `json:",omitempty"`
	Burst                int                 `json:",omitempty"`
	JSONOnly             bool                `json:",omitempty"`
	Compression          int                 `json:",omitempty"`
	MaxRetries           int                 `json:",omitempty"`
	MaxObjectBytes       int                 `json:",omitempty"`
	MaxAnswerBytes       int                 `json:",omitempty"`
	Namespace            string              `json:",omitempty"`
}

// tlsView holds the fields of a TLSConfig that may be shown. Of certificates it shows the size.
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
		Host:                 redactHost(c.Host),
		TLS:                  c.TLS.view(),
		BearerTokenFile:      c.BearerTokenFile,
		Username:             c.Username,
		PlaintextCredentials: c.PlaintextCredentials,
		ImpersonateUser:      c.Impersonate.User,
		ImpersonateUID:       c.Impersonate.UID,
		ImpersonateGroups:    c.Impersonate.Groups,
		ImpersonateExtra:     c.Impersonate.Extra,
		UserAgent:            c.UserAgent,
		QPS:                  c.QPS,
		Burst:                c.Burst,
		JSONOnly:             c.JSONOnly,
		Compression:          c.Compression,
		SilenceTimeout:       c.SilenceTimeout,
		MaxRetries:           c.MaxRetries,
		MaxObjectBytes:       c.MaxObjectBytes,
		MaxAnswerBytes:       c.MaxAnswerBytes,
		Namespace:            c.Namespace,
	}
	if c.BearerToken != "" {
		v.BearerToken = redacted
	}
	if c.Password != "" {
		v.Password = redacted
	}
	if c.Credentials != nil {
		v.Credentials = sourceName(c.Credentials)
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

// sourceName returns the name of a source: its String, or its type.
func sourceName(s CredentialSource) string {
	if named, ok := s.(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("%T", s)
}

func size(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	return fmt.Sprintf("%d bytes", len(data))
}

// redactHost hides the part of a host before an @. NewClient refuses such a host, but it may be
// printed.
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

// String returns the configuration without its secrets.
func (c Config) String() string { return fmt.Sprintf("rest.Config%+v", c.view()) }

// GoString returns String, so that %#v does not show the secrets.
func (c Config) GoString() string { return c.String() }

// Format writes String for every verb, because fmt prints the fields of a struct for verbs that are
// not for strings.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns the configuration without its secrets.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON returns the configuration without its secrets. It cannot be unmarshaled.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.view()) }

// String returns the configuration without its key.
func (t TLSConfig) String() string { return fmt.Sprintf("rest.TLSConfig%+v", t.view()) }

// GoString returns String, so that %#v does not show the secrets.
func (t TLSConfig) GoString() string { return t.String() }

// Format writes String for every verb.
func (t TLSConfig) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue returns the configuration without its key.
func (t TLSConfig) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON returns the configuration without its key. It cannot be unmarshaled.
func (t TLSConfig) MarshalJSON() ([]byte, error) { return json.Marshal(t.view()) }
