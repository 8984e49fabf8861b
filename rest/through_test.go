package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestRoundTripGoesThroughTheServer(t *testing.T) {
	var got *http.Request
	var body string
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, body = r, string(data)
		w.Header().Set("X-Own", "1")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "no such page")
	})
	cfg.BearerToken = "my-own-token"
	cfg.Impersonate.User = "jane"
	through := newClient(t, cfg).Get().Namespace("default").Resource("services").Name("http:web:80").SubResource("proxy")
	client := &http.Client{Transport: through}
	req, err := http.NewRequest("PUT", "http://web/a%2Fb/?c=d", strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic of-the-caller")
	req.Header.Set("Impersonate-Group", "system:masters")
	req.Header.Set("X-Mine", "2")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if data, err := io.ReadAll(resp.Body); string(data) != "no such page" || err != nil || resp.StatusCode != 404 || resp.Header.Get("X-Own") != "1" {
		t.Errorf("the answer is %s, %q, %v", resp.Status, data, err)
	}
	if got.Method != "PUT" || got.RequestURI != "/api/v1/namespaces/default/services/http:web:80/proxy/a%2Fb/?c=d" || body != "text" {
		t.Errorf("the request is %s %s, %q", got.Method, got.RequestURI, body)
	}
	h := got.Header
	if h.Get("Authorization") != "Bearer my-own-token" || h.Get("Impersonate-User") != "jane" || h.Get("Impersonate-Group") != "" || h.Get("X-Mine") != "2" {
		t.Errorf("the headers are %v", h)
	}
	if req.Header.Get("Authorization") != "Basic of-the-caller" {
		t.Error("the caller's request was changed")
	}
}

func TestRoundTripErrors(t *testing.T) {
	broken := errors.New("my-own-token broke")
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		if req.Context().Err() != nil {
			return nil, req.Context().Err()
		}
		return nil, broken
	}, func(cfg *Config) { cfg.BearerToken = "my-own-token" })
	through := c.Get().Namespace("a").Resource("pods").Name("b").SubResource("proxy")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		ctx  context.Context
		path string
		ok   func(error) bool
	}{
		{t.Context(), "http://b/../../secrets", func(e error) bool { return strings.Contains(e.Error(), "may not contain") }},
		{t.Context(), "http://b/%2e%2e/", func(e error) bool { return strings.Contains(e.Error(), "may not contain") }},
		{t.Context(), "http://b", func(e error) bool { return errors.Is(e, broken) && strings.Contains(e.Error(), "[redacted] broke") }},
		{ctx, "http://b", func(e error) bool { return errors.Is(e, context.Canceled) }},
	} {
		body := &closedBody{}
		req, err := http.NewRequestWithContext(tc.ctx, "POST", tc.path, body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := through.RoundTrip(req); err == nil || !tc.ok(err) {
			t.Errorf("%s: %v", tc.path, err)
		}
		if strings.Contains(tc.path, "secrets") && !body.closed {
			t.Error("the body was not closed")
		}
	}
}

type closedBody struct{ closed bool }

func (b *closedBody) Read([]byte) (int, error) { return 0, io.EOF }
func (b *closedBody) Close() error             { b.closed = true; return nil }
