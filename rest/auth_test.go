package rest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTokenFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := writeFile(t, filepath.Join(t.TempDir(), "token"), []byte("one\n"))
		var seen []string
		unauthorized := ""
		c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
			token := req.Header.Get("Authorization")
			seen = append(seen, token)
			if token == "Bearer "+unauthorized {
				return answer(req, http.StatusUnauthorized, "no", "Content-Type", "text/plain"), nil
			}
			return answer(req, http.StatusOK, "{}"), nil
		}, func(cfg *Config) { cfg.BearerTokenFile, cfg.BearerToken = file, "fallback" })
		post := func() error { return c.Post().AbsPath("/x").Do(t.Context()).Error() }
		want := func(why string, tokens ...string) {
			t.Helper()
			for i := range tokens {
				tokens[i] = "Bearer " + tokens[i]
			}
			if !slices.Equal(seen, tokens) {
				t.Errorf("%s: the server saw %q, not %q", why, seen, tokens)
			}
			seen = nil
		}
		_ = post()
		want("the file wins over BearerToken, without its line break", "one")
		writeFile(t, file, []byte("two"))
		_ = post()
		want("within the minute the file is not read", "one")
		time.Sleep(recheckInterval)
		_ = post()
		want("after it is", "two")
		writeFile(t, file, []byte("three"))
		unauthorized = "two"
		if err := post(); err != nil {
			t.Error(err)
		}
		want("a 401 makes it read at once, and the request is sent again", "two", "three")
		unauthorized = "three"
		if err := post(); err == nil {
			t.Error("a 401 is lost")
		}
		want("a 401 with the token that the file still has is final", "three")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		unauthorized = ""
		time.Sleep(recheckInterval)
		_ = post()
		want("a file that is gone leaves the last token", "three")
	})
}

func TestATokenFileThatCannotBeReadYetFallsBackToTheToken(t *testing.T) {
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, req.Header.Get("Authorization")), nil
	}, func(cfg *Config) { cfg.BearerTokenFile, cfg.BearerToken = "missing/token", "fallback" })
	got, err := c.Get().AbsPath("/").DoRaw(t.Context())
	if err != nil || string(got) != "Bearer fallback" {
		t.Errorf("sent %q, %v", got, err)
	}
	empty := writeFile(t, "token", []byte("\n"))
	if _, err := NewClient(&Config{Host: "https://server.example", BearerTokenFile: empty}); err == nil {
		t.Error("an empty token file is fine")
	}
}

func TestRedirects(t *testing.T) {
	other, _ := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host gets a %s with Authorization %q", r.Method, r.Header.Get("Authorization"))
	})
	var posts, rounds atomic.Int32
	s, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/here":
			if r.Method != http.MethodGet {
				posts.Add(1)
			}
			http.Redirect(w, r, "/there?x=1", http.StatusTemporaryRedirect)
		case "/there":
			fmt.Fprint(w, r.Method, " ", r.URL.RawQuery, " ", r.Header.Get("Authorization"))
		case "/away":
			http.Redirect(w, r, other.URL+"/there?token=hunter2", http.StatusFound)
		case "/round":
			rounds.Add(1)
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		}
	})
	cfg.BearerToken = "secret-token"
	cfg.TLS = TLSConfig{Insecure: true}
	c := newClient(t, cfg)
	got, err := c.Get().AbsPath("/here").DoRaw(t.Context())
	if err != nil || string(got) != "GET x=1 Bearer secret-token" {
		t.Errorf("a read on the same server: %q, %v", got, err)
	}
	for name, test := range map[string]struct {
		r    *Request
		want string
	}{
		"a read to another host":   {c.Get().AbsPath("/away"), other.URL},
		"a write":                  {c.Post().AbsPath("/here").Body([]byte("{}")), s.URL + "/there"},
		"a deletion":               {c.Delete().AbsPath("/here"), s.URL + "/there"},
		"a read in circles":        {c.Get().AbsPath("/round"), "too many redirects"},
		"a redirect to no address": {c.Get().AbsPath("/nowhere"), "302"},
	} {
		err := test.r.Do(t.Context()).Error()
		if err == nil {
			t.Errorf("%s is followed", name)
			continue
		}
		mustContain(t, err.Error(), test.want)
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("%s: the error shows a secret: %v", name, err)
		}
	}
	if n := rounds.Load(); n != maxRedirects {
		t.Errorf("a circle of redirects is followed %d times", n)
	}
	if posts.Load() != 2 {
		t.Errorf("%d writes instead of 2", posts.Load())
	}
}

func TestImpersonationHeaders(t *testing.T) {
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		want := http.Header{
			"Impersonate-User":                        {"jane"},
			"Impersonate-Uid":                         {"42"},
			"Impersonate-Group":                       {"dev", "ops"},
			"Impersonate-Extra-Scopes":                {"view", "edit"},
			"Impersonate-Extra-Acme.com%2fProject%25": {"x"},
		}
		for key, values := range want {
			if got := headerFold(req.Header, key); !slices.Equal(got, values) {
				t.Errorf("%s: %q, not %q; all: %v", key, got, values, req.Header)
			}
		}
		return answer(req, 200, "{}"), nil
	}, func(cfg *Config) {
		cfg.Impersonate = Impersonation{User: "jane", UID: "42", Groups: []string{"dev", "ops"},
			Extra: map[string][]string{"Scopes": {"view", "edit"}, "acme.com/project%": {"x"}}}
	})
	do(t, c)
}

func headerFold(h http.Header, key string) []string {
	for k, v := range h {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}
