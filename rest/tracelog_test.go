package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/wire"
)

// traced makes a Config that logs its attempts, and returns a function that returns the records so far.
func traced(t *testing.T, cfg *Config, level int) (records func() []map[string]any, text func() string) {
	t.Helper()
	b := new(logBuffer)
	cfg.Wrap(Trace(slog.NewJSONHandler(b, nil), level))
	return func() []map[string]any {
		var out []map[string]any
		for d := json.NewDecoder(strings.NewReader(b.String())); ; {
			var r map[string]any
			if d.Decode(&r) != nil {
				return out
			}
			delete(r, "time")
			out = append(out, r)
		}
	}, b.String
}

func keysOf(r map[string]any) string {
	var keys []string
	for key := range r {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// Each level shows what its description names, an attempt is a record.
func TestTheLevelsOfATrace(t *testing.T) {
	for level, want := range map[int]string{
		5:  "",
		6:  "code duration level method msg status url",
		7:  "code duration level method msg requestHeaders status url",
		8:  "code duration level method msg requestBody requestHeaders responseBody responseHeaders status url",
		9:  "code curl duration level method msg requestBody requestHeaders responseBody responseHeaders status timings url",
		10: "code curl duration level method msg requestBody requestHeaders responseBody responseHeaders status timings url",
	} {
		n := 0
		_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if n++; n == 1 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
			}
			w.Header().Set("Content-Type", jsonOnly)
			_, _ = w.Write(body)
		})
		cfg.BearerToken = echoed
		records, text := traced(t, cfg, level)
		c := newClient(t, cfg)
		long := `{"kind":"ConfigMap","apiVersion":"v1","data":{"a":"` + strings.Repeat("x", maxTraced) + "end\"}}"
		if got, err := c.Post().Resource("configmaps").Body([]byte(long)).DoRaw(t.Context()); err != nil || string(got) != long {
			t.Fatal(string(got), err)
		}
		c.CloseIdleConnections()
		got := records()
		if want == "" {
			if len(got) != 0 {
				t.Errorf("level %d: %v", level, got)
			}
			continue
		}
		if len(got) != 2 || keysOf(got[1]) != want || got[0]["code"] != 429. || got[1]["code"] != 200. || got[1]["method"] != "POST" {
			t.Fatalf("level %d: %d records, %s\nwant %s\n%s", level, len(got), keysOf(got[1]), want, text())
		}
		if level >= 7 {
			if h := got[1]["requestHeaders"].(map[string]any); h["Authorization"] != "Bearer "+redacted || h["Content-Type"] != jsonOnly {
				t.Errorf("level %d: %v", level, h)
			}
		}
		if level >= 8 {
			for _, part := range []string{"requestBody", "responseBody"} {
				if s := got[1][part].(string); strings.HasSuffix(s, `end"}}`) != (level >= 9) || !strings.HasPrefix(s, long[:maxTraced]) {
					t.Errorf("level %d: %s: %s", level, part, s)
				}
			}
		}
		if level >= 9 {
			mustContain(t, got[1]["curl"].(string), "curl -v -X 'POST' ", " -H 'Authorization: Bearer "+redacted+"' ", " '"+cfg.Host+"/api/v1/configmaps'")
			if times := got[0]["timings"].(map[string]any); times["tls"] == nil || times["dial"] == nil || times["connection"] == nil || times["reused"] != false {
				t.Errorf("the first attempt: %v", times)
			}
			if times := got[1]["timings"].(map[string]any); times["tls"] != nil || times["server"] == nil || times["reused"] != true {
				t.Errorf("the second attempt: %v", times)
			}
		}
	}
}

// A server that repeats the token anywhere finds it in no record, at any level, nor do the errors of a
// connection show it.
func TestNoCredentialInATrace(t *testing.T) {
	for place, answers := range places {
		for encoding, encode := range encodings {
			code, body, headers := answers(encode(echoed))
			for _, verb := range []string{"Do", "List"} { // an answer that is read whole, and a stream
				use := verbs[verb]
				b := new(bytes.Buffer)
				c := fakeClient(t, nil, func(cfg *Config) {
					cfg.WrapTransport = func(http.RoundTripper) http.RoundTripper {
						return roundTripper(func(req *http.Request) (*http.Response, error) {
							if strings.HasSuffix(req.URL.Path, "configmaps") {
								return nil, fmt.Errorf("broken: %s", encode(echoed))
							}
							return answer(req, code, body, append(headers, "X-Echo", encode(echoed), "Set-Cookie", "a="+encode(echoed))...), nil
						})
					}
					cfg.Wrap(Trace(slog.NewTextHandler(b, nil), 9))
					cfg.BearerToken, cfg.MaxRetries, cfg.Warnings = echoed, -1, func(Warning) {}
				})
				use(t, c)
				_ = c.Post().Resource("pods").Param("q", encode(echoed)).SetHeader("X-Api-Key", "other-key-of-mine").
					Body([]byte(`{"data":` + quote(encode(echoed)) + `}`)).Do(t.Context())
				_ = c.Get().Resource("configmaps").Do(t.Context())
				for _, line := range strings.Split(b.String(), "\n") {
					if as, yes := shows(line, echoed); yes || strings.Contains(line, "other-key-of-mine") {
						t.Errorf("%s, %s, %s: shows it, %s: %s", place, encoding, verb, as, line)
					}
				}
			}
			if t.Failed() {
				return
			}
		}
	}
}

// Bodies about secrets are not shown, whatever path they come from.
func TestATraceShowsNoSecrets(t *testing.T) {
	const value = "c2VjcmV0LXZhbHVl"
	secret := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"k":"` + value + `"}}`
	yaml := "apiVersion: v1\nkind: 'Secret'\ndata: {k: " + value + "}\n"
	for name, r := range map[string]func(c *Client) *Request{
		"get":     func(c *Client) *Request { return c.Get().Namespace("a").Resource("secrets").Name("a") },
		"list":    func(c *Client) *Request { return c.Get().Resource("secrets") },
		"create":  func(c *Client) *Request { return c.Post().Namespace("a").Resource("secrets").Body([]byte(secret)) },
		"by path": func(c *Client) *Request { return c.Get().AbsPath("/api/v1/namespaces/a/secrets/b") },
		"token": func(c *Client) *Request {
			return c.Post().Resource("serviceaccounts").Name("a").SubResource("token").Body([]byte(`{"status":{"token":"` + value + `"}}`))
		},
		"review": func(c *Client) *Request {
			return c.Post().Resource("tokenreviews").Body([]byte(`{"spec":{"token":"` + value + `"}}`))
		},
		"elsewhere":      func(c *Client) *Request { return c.Get().AbsPath("/somewhere") },
		"sent elsewhere": func(c *Client) *Request { return c.Post().AbsPath("/somewhere").Body([]byte(secret)) },
		"in a List": func(c *Client) *Request {
			return c.Post().AbsPath("/x").Body([]byte(`{"kind":"List","items":[` + secret + `]}`))
		},
		"YAML": func(c *Client) *Request {
			return c.Patch(types.ApplyPatchType).Resource("others").Name("a").Body([]byte(yaml))
		},
		"YAML, flow": func(c *Client) *Request {
			return c.Post().AbsPath("/x").Body([]byte("{kind: Secret, data: {k: " + value + "}}"))
		},
		"JSON that ends":  func(c *Client) *Request { return c.Post().AbsPath("/x").Body([]byte(secret[:len(secret)-1])) },
		"several of JSON": func(c *Client) *Request { return c.Post().AbsPath("/x").Body([]byte("{}\n" + secret)) },
	} {
		cfg := &Config{Host: "https://server.example/k8s", Logger: quiet(), MaxRetries: -1,
			WrapTransport: func(http.RoundTripper) http.RoundTripper { return roundTripper(says(200, secret)) }}
		_, text := traced(t, cfg, 9)
		if err := r(newClient(t, cfg)).Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text(), value) {
			t.Errorf("%s: %s", name, text())
		}
		mustContain(t, text(), `"responseBody":"not shown: `)
	}
}

// What is not shown is said: streams, protobuf, bytes, and bodies at, below and above the limit.
func TestBodiesThatATraceDoesNotShow(t *testing.T) {
	body, headers := "", []string(nil)
	cfg := &Config{Host: "https://server.example", Logger: quiet(), WrapTransport: func(http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) { return answer(req, 200, body, headers...), nil })
	}}
	records, _ := traced(t, cfg, 8)
	c := newClient(t, cfg)
	last := func() string { all := records(); return all[len(all)-1]["responseBody"].(string) }
	for _, test := range []struct{ body, kind, want string }{
		{"hello", "text/plain", "hello"},
		{"", "text/plain", ""},
		{"\xff\xfe", "text/plain", "not shown: its 2 bytes are not text"},
		{"k8s\x00", "application/vnd.kubernetes.protobuf", "not shown: it is protobuf"},
		{strings.Repeat("x", maxTraced-1), "text/plain", strings.Repeat("x", maxTraced-1)},
		{strings.Repeat("x", maxTraced), "text/plain", strings.Repeat("x", maxTraced)},
		{strings.Repeat("x", maxTraced+1), "text/plain", strings.Repeat("x", maxTraced) + "... (cut: level 9 shows all)"},
		{strings.Repeat("x", maxTraced-1) + "é", "text/plain", strings.Repeat("x", maxTraced-1) + "... (cut"},
		{strings.Repeat("x", maxHeld-1), "text/plain", strings.Repeat("x", maxTraced) + "... (cut"},
		{strings.Repeat("x", maxHeld), "text/plain", strings.Repeat("x", maxTraced) + "... (cut"},
		{strings.Repeat("x", maxHeld+1), "text/plain", "not shown: it is larger than 1048576 bytes"},
	} {
		body, headers = test.body, []string{"Content-Type", test.kind}
		if got, err := c.Get().Resource("pods").DoRaw(t.Context()); err != nil || string(got) != test.body {
			t.Fatal(err)
		}
		if got := last(); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%.20q of %d bytes: %.60q, want %.60q", test.body, len(test.body), got, test.want)
		}
	}
	body, headers = watched, nil
	w, err := c.Get().Resource("pods").Watch(t.Context(), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := last(); got != "not shown: it is read as it arrives" {
		t.Errorf("a watch, before it is read: %s", got)
	}
	_ = w.Close()
	if n := len(records()); n != 12 {
		t.Errorf("%d records", n)
	}
}

// A wrapper that loses the context of a request loses the record its body, and no credential.
func TestATraceWithoutAContext(t *testing.T) {
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, echoed) })
	cfg.BearerToken = echoed
	records, text := traced(t, cfg, 9)
	c := newClient(t, wrapped(cfg, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		return next.RoundTrip(req.WithContext(t.Context()))
	}))
	defer c.CloseIdleConnections()
	if got, err := c.Get().AbsPath("/" + echoed).DoRaw(t.Context()); err != nil || string(got) != echoed {
		t.Fatal(err)
	}
	if strings.Contains(text(), echoed) || len(records()) != 1 {
		t.Error(text())
	}
	if err := c.Post().Resource("pods").Body([]byte("{}")).Do(t.Context()).Into(new(metav1.Status)); err == nil {
		t.Error("no error")
	}
}
