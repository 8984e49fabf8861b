package rest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/internal/files"
)

// tokenSource returns the current bearer token of a Config. It is the CredentialSource of a client
// without Config.Credentials.
type tokenSource struct {
	file    string // "" if the token never changes
	log     *slog.Logger
	secrets *secrets // gets each token

	mu      sync.Mutex // guards the fields below
	current string
	checked time.Time
	logged  string // the last error, which is not logged again
	sent    *Credentials
}

func newTokenSource(cfg *Config) (*tokenSource, error) {
	s := &tokenSource{
		file: cfg.BearerTokenFile, log: cfg.logger(), secrets: cfg.secrets,
		current: strings.TrimSpace(cfg.BearerToken),
	}
	if err := validToken(s.current); err != nil {
		return nil, fmt.Errorf("BearerToken: %w", err)
	}
	s.secrets.learn(s.current)
	if s.file == "" {
		return s, nil
	}
	s.checked = time.Now()
	lasting := files.Lasting(s.file)
	token, err := readToken(s.file)
	if !lasting {
		s.file = "" // a named pipe is read once
	}
	switch {
	case err == nil:
		s.current = token
		s.secrets.learn(token)
	case s.current == "":
		return nil, err
	default:
		s.logged = err.Error()
		s.log.Warn("read the token file failed, BearerToken is used", "err", err)
	}
	return s, nil
}

// token returns the token. It reads the file again if that was last done a recheckInterval ago, or
// if now is set. If the file cannot be read, the token stays as it is.
func (s *tokenSource) token(now bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == "" || !now && time.Since(s.checked) < recheckInterval {
		return s.current
	}
	s.checked = time.Now()
	token, err := readToken(s.file)
	if err != nil {
		if text := err.Error(); text != s.logged {
			s.logged = text
			s.log.Warn("read the token file again failed, the old token is used", "err", err)
		}
		return s.current
	}
	s.current, s.logged = token, ""
	s.secrets.learn(token)
	return s.current
}

// Credentials implements CredentialSource.
func (s *tokenSource) Credentials(_ context.Context, refused *Credentials) (*Credentials, error) {
	token := s.token(refused != nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == nil || s.sent.Token != token {
		s.sent = &Credentials{Token: token}
	}
	return s.sent, nil
}

func readToken(file string) (string, error) {
	data, err := files.Read(file, files.MaxToken)
	if err != nil {
		return "", fmt.Errorf("read the token file: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", fmt.Errorf("read the token file: %q is empty", file)
	}
	if err := validToken(token); err != nil {
		return "", fmt.Errorf("read the token file %q: %w", file, err)
	}
	return token, nil
}

// validToken returns an error if the token cannot stand in a header. The error does not repeat it.
func validToken(token string) error {
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("not a token: a token is printable ASCII without spaces")
	}
	return nil
}

// hasOwn reports whether the fields of the Config hold credentials, so that Config.Credentials is
// not used.
func (c *Config) hasOwn() bool { return c.hasToken() || c.hasBasic() || c.TLS.hasCert() }

func (c *Config) hasToken() bool { return c.BearerToken != "" || c.BearerTokenFile != "" }
func (c *Config) hasBasic() bool { return c.Username != "" || c.Password != "" }

// basicHeader returns the Authorization header of Username and Password (RFC 7617), or "".
func (c *Config) basicHeader() (string, error) {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch {
	case !c.hasBasic():
		return "", nil
	case c.hasToken():
		return "", errors.New("Config.Username and Password contradict the token that is set with " +
			"them: remove one of them")
	case strings.ContainsRune(c.Username, ':'):
		return "", errors.New("Config.Username holds a colon, which Basic authentication does not allow")
	case strings.ContainsFunc(c.Username+c.Password, control):
		return "", errors.New("Config.Username or Password holds a control character")
	}
	pair := []byte(c.Username + ":" + c.Password)
	header := "Basic " + base64.StdEncoding.EncodeToString(pair)
	c.secrets.learnAuthorization(header)
	return header, nil
}

// errPlaintext is the error of a request that would send credentials unencrypted.
var errPlaintext = errors.New("the credentials would be sent unencrypted: " +
	"use https, or permit it by Config.PlaintextCredentials")

// checkPlaintext returns an error if the configuration's credentials would be sent unencrypted to
// another machine, or not at all: a client certificate needs TLS.
func (c *Config) checkPlaintext(host *url.URL) error {
	if c.safe(host) || !c.hasOwn() && c.Credentials == nil {
		return nil
	}
	return fmt.Errorf("Config.Host (server, in a kubeconfig) is %s: %w", host, errPlaintext)
}

// safe reports whether credentials may be sent to a URL.
func (c *Config) safe(to *url.URL) bool {
	return to.Scheme != "http" || loopback(to.Hostname()) || c.PlaintextCredentials
}

// checkHeader is checkPlaintext for the headers of a request, which the caller and
// Config.WrapTransport may set.
func (c *Config) checkHeader(req *http.Request) error {
	if c.safe(req.URL) {
		return nil
	}
	return checkHeaders(req.Header)
}

// checkHeaders returns an error if the headers hold credentials.
func checkHeaders(h http.Header) error {
	for _, key := range [...]string{"Authorization", "Proxy-Authorization", "Cookie"} {
		if len(h[key]) > 0 {
			return fmt.Errorf("send the header %s: %w", key, errPlaintext)
		}
	}
	return nil
}

// impersonationHeader returns the headers of an Impersonation. Source: Kubernetes documentation,
// Authenticating, "User impersonation".
func impersonationHeader(i Impersonation) (http.Header, error) {
	if i.User == "" {
		if i.UID != "" || len(i.Groups) > 0 || len(i.Extra) > 0 {
			return nil, errors.New(
				"Config.Impersonate needs a User: the server refuses a UID, groups or extras alone")
		}
		return nil, nil
	}
	h := http.Header{}
	h.Set("Impersonate-User", i.User)
	if i.UID != "" {
		h.Set("Impersonate-Uid", i.UID)
	}
	for _, group := range i.Groups {
		h.Add("Impersonate-Group", group)
	}
	for key, values := range i.Extra {
		if key == "" {
			return nil, errors.New("Config.Impersonate.Extra holds an empty key")
		}
		for _, value := range values {
			h.Add("Impersonate-Extra-"+escapeHeaderKey(key), value)
		}
	}
	for key, values := range h {
		for _, value := range values {
			control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
			if strings.ContainsFunc(value, control) {
				return nil, fmt.Errorf("%s: the value %q cannot stand in a header", key, value)
			}
		}
	}
	return h, nil
}

// escapeHeaderKey percent-encodes the characters that RFC 9110 does not allow in a header's name,
// and the percent sign, which the server decodes. It lowercases the key, as the server does.
func escapeHeaderKey(key string) string {
	const hex = "0123456789ABCDEF"
	var b []byte
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			strings.IndexByte("!#$&'*+-.^_`|~", c) >= 0:
			b = append(b, c)
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// headerToken reports whether RFC 9110 allows a header of that name.
func headerToken(name string) bool {
	forbidden := func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}
	return name != "" && textproto.TrimString(name) == name &&
		!strings.ContainsFunc(name, forbidden)
}
