package rest

import (
	"net/http"
	"strings"
	"testing"
)

// Credentials are not sent unencrypted, except to this machine or by permission.
func TestCredentialsAreNotSentUnencrypted(t *testing.T) {
	file := writeFile(t, "token", []byte("file-token"))
	certPEM, keyPEM := newAuthority(t, "x").issue(t, "joe")
	credentials := map[string]func(*Config){
		"a token":       func(c *Config) { c.BearerToken = "some-token" },
		"a token file":  func(c *Config) { c.BearerTokenFile = file },
		"a password":    func(c *Config) { c.Username, c.Password = "joe", "some-password" },
		"a source":      func(c *Config) { c.Credentials = &renewing{} },
		"a certificate": func(c *Config) { c.TLS.CertData, c.TLS.KeyData = certPEM, keyPEM },
	}
	hosts := map[string]bool{ // whether it is refused
		"http://server.example":        true,
		"HTTP://server.example:8080":   true,
		"http://10.0.0.1":              true,
		"http://[2001:db8::1]:80":      true,
		"http://0.0.0.0":               true,
		"http://localhost.example":     true,
		"http://128.0.0.1":             true,
		"http://126.255.255.255":       true,
		"https://server.example":       false,
		"server.example":               false, // https
		"http://localhost:8080":        false,
		"http://LOCALHOST:8080":        false,
		"http://127.0.0.1":             false,
		"http://127.255.255.255":       false,
		"http://[::1]:8001":            false,
		"http://[::ffff:127.0.0.1]:80": false,
	}
	for name, set := range credentials {
		for host, refused := range hosts {
			cfg := &Config{Host: host, Logger: quiet()}
			set(cfg)
			_, err := NewClient(cfg)
			if (err != nil) != refused {
				t.Errorf("%s to %s: %v", name, host, err)
			}
			if refused && err != nil {
				mustContain(t, err.Error(), "unencrypted", "https", "Config.PlaintextCredentials", strings.ToLower(host))
			}
			cfg.PlaintextCredentials = true
			if _, err := NewClient(cfg); err != nil {
				t.Errorf("%s to %s, permitted: %v", name, host, err)
			}
		}
	}
	if _, err := NewClient(&Config{Host: "http://server.example"}); err != nil {
		t.Errorf("without credentials: %v", err)
	}
}

// Nor are those that a caller or a wrapped transport sets. The request is made once.
func TestHeadersOfCredentialsAreNotSentUnencrypted(t *testing.T) {
	net := newPipeNet()
	cfg, stop := net.serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Authorization"])+len(r.Header["Cookie"]) > 0 {
			t.Errorf("the server got %v", r.Header)
		}
	})
	defer stop()
	calls, wrapped := 0, ""
	cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			calls++
			if wrapped != "" {
				req = req.Clone(req.Context())
				req.Header.Set(wrapped, "Basic am9lOnNlY3JldA==")
			}
			return next.RoundTrip(req)
		})
	}
	c := newClient(t, cfg)
	defer c.CloseIdleConnections()
	for _, test := range []struct{ own, wrapped string }{
		{"Authorization", ""}, {"Cookie", ""}, {"", "Authorization"}, {"", "Proxy-Authorization"},
	} {
		calls, wrapped = 0, test.wrapped
		r := c.Post().Resource("pods").Body([]byte("{}"))
		if test.own != "" {
			r.SetHeader(test.own, "Bearer some-token")
		}
		err := r.Do(t.Context()).Error()
		if err == nil || calls != 1 {
			t.Errorf("%+v: %v, after %d tries", test, err, calls)
			continue
		}
		mustContain(t, err.Error(), "unencrypted", test.own+test.wrapped)
	}
	wrapped = ""
	if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
		t.Errorf("without credentials: %v", err)
	}
}

// A redirect from https to http, which looks like the same host, does not get the token.
func TestARedirectToPlaintextIsNotFollowed(t *testing.T) {
	n := 0
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		if n++; n > 1 {
			t.Errorf("%s gets %v", req.URL, req.Header)
		}
		return answer(req, 302, "", "Location", "http://server.example/api/v1/pods"), nil
	}, func(cfg *Config) { cfg.BearerToken = "some-token" })
	err := c.Get().Resource("pods").Do(t.Context()).Error()
	if err == nil {
		t.Fatal("it is followed")
	}
	mustContain(t, err.Error(), "http://server.example", "not followed")
}
