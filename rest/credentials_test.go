package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// sourceFunc is a source that is only a function.
type sourceFunc func(ctx context.Context, refused *Credentials) (*Credentials, error)

func (f sourceFunc) Credentials(ctx context.Context, refused *Credentials) (*Credentials, error) {
	return f(ctx, refused)
}

func (sourceFunc) String() string { return "the test's source" }

// renewing is a source whose credentials have a number, which a refusal increases up to last.
type renewing struct {
	mu    sync.Mutex
	last  int
	all   []*Credentials
	asked int
}

func (r *renewing) Credentials(_ context.Context, refused *Credentials) (*Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	n := len(r.all)
	if n == 0 || refused == r.all[n-1] && n < r.last {
		r.all = append(r.all, &Credentials{Token: fmt.Sprintf("renewed-token-%d", n+1)})
	}
	return r.all[len(r.all)-1], nil
}

const unauthorized = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`

// After a 401 the source is asked for others, and any request is sent once more with them.
func TestCredentialsAreRenewedAfterA401(t *testing.T) {
	for _, test := range []struct {
		last, code int
		want       []string
	}{
		{2, 200, []string{"Bearer renewed-token-1", "Bearer renewed-token-2"}},
		{2, 401, []string{"Bearer renewed-token-1", "Bearer renewed-token-2"}},
		{9, 401, []string{"Bearer renewed-token-1", "Bearer renewed-token-2"}}, // once more, not until it is accepted
		{1, 200, []string{"Bearer renewed-token-1"}},                           // it has no others
	} {
		s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){
			says(401, unauthorized), says(test.code, strings.Replace(unauthorized, "Unauthorized", "again", 1)),
		}}
		c := fakeClient(t, s.RoundTrip, func(cfg *Config) { cfg.Credentials = &renewing{last: test.last} })
		err := c.Post().Resource("pods").Body([]byte("{}")).Do(t.Context()).Error()
		if failed := test.code == 401 || test.last == 1; failed != apierrors.IsUnauthorized(err) {
			t.Errorf("%+v: %v", test, err)
		}
		if !slices.Equal(s.tokens, test.want) {
			t.Errorf("%+v: the server saw %q", test, s.tokens)
		}
		if test.last == 1 && err != nil {
			mustContain(t, err.Error(), "*rest.renewing")
		}
	}
}

func TestARequestWithoutCredentialsIsNotSent(t *testing.T) {
	cause := errors.New("no login")
	for name, source := range map[string]sourceFunc{
		"error":      func(context.Context, *Credentials) (*Credentials, error) { return nil, cause },
		"nil":        func(context.Context, *Credentials) (*Credentials, error) { return nil, nil },
		"not ASCII":  func(context.Context, *Credentials) (*Credentials, error) { return &Credentials{Token: "a\nb"}, nil },
		"with space": func(context.Context, *Credentials) (*Credentials, error) { return &Credentials{Token: "a b"}, nil },
	} {
		asked := 0
		c := fakeClient(t, func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: the request is sent", name)
			return nil, io.EOF
		}, func(cfg *Config) {
			cfg.Credentials = sourceFunc(func(ctx context.Context, refused *Credentials) (*Credentials, error) {
				asked++
				return source(ctx, refused)
			})
		})
		err := c.Get().Resource("pods").Do(t.Context()).Error()
		if err == nil || asked != 1 || (name == "error") != errors.Is(err, cause) {
			t.Errorf("%s: %v, asked %d times", name, err, asked)
			continue
		}
		mustContain(t, err.Error(), "list pods at https://server.example: get the credentials: ")
	}
}

// If the source fails after a 401, the caller gets the 401, and the log the reason.
func TestAFailureToRenewIsLogged(t *testing.T) {
	var log logBuffer
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) { return answer(req, 401, unauthorized), nil },
		func(cfg *Config) {
			cfg.Logger = log.logger()
			cfg.Credentials = sourceFunc(func(_ context.Context, refused *Credentials) (*Credentials, error) {
				if refused != nil {
					return nil, fmt.Errorf("the login %s is over", refused.Token)
				}
				return &Credentials{Token: "first-token"}, nil
			})
		})
	if err := c.Get().Resource("pods").Do(t.Context()).Error(); !apierrors.IsUnauthorized(err) {
		t.Errorf("error: %v", err)
	} else {
		mustContain(t, err.Error(), "the test's source")
	}
	mustContain(t, log.String(), "level=WARN", "get new credentials failed", "the login [redacted] is over")
}

// The fields of a Config take precedence, so that a program's own token replaces a kubeconfig's plugin.
func TestTheFieldsOfAConfigTakePrecedenceOverItsSource(t *testing.T) {
	cert, key := newAuthority(t, "x").issue(t, "joe")
	for name, set := range map[string]func(*Config){
		"token":       func(c *Config) { c.BearerToken = "own-token" },
		"token file":  func(c *Config) { c.BearerTokenFile = writeFile(t, "token", []byte("own-token")) },
		"username":    func(c *Config) { c.Username = "joe" },
		"password":    func(c *Config) { c.Password = "own-password" },
		"certificate": func(c *Config) { c.TLS.CertData, c.TLS.KeyData = cert, key },
	} {
		c := fakeClient(t, func(req *http.Request) (*http.Response, error) { return answer(req, 200, "{}"), nil }, func(cfg *Config) {
			cfg.Credentials = sourceFunc(func(context.Context, *Credentials) (*Credentials, error) {
				t.Errorf("%s: the source is asked", name)
				return nil, io.EOF
			})
			set(cfg)
		})
		if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a source returned before is not shown either, nor what it returns.
func TestTheTokensOfASourceAreNotShown(t *testing.T) {
	r := &renewing{last: 3}
	text := ""
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		text += req.Header.Get("Authorization") + " "
		return answer(req, 401, text, "Content-Type", "text/plain"), nil
	}, func(cfg *Config) { cfg.Credentials = r })
	for range 2 {
		err := c.Get().Resource("pods").Do(t.Context()).Error()
		if err == nil || strings.Contains(err.Error(), "renewed-token") {
			t.Errorf("error: %v", err)
		}
	}
	if len(r.all) != 3 {
		t.Errorf("%d credentials were used", len(r.all))
	}
	if err := c.Redact(errors.New("renewed-token-1, renewed-token-3")); strings.Contains(err.Error(), "token-") {
		t.Error(err)
	}
	pair := newAuthority(t, "hunter2").pair(t, "hunter2")
	creds := Credentials{Token: "hunter2-token", Certificate: &pair}
	data, err := json.Marshal(struct{ C *Credentials }{&creds})
	if err != nil {
		t.Fatal(err)
	}
	var log logBuffer
	log.logger().Info("got", "creds", creds, "pointer", &creds)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("got", "creds", creds, "pointer", &creds)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %x %d", creds, &creds, creds, creds, creds, creds), string(data), log.String()} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(shown, redacted) {
			t.Errorf("shown: %s", shown)
		}
	}
}

// Username and Password are sent by Basic authentication, and are an error beside a token.
func TestBasicAuthentication(t *testing.T) {
	s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){
		says(200, "{}"), says(200, "{}"), says(401, "it is hunter2-password", "Content-Type", "text/plain"),
	}}
	c := fakeClient(t, s.RoundTrip, func(cfg *Config) { cfg.Username, cfg.Password = "joe", "hunter2-password" })
	get := func() error { return c.Get().Resource("pods").Do(t.Context()).Error() }
	if err := get(); err != nil {
		t.Error(err)
	}
	if err := c.Get().Resource("pods").SetHeader("Authorization", "Bearer own").Do(t.Context()).Error(); err != nil {
		t.Error(err)
	}
	err := get()
	if !apierrors.IsUnauthorized(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error: %v", err)
	}
	mustContain(t, err.Error(), "check the Username and the Password")
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte("joe:hunter2-password"))
	if want := []string{header, "Bearer own", header}; !slices.Equal(s.tokens, want) {
		t.Errorf("the server saw %q, not %q", s.tokens, want)
	}
	for name, cfg := range map[string]*Config{
		"contradict the token": {Username: "joe", BearerToken: "t"},
		"contradict":           {Password: "p", BearerTokenFile: writeFile(t, "token", []byte("t"))},
		"colon":                {Username: "joe:x", Password: "hunter2"},
		"control character":    {Username: "joe", Password: "hunter2\n"},
	} {
		cfg.Host = "https://server.example"
		if _, err := NewClient(cfg); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text := (Config{Username: "joe", Password: "hunter2"}).String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "joe") {
		t.Error(text)
	}
}

// A server that refuses the source's certificate in the handshake gets the next one.
func TestACertificateOfASourceIsReplaced(t *testing.T) {
	serverCA, oldCA, newCA := newAuthority(t, "server"), newAuthority(t, "old"), newAuthority(t, "new")
	s := newClientCertServer(t, serverCA.pair(t, "server"), oldCA)
	oldPair, newPair := oldCA.pair(t, "old joe"), newCA.pair(t, "new joe")
	old, fresh := &Credentials{Certificate: &oldPair}, &Credentials{Certificate: &newPair}
	var renew bool
	c := newClient(t, &Config{
		Host: s.URL, Logger: quiet(), TLS: TLSConfig{CAData: serverCA.pem},
		Credentials: sourceFunc(func(_ context.Context, refused *Credentials) (*Credentials, error) {
			if refused != nil {
				renew = true
			}
			if renew {
				return fresh, nil
			}
			return old, nil
		}),
	})
	defer c.CloseIdleConnections()
	for _, want := range []string{"old joe", "new joe", "new joe"} {
		name, err := c.Post().AbsPath("/whoami").DoRaw(t.Context())
		if err != nil || string(name) != want {
			t.Errorf("the server sees %q, not %q: %v", name, want, err)
		}
		s.mu.Lock() // from now on it trusts the new authority only
		s.clients = poolOf(newCA)
		s.mu.Unlock()
	}
	if !renew {
		t.Error("the source was not asked for another")
	}
}

// The old connections of a certificate that changed are closed: idle ones at once, and those with a
// request after drainTime.
func TestConnectionsOfAnOldCertificateAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newPipeNet()
		var seen []string
		cfg, stop := net.serve(t, true, func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.RemoteAddr)
			if r.URL.Path == "/watch" {
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}
		})
		defer stop()
		ca := newAuthority(t, "clients")
		one, two := ca.pair(t, "joe"), ca.pair(t, "joe")
		same := two // another pointer to the same certificate
		creds := &Credentials{Certificate: &one}
		cfg.Credentials = sourceFunc(func(context.Context, *Credentials) (*Credentials, error) { return creds, nil })
		c := newClient(t, cfg)
		defer c.CloseIdleConnections()
		do(t, c)
		stream, err := c.Get().AbsPath("/watch").Stream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		before := c.core.transport.current.Load()
		ended := make(chan time.Time, 1)
		go func() {
			_, _ = io.ReadAll(stream)
			ended <- time.Now()
		}()
		creds = &Credentials{Certificate: &two}
		began := time.Now()
		do(t, c)
		now := c.core.transport.current.Load()
		if now == before {
			t.Fatal("the connections stay")
		}
		time.Sleep(drainTime - time.Nanosecond)
		synctest.Wait()
		select {
		case <-ended:
			t.Error("the stream ends early")
		default:
		}
		if after := (<-ended).Sub(began); after != drainTime {
			t.Errorf("the stream ends after %v", after)
		}
		creds = &Credentials{Certificate: &same, Token: "another-token"}
		do(t, c)
		if c.core.transport.current.Load() != now {
			t.Error("the same certificate closes the connections")
		}
	})
}
