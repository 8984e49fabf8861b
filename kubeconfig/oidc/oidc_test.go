package oidc

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func load(t *testing.T, config string, opts ...kubeconfig.Option) rest.CredentialSource {
	t.Helper()
	c, err := kubeconfig.Parse(user(config), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c.REST.Credentials
}

func credentials(t *testing.T, s rest.CredentialSource, refused *rest.Credentials) *rest.Credentials {
	t.Helper()
	c, err := s.Credentials(t.Context(), refused)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// logged collects what is logged until the test ends.
func logged(t *testing.T) *bytes.Buffer {
	var text bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &text
}

func TestAnIDTokenIsUsedUntilItExpiresOrIsRefused(t *testing.T) {
	log := logged(t)
	i := newIssuer(t)
	valid := i.sign(time.Now().Add(time.Hour))
	s := load(t, i.config(idToken, valid))
	c := credentials(t, s, nil)
	if c.Token != valid || len(i.asked) != 0 || time.Until(c.Expires) < time.Hour-time.Minute {
		t.Errorf("%v, after %d refreshes", c, len(i.asked))
	}
	next := credentials(t, s, c)
	if next.Token == valid || len(i.asked) != 1 || credentials(t, s, nil) != next {
		t.Errorf("after a refusal: %v, after %d refreshes", next, len(i.asked))
	}
	for name, token := range map[string]string{
		"expired": i.sign(time.Now().Add(-time.Minute)), "about to expire": i.sign(time.Now().Add(early / 2)), "none": "",
	} {
		i.refresh = "refresh-token-0"
		i.asked = nil
		if c := credentials(t, load(t, i.config(idToken, token)), nil); c.Token == token || len(i.asked) != 1 {
			t.Errorf("%s: %v, after %d refreshes", name, c, len(i.asked))
		}
	}
	if c := credentials(t, load(t, i.config(idToken, "opaque-token")), nil); c.Token != "opaque-token" || !c.Expires.IsZero() {
		t.Errorf("a token that says nothing of its expiry: %v", c)
	}
	if text := fmt.Sprint(s); text != "the auth-provider oidc of "+i.address() {
		t.Error(text)
	}
	if n := strings.Count(log.String(), "save the new tokens failed"); n != 4 || !strings.Contains(log.String(), "not a file") || strings.Contains(log.String(), "refresh-token-1") {
		t.Errorf("logged %d times: %s", n, log.String())
	}
}

// The next refresh is with the refresh token that the last one returned.
func TestARefreshTokenIsReplaced(t *testing.T) {
	log := logged(t)
	i := newIssuer(t)
	var saved []kubeconfig.Saved
	s := load(t, i.config(), kubeconfig.WithSaver(func(s kubeconfig.Saved) error {
		saved = append(saved, s)
		if len(saved) == 2 {
			return errors.New("no space left for " + s.Config[refreshToken])
		}
		return nil
	}))
	first := credentials(t, s, nil)
	second := credentials(t, s, first)
	if len(i.asked) != 2 || i.asked[0].Get("refresh_token") != "refresh-token-0" || i.asked[1].Get("refresh_token") != "refresh-token-1" {
		t.Errorf("the issuer was asked %v", i.asked)
	}
	if len(saved) != 2 || saved[0].User != "usr" || saved[0].File != "" || saved[0].Config[refreshToken] != "refresh-token-1" ||
		saved[0].Config[idToken] != first.Token || saved[1].Config[idToken] != second.Token || saved[1].Config[clientID] != "kubernetes" {
		t.Errorf("saved %v", saved)
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "no space left for [redacted]") {
		t.Errorf("logged: %s", text)
	}
}

// As with kubectl, the kubeconfig holds the new tokens, for the next process.
func TestNewTokensAreWrittenToTheKubeconfig(t *testing.T) {
	log := logged(t)
	i := newIssuer(t)
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, user(i.config("unknown", "kept")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(path))
	next := func() *rest.Credentials {
		t.Helper()
		cfg, err := kubeconfig.Load("config")
		if err != nil {
			t.Fatal(err)
		}
		t.Chdir(t.TempDir())
		defer t.Chdir(filepath.Dir(path))
		return credentials(t, cfg.Credentials, nil)
	}
	c := next()
	if again := next(); again.Token != c.Token || len(i.asked) != 1 {
		t.Errorf("the next process asks the issuer again: %v", i.asked)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "refresh-token-1") || strings.Contains(string(text), "refresh-token-0") || !strings.Contains(string(text), "kept") {
		t.Errorf("the file is %s, %v", text, err)
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", log)
	}
	cfg, err := kubeconfig.Load("config")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("kind: Config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	credentials(t, cfg.Credentials, credentials(t, cfg.Credentials, nil))
	if !strings.Contains(log.String(), `no longer in`) || strings.Contains(log.String(), "refresh-token-2") {
		t.Errorf("logged: %s", log)
	}
}

// kubectl has used the refresh token meanwhile, and has written what it got to the file.
func TestTokensThatAnotherProcessGot(t *testing.T) {
	for name, test := range map[string]struct {
		write []string // what the file has by now
		asked int      // how often the issuer is asked
		want  string   // the token, or the error
	}{
		"an ID token":       {[]string{refreshToken, "refresh-token-7", idToken, "NEW"}, 1, "NEW"},
		"a refresh token":   {[]string{refreshToken, "refresh-token-7", idToken, expired}, 2, "ISSUED"},
		"the same":          {nil, 1, "invalid_grant"},
		"another old one":   {[]string{refreshToken, "refresh-token-5"}, 2, "invalid_grant"},
		"of another issuer": {[]string{issuerURL, "https://other.example", refreshToken, "refresh-token-7"}, 1, "invalid_grant"},
	} {
		log := logged(t)
		i := newIssuer(t)
		path := filepath.Join(t.TempDir(), "config")
		write := func(more ...string) {
			if err := os.WriteFile(path, user(i.config(more...)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write()
		cfg, err := kubeconfig.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		i.refresh = "refresh-token-7" // which another process got
		fresh := i.sign(time.Now().Add(time.Hour))
		if n := slices.Index(test.write, "NEW"); n >= 0 {
			test.write[n] = fresh
		}
		write(test.write...)
		c, err := cfg.Credentials.Credentials(t.Context(), nil)
		switch {
		case len(i.asked) != test.asked:
			t.Errorf("%s: the issuer was asked %v", name, i.asked)
		case test.want == "invalid_grant":
			if err == nil || strings.Count(err.Error(), test.want) != 1 || strings.Contains(err.Error(), "refresh-token") {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || (c.Token == fresh) != (test.want == "NEW"):
			t.Errorf("%s: %v, %v", name, c, err)
		case test.want == "NEW" && credentials(t, cfg.Credentials, c).Token == fresh:
			t.Errorf("%s: the token is used again after it was refused", name)
		}
		if log.Len() > 0 {
			t.Errorf("%s: logged %s", name, log)
		}
	}
}

// How a client names itself: OpenID Connect Core, section 9.
func TestHowTheClientsSecretIsSent(t *testing.T) {
	logged(t)
	i := newIssuer(t)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("kubernetes:secret+of%3Aclient"))
	for name, test := range map[string]struct {
		methods      []string
		secret       string
		header       string
		form, formID string
	}{
		"unknown":     {nil, "secret of:client", basic, "", ""},
		"basic":       {[]string{secretPost, secretBasic}, "secret of:client", basic, "", ""},
		"others":      {[]string{"private_key_jwt"}, "secret of:client", basic, "", ""},
		"post":        {[]string{secretPost}, "secret of:client", "", "secret of:client", "kubernetes"},
		"none":        {nil, "", "", "", "kubernetes"},
		"none, basic": {[]string{secretBasic}, "", "", "", "kubernetes"},
	} {
		i.refresh, i.asked, i.headers = "refresh-token-0", nil, nil
		i.discovery["token_endpoint_auth_methods_supported"] = test.methods
		credentials(t, load(t, i.config(clientSecret, test.secret)), nil)
		form, header := i.asked[0], i.headers[0]
		if header.Get("Authorization") != test.header || form.Get("client_secret") != test.form || form.Get("client_id") != test.formID ||
			form.Get("grant_type") != "refresh_token" || header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s: the issuer got %v, %v", name, form, header)
		}
	}
}

func TestARefreshThatFailsSaysWhyWithoutSecrets(t *testing.T) {
	for name, test := range map[string]struct {
		set    func(*issuer)
		config []string
		want   string
	}{
		"refused":       {func(*issuer) {}, []string{refreshToken, "old refresh/token"}, "invalid_grant\",\"error_description\":\"the token [redacted] is unknown\"}; log in again"},
		"echoed":        {says(500, "secret of:client, secret+of%3Aclient, refresh-token-0"), nil, "[redacted], [redacted], [redacted]"},
		"no ID token":   {says(200, `{"access_token":"a"}`), nil, "returned no id_token"},
		"no JSON":       {says(200, `hello`), nil, "returned no id_token"},
		"no endpoint":   {func(i *issuer) { delete(i.discovery, "token_endpoint") }, nil, "names no token_endpoint"},
		"http endpoint": {func(i *issuer) { i.discovery["token_endpoint"] = "http://issuer.example/token" }, nil, "not an https URL"},
		"no discovery":  {func(*issuer) {}, []string{issuerURL, "URL/other"}, "could not find"},
		"no CA":         {func(*issuer) {}, []string{caData, ""}, "certificate"},
		"no refresh":    {func(*issuer) {}, []string{refreshToken, "", idToken, expired}, "log in again"},
	} {
		i := newIssuer(t)
		test.set(i)
		for n := range test.config {
			test.config[n] = strings.Replace(test.config[n], "URL", i.URL, 1)
		}
		_, err := load(t, i.config(test.config...)).Credentials(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), i.URL) {
			t.Errorf("%s: %v, not %q", name, err, test.want)
			continue
		}
		for _, secret := range []string{"refresh-token-0", "secret of", "secret+of", "old refresh", "old+refresh"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: it shows %q: %v", name, secret, err)
			}
		}
	}
}

// expired is an ID token of 2001, without a signature.
var expired = "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1000000000}`)) + ".x"

func says(code int, text string) func(*issuer) {
	return func(i *issuer) {
		i.answer = func(w http.ResponseWriter, _ url.Values) bool {
			w.WriteHeader(code)
			fmt.Fprint(w, text)
			return true
		}
	}
}

// An ID token that is refused while there is no refresh token: the reason is an error, not a loop.
func TestWithoutARefreshTokenThereIsOneIDToken(t *testing.T) {
	i := newIssuer(t)
	s := load(t, i.config(refreshToken, "", idToken, i.sign(time.Now().Add(time.Hour))))
	c := credentials(t, s, nil)
	if _, err := s.Credentials(t.Context(), c); err == nil || !strings.Contains(err.Error(), "log in again") {
		t.Errorf("error: %v", err)
	}
}

// Requests share a refresh. If all of them are canceled meanwhile, its refresh token is not lost.
func TestARefreshIsSharedAndItsTokenIsKept(t *testing.T) {
	logged(t)
	i := newIssuer(t)
	asked, release := make(chan struct{}, 2), make(chan struct{})
	i.answer = func(http.ResponseWriter, url.Values) bool {
		asked <- struct{}{}
		<-release
		return false
	}
	s := load(t, i.config())
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := s.Credentials(ctx, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("error: %v", err)
			}
		})
	}
	<-asked
	cancel()
	all.Wait()
	close(release)
	c := credentials(t, s, nil)
	if len(i.asked) != 1 {
		t.Errorf("the issuer was asked %v", i.asked)
	}
	if credentials(t, s, c); len(i.asked) != 2 || i.asked[1].Get("refresh_token") != "refresh-token-1" {
		t.Errorf("the issuer was asked %v", i.asked)
	}
}

func TestConfigsThatAreWrong(t *testing.T) {
	i := newIssuer(t)
	for name, test := range map[string]struct {
		config []string
		want   string
	}{
		"no issuer":     {[]string{issuerURL, ""}, "no idp-issuer-url"},
		"no client":     {[]string{clientID, ""}, "no client-id"},
		"no token":      {[]string{refreshToken, ""}, "neither id-token nor refresh-token"},
		"http issuer":   {[]string{issuerURL, "http://issuer.example"}, "not an https URL"},
		"issuer's user": {[]string{issuerURL, "https://joe:hunter2@issuer.example"}, "not an https URL"},
		"no URL":        {[]string{issuerURL, "https://hunter2%"}, "not an https URL"},
		"CA":            {[]string{caData, "hunter2?"}, "idp-certificate-authority-data is not base64"},
	} {
		_, err := kubeconfig.Parse(user(i.config(test.config...)))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), `its auth-provider "oidc": `) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, not %q", name, err, test.want)
		}
	}
}

// The authority of an issuer in a file, whose path is relative to the kubeconfig.
func TestTheAuthorityOfAnIssuerInAFile(t *testing.T) {
	logged(t)
	i := newIssuer(t)
	dir := t.TempDir()
	for name, data := range map[string][]byte{"issuer.crt": i.ca(), "config": user(i.config(caData, "", caFile, "issuer.crt"))} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := kubeconfig.Load(filepath.Join(dir, "config"))
	if err != nil {
		t.Fatal(err)
	}
	credentials(t, cfg.Credentials, nil)
}

func FuzzExpiry(f *testing.F) {
	f.Add(expired)
	f.Add("a.b")
	f.Add("." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1e300}`)) + ".")
	f.Fuzz(func(t *testing.T, token string) {
		if e := expiry(token); !e.IsZero() && e.Before(time.Unix(-int64(early/time.Second), 0)) {
			t.Error(e)
		}
	})
}
