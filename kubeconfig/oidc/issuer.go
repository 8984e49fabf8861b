package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/skiff-k8s/skiff/rest"
)

// The client authentication methods of OpenID Connect Core, section 9, that are spoken.
const (
	secretBasic = "client_secret_basic"
	secretPost  = "client_secret_post"
)

// maxAnswer limits what an issuer may send.
const maxAnswer = 1 << 20

// tokens is the answer of a token endpoint (OpenID Connect Core, section 12.2).
type tokens struct {
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
}

// discover returns the issuer's token endpoint, and whether the client's secret is sent to it by Basic
// authentication (OpenID Connect Discovery, sections 3 and 4).
func (s *source) discover(ctx context.Context) (endpoint string, basic bool, err error) {
	c, u, err := s.client(s.issuer)
	if err != nil {
		return "", false, err
	}
	defer c.CloseIdleConnections()
	data, err := c.Get().AbsPath(u.Path, ".well-known", "openid-configuration").DoRaw(ctx)
	if err != nil {
		return "", false, err
	}
	var found struct {
		TokenEndpoint string   `json:"token_endpoint"`
		Methods       []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := json.Unmarshal(data, &found); err != nil || found.TokenEndpoint == "" {
		return "", false, errors.New("its .well-known/openid-configuration names no token_endpoint")
	}
	// Basic is the default, and each server has to support it (RFC 6749, section 2.3.1).
	basic = slices.Contains(found.Methods, secretBasic) || !slices.Contains(found.Methods, secretPost)
	return found.TokenEndpoint, basic, nil
}

// request sends the refresh token to the token endpoint. The caller holds s.mu.
func (s *source) request(ctx context.Context, endpoint string, basic bool) (tokens, error) {
	c, u, err := s.client(endpoint)
	if err != nil {
		return tokens{}, fmt.Errorf("use its token_endpoint: %w", err)
	}
	defer c.CloseIdleConnections()
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {s.config[refreshToken]},
	}
	id, secret := s.config[clientID], s.config[clientSecret]
	r := c.Post().AbsPath(u.Path).SetHeader("Content-Type", "application/x-www-form-urlencoded")
	if basic && secret != "" {
		pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
		r.SetHeader("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	} else {
		form.Set("client_id", id)
		if secret != "" {
			form.Set("client_secret", secret)
		}
	}
	for key, values := range u.Query() {
		for _, value := range values {
			r.Param(key, value)
		}
	}
	data, err := r.Body([]byte(form.Encode())).DoRaw(ctx)
	if err != nil {
		return tokens{}, err
	}
	var answer tokens
	if err := json.Unmarshal(data, &answer); err != nil || answer.IDToken == "" {
		return tokens{}, errors.New("the token endpoint returned no id_token")
	}
	return answer, nil
}

// client returns a client of the host of a URL. Nothing but package rest speaks HTTP.
func (s *source) client(address string) (*rest.Client, *url.URL, error) {
	host, u, err := split(address)
	if err != nil {
		return nil, nil, err
	}
	c, err := rest.NewClient(&rest.Config{Host: host, TLS: s.tls, MaxAnswerBytes: maxAnswer})
	return c, u, err
}

// split returns the host of an https URL, and the URL. Anything else would show the refresh token.
func split(address string) (host string, u *url.URL, err error) {
	u, err = url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", nil, errors.New("not an https URL without a user")
	}
	return "https://" + u.Host, u, nil
}
