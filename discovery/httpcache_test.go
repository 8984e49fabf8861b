package discovery

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/rest"
)

// cachedServer serves two revisions of everything, by ETag. It returns the count of whole answers
// and of those that confirm the client's.
func cachedServer(t *testing.T) (host string, revision *string, whole, confirmed *int) {
	t.Helper()
	revision, whole, confirmed = new("1"), new(int), new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"`+*revision+`"`)
		w.Header().Set("Vary", "Accept")
		if r.URL.Query().Get("hash") != "" {
			w.Header().Set("Cache-Control", "public, immutable")
			w.Header().Set("Expires", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		}
		if r.Header.Get("If-None-Match") == `"`+*revision+`"` {
			*confirmed++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		*whole++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"revision":%q}`, *revision)
	}))
	t.Cleanup(server.Close)
	return server.URL, revision, whole, confirmed
}

func cachedClient(t *testing.T, host, dir string) *rest.Client {
	t.Helper()
	cfg := &rest.Config{Host: host}
	CacheHTTP(cfg, dir)
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCacheHTTPConfirmsByETag(t *testing.T) {
	for _, prefix := range []string{"", "/gate"} {
		host, revision, whole, confirmed := cachedServer(t)
		dir := filepath.Join(t.TempDir(), "http")
		read := func(path, accept, want string, wantWhole, wantConfirmed int) {
			t.Helper()
			*whole, *confirmed = 0, 0
			c := cachedClient(t, host+prefix, dir) // of another process
			data, err := c.Get().AbsPath(path).SetHeader("Accept", accept).DoRaw(t.Context())
			if err != nil || string(data) != `{"revision":"`+want+`"}` || *whole != wantWhole || *confirmed != wantConfirmed {
				t.Errorf("%s: %s, %v, %d whole answers and %d confirmed", path, data, err, *whole, *confirmed)
			}
		}
		read("/apis", accept, "1", 1, 0)
		read("/apis", accept, "1", 0, 1)
		read("/apis", "application/json", "1", 1, 0) // another form of it
		read("/api", accept, "1", 1, 0)
		*revision = "2"
		read("/api", accept, "2", 1, 0)
		read("/api", accept, "2", 0, 1)
		read("/openapi/v3", "application/json", "2", 1, 0)
		read("/openapi/v3", "application/json", "2", 0, 1)
		read("/version", "application/json", "2", 1, 0)
		read("/version", "application/json", "2", 1, 0)
		read("/api/v1/namespaces/x/configmaps/apis", "application/json", "2", 1, 0)
		files, _ := os.ReadDir(dir)
		if len(files) != 3 {
			t.Errorf("%d files", len(files))
		}
		for _, f := range files {
			if info, err := f.Info(); err != nil || info.Mode() != 0o600 {
				t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
			}
		}
	}
}

func TestCacheHTTPAsksForAHashOnce(t *testing.T) {
	host, _, whole, confirmed := cachedServer(t)
	dir := t.TempDir()
	for range 3 {
		c := cachedClient(t, host, dir)
		if _, err := c.Get().AbsPath("/openapi/v3/api/v1").Param("hash", "x").DoRaw(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if *whole != 1 || *confirmed != 0 {
		t.Errorf("%d whole answers and %d confirmed", *whole, *confirmed)
	}
}

func TestCacheHTTPDoesWithoutItsFiles(t *testing.T) {
	for name, damage := range map[string]func(file string) error{
		"cut short": func(file string) error { return os.Truncate(file, 40) },
		"empty":     func(file string) error { return os.Truncate(file, 0) },
		"noise":     func(file string) error { return os.WriteFile(file, make([]byte, 100), 0o600) },
		"a directory": func(file string) error {
			_ = os.Remove(file)
			return os.Mkdir(file, 0o700)
		},
		"no directory": func(file string) error {
			dir := filepath.Dir(file)
			_ = os.RemoveAll(dir)
			return os.WriteFile(dir, nil, 0o600)
		},
	} {
		host, _, whole, _ := cachedServer(t)
		dir := filepath.Join(t.TempDir(), "http")
		get := func() {
			t.Helper()
			if _, err := cachedClient(t, host, dir).Get().AbsPath("/apis").DoRaw(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		get()
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if err := damage(filepath.Join(dir, files[0].Name())); err != nil {
			t.Fatal(err)
		}
		get()
		if *whole != 2 {
			t.Errorf("%s: %d whole answers", name, *whole)
		}
	}
}

func TestCacheHTTPKeepsNothingOverTheLimit(t *testing.T) {
	for over, want := range map[int64]bool{-1: true, 0: true, 1: false} {
		kept := false
		b := &keepingBody{
			ReadCloser: io.NopCloser(io.LimitReader(zeros{}, 100)), limit: 100 - over,
			whole: func(data []byte) { kept = len(data) == 100 },
		}
		if n, err := io.Copy(io.Discard, b); n != 100 || err != nil || kept != want {
			t.Errorf("%d over the limit: %d bytes, %v, kept %t", over, n, err, kept)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
