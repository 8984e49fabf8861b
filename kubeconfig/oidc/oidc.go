// Package oidc lets package kubeconfig use the auth-provider "oidc": the ID tokens of an OpenID
// Connect provider, and its refresh tokens. A program links it by an import:
//
//	import _ "github.com/skiff-k8s/skiff/kubeconfig/oidc"
//
// It is for kubeconfigs that "kubectl config set-credentials --auth-provider=oidc" wrote (Kubernetes
// documentation, "Authenticating", "OpenID Connect Tokens"). The fields of the auth-provider's config
// are id-token, refresh-token, idp-issuer-url, client-id, client-secret, and
// idp-certificate-authority-data or idp-certificate-authority for an issuer whose authority the
// system does not trust. Unknown fields are ignored.
//
// The ID token is sent until it expires, or until the server refuses it. Then the refresh token gets
// another one from the issuer, whose token endpoint is found by OpenID Connect Discovery. All requests
// that wait share one refresh. Issuer and token endpoint are https.
//
// The new tokens are written to the kubeconfig, as kubectl does, by package kubeconfig/edit under
// kubectl's lock: an issuer may return another refresh token, too, and refuse the old one from then
// on. If the issuer refuses the refresh token (invalid_grant), the kubeconfig is read again, because
// another process may have used it: the tokens that are there now are used before the refresh fails.
// With [kubeconfig.WithSaver], that function is called instead. If the tokens cannot be written, or
// the kubeconfig is not a file, they are kept in memory, and a warning is logged.
package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/kubeconfig/edit"
	"github.com/skiff-k8s/skiff/rest"
)

func init() { kubeconfig.RegisterAuthProvider("oidc", newSource) }

// The fields of the auth-provider's config.
const (
	idToken      = "id-token"
	refreshToken = "refresh-token"
	issuerURL    = "idp-issuer-url"
	clientID     = "client-id"
	clientSecret = "client-secret"
	caFile       = "idp-certificate-authority"
	caData       = "idp-certificate-authority-data"
)

// invalidGrant is the error of a refresh token that is not valid any more (RFC 6749, section 5.2).
const invalidGrant = "invalid_grant"

const (
	// refreshTimeout limits a refresh. It is not ended with the requests that wait for it: a refresh
	// token can often be used only once, and the answer holds the next one.
	refreshTimeout = 30 * time.Second
	// early is how long before its expiry an ID token is replaced.
	early = 10 * time.Second
)

// source is the CredentialSource of one user.
type source struct {
	rest.CredentialSource
	issuer string
	tls    rest.TLSConfig
	given  kubeconfig.AuthProvider

	mu      sync.Mutex // held for a whole refresh; guards the fields below
	config  map[string]string
	offered string // the ID token that was returned last
}

func newSource(p kubeconfig.AuthProvider) (rest.CredentialSource, error) {
	s := &source{
		issuer: strings.TrimSuffix(p.Config[issuerURL], "/"), config: p.Config, given: p,
	}
	for _, field := range []string{issuerURL, clientID} {
		if p.Config[field] == "" {
			return nil, fmt.Errorf("its config has no %s", field)
		}
	}
	if p.Config[idToken] == "" && p.Config[refreshToken] == "" {
		return nil, fmt.Errorf("its config has neither %s nor %s: log in again", idToken, refreshToken)
	}
	if _, _, err := split(s.issuer); err != nil {
		return nil, fmt.Errorf("its %s: %w", issuerURL, err)
	}
	if data := p.Config[caData]; data != "" {
		pem, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return nil, fmt.Errorf("its %s is not base64: encode the PEM file again", caData)
		}
		s.tls.CAData = pem
	} else if file := p.Config[caFile]; file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(p.Folder, file)
		}
		s.tls.CAFile = file
	}
	s.CredentialSource = rest.CacheCredentials(s.fetch)
	return s, nil
}

// String names the source in errors.
func (s *source) String() string { return "the auth-provider oidc of " + s.issuer }

// fetch returns an ID token that it has not returned before: the one in the kubeconfig at first, if
// it has not expired, and then one that the issuer returns.
func (s *source) fetch(waited context.Context) (*rest.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.config[idToken]
	expires := expiry(token)
	if token == "" || token == s.offered || !expires.IsZero() && !time.Now().Before(expires) {
		if s.config[refreshToken] == "" {
			return nil, fmt.Errorf("the id-token of %s is not valid any more, and there is no %s: "+
				"log in again", s.issuer, refreshToken)
		}
		ctx, cancel := context.WithTimeoutCause(context.Background(), refreshTimeout,
			fmt.Errorf("the issuer did not answer within %v", refreshTimeout))
		defer cancel()
		if err := s.renew(ctx); err != nil {
			return nil, fmt.Errorf("refresh the id-token at %s: %w", s.issuer, err)
		}
		token = s.config[idToken]
		expires = expiry(token)
	}
	if waited.Err() == nil { // otherwise it is for the next call
		s.offered = token
	}
	return &rest.Credentials{Token: token, Expires: expires}, nil
}

// renew gets another ID token, from the issuer or from the kubeconfig. The caller holds s.mu. Its
// errors are clean.
func (s *source) renew(ctx context.Context) error {
	err := s.clean(s.refresh(ctx))
	if err == nil || !strings.Contains(err.Error(), invalidGrant) {
		return err
	}
	if !s.reload(ctx) {
		return err
	}
	expires := expiry(s.config[idToken])
	if s.config[idToken] != s.offered && time.Now().Before(expires) {
		return nil
	}
	return s.clean(s.refresh(ctx))
}

// reload takes the tokens that the kubeconfig has by now. It reports whether there are others. The
// caller holds s.mu.
func (s *source) reload(ctx context.Context) (changed bool) {
	if s.given.File == "" || s.given.Save != nil {
		return false
	}
	err := edit.Modify(ctx, s.given.File, func(c *edit.Config) error {
		fields, _ := c.Fields(edit.User, s.given.User)
		provider, _ := fields["auth-provider"].(map[string]any)
		config, _ := provider["config"].(map[string]any)
		if issuer, _ := config[issuerURL].(string); strings.TrimSuffix(issuer, "/") != s.issuer {
			return nil
		}
		for _, field := range []string{idToken, refreshToken} {
			if token, _ := config[field].(string); token != "" && token != s.config[field] {
				s.config[field], changed = token, true
			}
		}
		return nil
	})
	if err != nil {
		slog.Warn("read the kubeconfig again failed, its tokens may be newer than those that the "+
			"issuer refused", "issuer", s.issuer, "err", s.clean(err))
	}
	return changed
}

// refresh gets another ID token. The caller holds s.mu.
func (s *source) refresh(ctx context.Context) error {
	endpoint, basic, err := s.discover(ctx)
	if err != nil {
		return err
	}
	answer, err := s.request(ctx, endpoint, basic)
	if err != nil {
		return err
	}
	s.config[idToken] = answer.IDToken
	if answer.RefreshToken != "" {
		s.config[refreshToken] = answer.RefreshToken
	}
	if err := s.save(ctx); err != nil {
		slog.Warn("save the new tokens failed, they are kept in memory: the issuer may refuse the "+
			"kubeconfig's refresh-token from now on", "issuer", s.issuer, "err", s.clean(err))
	}
	return nil
}

// save keeps the config for the next process.
func (s *source) save(ctx context.Context) error {
	switch {
	case s.given.Save != nil:
		return s.given.Save(s.config)
	case s.given.File == "":
		return errors.New("the kubeconfig is not a file, and there is no kubeconfig.WithSaver")
	}
	return edit.Modify(ctx, s.given.File, func(c *edit.Config) error {
		if !slices.Contains(c.Names(edit.User), s.given.User) {
			return fmt.Errorf("the user %q is no longer in %q", s.given.User, s.given.File)
		}
		config := map[string]any{}
		for key, value := range s.config {
			config[key] = value
		}
		return c.Set(edit.User, s.given.User, map[string]any{
			"auth-provider": map[string]any{"name": "oidc", "config": config},
		})
	})
}

// clean returns an error with what the issuer said (RFC 6749, section 5.2), and without the secrets of
// the config, which an issuer may repeat.
func (s *source) clean(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if status := (apierrors.APIStatus)(nil); errors.As(err, &status) {
		if details := status.Status().Details; details != nil {
			for _, cause := range details.Causes {
				if !strings.Contains(text, cause.Message) {
					text += ": " + strings.TrimSpace(cause.Message)
				}
			}
		}
	}
	if strings.Contains(text, invalidGrant) {
		text += "; log in again"
	}
	for _, field := range []string{idToken, refreshToken, clientSecret} {
		if secret := s.config[field]; len(secret) > 3 {
			text = strings.ReplaceAll(text, secret, "[redacted]")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "[redacted]")
		}
	}
	return errors.New(text)
}

// expiry returns when an ID token is to be replaced, or zero if it does not say. The signature is for
// the API server to verify.
func expiry(token string) time.Time {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(data, &claims) != nil || claims.Expires <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(min(claims.Expires, 1<<40)), 0).Add(-early)
}
