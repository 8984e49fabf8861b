package rest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/skiff-k8s/skiff/wire"
)

const echoed = "eyJhbGciOi.Jz+dWI/iOiJz.c2lnbmF0dXJl"

// percent encodes each byte.
func percent(s, verb string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%"+verb, s[i])
	}
	return b.String()
}

func jsonUnicode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\u%04x`, s[i])
	}
	return b.String()
}

// encodings are the forms in which a server repeats a credential.
var encodings = map[string]func(string) string{
	"plain":              func(s string) string { return s },
	"in a word":          func(s string) string { return "xx" + s + "xx" },
	"after Bearer":       func(s string) string { return "Bearer " + s },
	"query":              url.QueryEscape,
	"path":               url.PathEscape,
	"percent, lower":     func(s string) string { return percent(s, "%02x") },
	"percent, upper":     func(s string) string { return percent(s, "%02X") },
	"percent, twice":     func(s string) string { return url.QueryEscape(percent(s, "%02X")) },
	"JSON":               func(s string) string { b, _ := json.Marshal(s); return strings.Trim(string(b), `"`) },
	"JSON, \\u":          jsonUnicode,
	"JSON, solidus":      func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
	"quoted":             func(s string) string { return strings.Trim(fmt.Sprintf("%q", s), `"`) },
	"HTML":               html.EscapeString,
	"HTML, decimal":      func(s string) string { return strings.ReplaceAll(s, "+", "&#43;") },
	"HTML, hexadecimal":  func(s string) string { return strings.ReplaceAll(s, "/", "&#x2F;") },
	"hexadecimal":        func(s string) string { return hex.EncodeToString([]byte(s)) },
	"lower case":         strings.ToLower,
	"base64":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, URL":        func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64, one before": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s + "y")) },
	"base64, two before": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("xy" + s + "z")) },
	"base64, percent":    func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
}

// shows reports whether a text holds a credential in any of the encodings.
func shows(text, secret string) (string, bool) {
	for name, encode := range encodings {
		form := encode(secret)
		if strings.HasPrefix(name, "base64, ") && strings.Contains(name, "before") {
			form = form[4 : len(form)-4]
		}
		if strings.Contains(text, form) || strings.Contains(text, fmt.Sprintf("%q", form)) {
			return name, true
		}
	}
	return "", false
}

// places are where an answer repeats a text. Each answers 200 to a watch or list, and another code
// where a Status belongs.
var places = map[string]func(s string) (code int, body string, headers []string){
	"Warning":         func(s string) (int, string, []string) { return 200, "{}", []string{"Warning", "299 - " + quote(s)} },
	"Warning's agent": func(s string) (int, string, []string) { return 200, "{}", []string{"Warning", "299 " + s + ` "x"`} },
	"Location": func(s string) (int, string, []string) {
		return 302, "", []string{"Location", "https://else.example/" + s + "?x=" + s}
	},
	"Location here": func(s string) (int, string, []string) { return 302, "", []string{"Location", "/" + s} },
	"Content-Type":  func(s string) (int, string, []string) { return 200, "{}", []string{"Content-Type", s} },
	"media type":    func(s string) (int, string, []string) { return 200, "{}", []string{"Content-Type", "text/" + s} },
	"Retry-After":   func(s string) (int, string, []string) { return 503, "", []string{"Retry-After", s} },
	"text": func(s string) (int, string, []string) {
		return 401, "no: " + s, []string{"Content-Type", "text/plain"}
	},
	"text that is cut": func(s string) (int, string, []string) {
		return 401, strings.Repeat("x", maxErrorText-5) + " " + s, []string{"Content-Type", "text/plain"}
	},
	"HTML": func(s string) (int, string, []string) {
		return 500, "<p>" + s, []string{"Content-Type", "text/html"}
	},
	"success that is text": func(s string) (int, string, []string) { return 200, s, []string{"Content-Type", "text/" + s} },
	"Status": func(s string) (int, string, []string) {
		q := quote(s)
		return 403, `{"kind":"Status","apiVersion":"v1","metadata":{"continue":` + q + `,"resourceVersion":` + q + `},"status":"Failure","message":` + q +
			`,"reason":` + q + `,"details":{"name":` + q + `,"group":` + q + `,"kind":` + q + `,"uid":` + q + `,"causes":[{"reason":` + q + `,"message":` + q +
			`,"field":` + q + `}]},"code":403}`, nil
	},
	"Status of a success": func(s string) (int, string, []string) {
		q := quote(s)
		return 200, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":` + q + `,"reason":` + q + `,"details":{"name":` + q + `}}`, nil
	},
	"kind": func(s string) (int, string, []string) { return 200, `{"kind":` + quote(s) + `,"apiVersion":"v1"}`, nil },
	"apiVersion": func(s string) (int, string, []string) {
		return 200, `{"kind":"Status","apiVersion":` + quote(s) + `,"items":3}`, nil
	},
	"number":       func(s string) (int, string, []string) { return 200, `{"metadata":{"generation":` + s + `}}`, nil },
	"not JSON":     func(s string) (int, string, []string) { return 200, `{"kind":` + s, nil },
	"event's type": func(s string) (int, string, []string) { return 200, `{"type":` + quote(s) + `,"object":{}}`, nil },
	"ERROR event": func(s string) (int, string, []string) {
		q := quote(s)
		return 200, `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{"resourceVersion":` + q + `},"status":"Failure","message":` + q + `,"reason":` + q +
			`,"details":{"name":` + q + `,"group":` + q + `,"kind":` + q + `,"causes":[{"reason":` + q + `,"message":` + q + `,"field":` + q + `}]},"code":410}}`, nil
	},
	"ERROR event of another kind": func(s string) (int, string, []string) {
		return 200, `{"type":"ERROR","object":{"kind":` + quote(s) + `,"apiVersion":` + quote(s) + `,"metadata":{"name":` + quote(s) + `}}}`, nil
	},
}

// quote makes a JSON string. What is escaped already stays as it is.
func quote(s string) string {
	if strings.Contains(s, `\u`) || strings.Contains(s, `\/`) || strings.Contains(s, `\x`) {
		return `"` + s + `"`
	}
	b, _ := json.Marshal(s)
	return string(b)
}

// verbs are the ways in which a caller meets an answer. Each returns all that it may print.
var verbs = map[string]func(t *testing.T, c *Client) []any{
	"Do": func(t *testing.T, c *Client) []any {
		r := c.Get().Resource("pods").Name("web").Do(t.Context())
		_, err := r.Object(wire.Options{})
		return []any{r.Error(), err, r.Into(new(metav1.Status)), r.Into(new(metav1.PartialObjectMetadata)), r.ContentType()}
	},
	"create": func(t *testing.T, c *Client) []any {
		r := c.Post().Resource("pods").Body([]byte("{}")).Do(t.Context())
		return []any{r.Error(), r.Into(new(metav1.PartialObjectMetadata)), r.ContentType()}
	},
	"Stream": func(t *testing.T, c *Client) []any {
		s, err := c.Get().Resource("pods").Name("web").SubResource("log").Stream(t.Context())
		if err != nil {
			return []any{err}
		}
		_ = s.Close()
		_, err = io.ReadAll(s)
		return []any{err}
	},
	"List": func(t *testing.T, c *Client) []any {
		s, err := c.Get().Resource("pods").List(t.Context(), wire.Options{})
		if err != nil {
			return []any{err}
		}
		for err == nil {
			_, err = s.Next()
		}
		return []any{err}
	},
	"Watch": func(t *testing.T, c *Client) []any {
		s, err := c.Get().Resource("pods").Watch(t.Context(), wire.Options{})
		if err != nil {
			return []any{err}
		}
		var out []any
		for err == nil {
			var event wire.Event
			if event, err = s.Next(); err == nil {
				status, err := event.Status()
				out = append(out, event.Object.Kind, event.Object.APIVersion, string(event.Object.Data), event.Object.Meta, status, err)
				if event.Object.Kind == "Status" && err != nil {
					t.Errorf("a cleaned Status cannot be decoded: %v", err)
				}
			}
		}
		return append(out, err)
	},
}

// printed returns every text that what a caller gets can show, down to the errors that errors.As
// and errors.Unwrap find.
func printed(v any) []string {
	out := []string{fmt.Sprintf("%v %+v", v, v)}
	err, ok := v.(error)
	if !ok {
		b, _ := json.Marshal(v)
		return append(out, string(b))
	}
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		b, _ := json.Marshal(status.ErrStatus)
		out = append(out, string(b))
	}
	var syntax *wire.SyntaxError
	if errors.As(err, &syntax) {
		out = append(out, syntax.Reading, syntax.Err.Error())
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		out = append(out, inner.Error())
	}
	return out
}

// A server that repeats the token, in any place of an answer and in any encoding, finds it in no
// error, Status, warning or log line.
func TestNoCredentialLeavesThePackage(t *testing.T) {
	for place, answers := range places {
		for encoding, encode := range encodings {
			for verb, use := range verbs {
				code, body, headers := answers(encode(echoed))
				var log logBuffer
				var warnings []Warning
				c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
					if strings.HasPrefix(req.URL.Path, "/api") || code >= 300 {
						return answer(req, code, body, headers...), nil
					}
					return answer(req, 500, body, headers...), nil
				}, func(cfg *Config) {
					cfg.BearerToken, cfg.Logger, cfg.MaxRetries = echoed, log.logger(), -1
					cfg.Warnings = func(w Warning) { warnings = append(warnings, w) }
				})
				texts := []string{fmt.Sprint(warnings), log.String()}
				for _, v := range use(t, c) {
					texts = append(texts, printed(v)...)
				}
				texts = append(texts, fmt.Sprint(warnings), log.String())
				for _, text := range texts {
					if as, yes := shows(text, echoed); yes {
						t.Errorf("%s, %s, %s: shows it, %s: %s", place, encoding, verb, as, text)
					}
				}
			}
		}
	}
}

// A retried request is logged with its cause.
func TestNoCredentialInTheLogOfARetry(t *testing.T) {
	var log logBuffer
	n := 0
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		if n++; n == 1 {
			return nil, fmt.Errorf("malformed HTTP response %q", "HTTP/1.1 "+echoed)
		}
		return answer(req, 503, echoed, "Content-Type", "text/plain", "Warning", `299 - "`+echoed+`"`), nil
	}, func(cfg *Config) { cfg.BearerToken, cfg.Logger = echoed, log.logger() })
	err := c.Get().Resource("pods").Do(t.Context()).Error()
	mustContain(t, log.String(), "send the request again", redacted)
	for _, text := range []string{log.String(), err.Error()} {
		if strings.Contains(text, echoed) {
			t.Errorf("it shows the token: %s", text)
		}
	}
}

// What the caller asked for stays as it is.
func TestABodyKeepsWhatItHolds(t *testing.T) {
	body := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"token":"` + echoed + `"}}`
	list := `{"apiVersion":"v1","kind":"ConfigMapList","metadata":{},"items":[` + body + `]}`
	event := `{"type":"ADDED","object":` + body + `}`
	next := ""
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) { return answer(req, 200, next), nil },
		func(cfg *Config) { cfg.BearerToken = echoed })
	next = body
	if got, err := c.Get().Resource("configmaps").DoRaw(t.Context()); err != nil || string(got) != body {
		t.Errorf("%s, %v", got, err)
	}
	next = list
	l, err := c.Get().Resource("configmaps").List(t.Context(), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := l.Next(); err != nil || !strings.Contains(string(o.Data), echoed) {
		t.Errorf("%s, %v", o.Data, err)
	}
	next = event
	w, err := c.Get().Resource("configmaps").Watch(t.Context(), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := w.Next(); err != nil || !strings.Contains(string(e.Object.Data), echoed) {
		t.Errorf("%s, %v", e.Object.Data, err)
	}
}

// Every credential that can be sent is known: tokens that a file held before, the caller's own
// headers, those of a wrapped transport, passwords inside of Basic, a proxy's password.
func TestEveryCredentialThatIsSentIsKnown(t *testing.T) {
	file := writeFile(t, "token", []byte("first-file-token"))
	basic := base64.StdEncoding.EncodeToString([]byte("joe:basic-password"))
	all := []string{"first-file-token", "second-file-token", "fallback-token", basic, "basic-password",
		"wrapped-token", "cookie-value", "header-token", "proxy-password"}
	s, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, strings.Join(all, " ; "))
	})
	_ = s
	cfg.BearerToken, cfg.BearerTokenFile = "fallback-token", file
	cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Set("Proxy-Authorization", "Bearer wrapped-token")
			req.Header.Set("Cookie", "session=cookie-value; a=b")
			return next.RoundTrip(req)
		})
	}
	c := newClient(t, cfg)
	c.core.secrets.learnProxy(url.UserPassword("joe", "proxy-password"))
	writeFile(t, file, []byte("second-file-token"))
	_ = c.core.source.(*tokenSource).token(true)
	r := c.Get().Resource("pods").SetHeader("Authorization", "Basic "+basic).SetHeader("X-Auth-Token", "header-token")
	err := r.Do(t.Context()).Error()
	if err == nil {
		t.Fatal("no error")
	}
	for _, secret := range all {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %s: %v", secret, err)
		}
	}
}

// The rule by length: under 4 bytes after a marker only, under 8 as a whole word only.
func TestAShortCredentialDoesNotSpoilEveryMessage(t *testing.T) {
	for _, test := range []struct{ token, text, want string }{
		{"pod", `pods "web" not found in the pod list`, `pods "web" not found in the pod list`},
		{"pod", `bad header "Authorization: Bearer pod"`, `bad header "Authorization: Bearer ` + redacted + `"`},
		{"pod", `token=pod, token "pod"; podtoken pod`, `token=` + redacted + `, token "` + redacted + `"; podtoken pod`},
		{"pod", `Bearer pods`, `Bearer pods`},
		{"pod", `Bearer%20pod`, `Bearer%20` + redacted},
		{"a", `a token "a": not a token`, `a token "` + redacted + `": not a token`},
		{"abcd", `abcd (abcd) abcde xabcd`, redacted + ` (` + redacted + `) abcde xabcd`},
		{"abcdefg", `abcdefg abcdefgh YWJjZGVmZw==`, redacted + ` abcdefgh ` + redacted + `==`},
		{"abcdefgh", `xabcdefghx`, `x` + redacted + `x`},
		{"hunter2", `the password is hunter2.`, `the password is ` + redacted + `.`},
		{"", `nothing`, `nothing`},
	} {
		s := new(secrets)
		s.learn(test.token)
		if got := s.text(test.text); got != test.want {
			t.Errorf("token %q: %q became %q, not %q", test.token, test.text, got, test.want)
		}
	}
}

// The number of credentials that are remembered has a limit; those in use are kept.
func TestRememberedCredentialsAreBounded(t *testing.T) {
	for _, extra := range []int{-1, 0, 1} {
		s := new(secrets)
		s.learn("the-first-token")
		for i := range maxSecrets - 1 + extra {
			s.learn(fmt.Sprintf("other-token-%04d", i))
		}
		if len(s.known) != min(maxSecrets+extra, maxSecrets) {
			t.Errorf("%d more: %d are known", extra, len(s.known))
		}
		if shown := s.text("the-first-token") == "the-first-token"; shown != (extra > 0) {
			t.Errorf("%d more: the first is shown: %v", extra, shown)
		}
		s.learn("other-token-0001")
		s.learn("one-more-token")
		if s.text("other-token-0001") != redacted {
			t.Error("one that was just used is forgotten")
		}
	}
}

// Every text in a Status is looked at, also in fields that a later version adds.
func TestEveryFieldOfAStatusIsCleaned(t *testing.T) {
	st := new(metav1.Status)
	st.Details = &metav1.StatusDetails{Causes: []metav1.StatusCause{{}}}
	var fill func(v reflect.Value) int
	fill = func(v reflect.Value) (n int) {
		switch v.Kind() {
		case reflect.String:
			v.SetString(echoed)
			return 1
		case reflect.Pointer:
			if !v.IsNil() {
				return fill(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				n += fill(v.Field(i))
			}
		case reflect.Slice:
			for i := range v.Len() {
				n += fill(v.Index(i))
			}
		}
		return n
	}
	n := fill(reflect.ValueOf(st))
	s := new(secrets)
	s.learn(echoed)
	s.status(st)
	text, _ := json.Marshal(st)
	if strings.Contains(string(text), echoed) || strings.Count(string(text), redacted) != n || n < 15 {
		t.Errorf("%d fields: %s", n, text)
	}
}

// A caller can decide by an error as before.
func TestACleanedErrorIsFoundByItsType(t *testing.T) {
	s := new(secrets)
	s.learn(echoed)
	cause := &url.Error{Op: "Get", URL: "https://x/" + echoed, Err: io.EOF}
	err := s.errorf("list: %w", fmt.Errorf("%w; %w", cause, &wire.SyntaxError{Reading: "the " + echoed, Err: wire.ErrTooLarge}))
	var syntax *wire.SyntaxError
	var asURL *url.Error
	var number interface{ Timeout() bool }
	switch {
	case !errors.Is(err, io.EOF), !errors.Is(err, wire.ErrTooLarge):
		t.Errorf("errors.Is does not find the cause of %v", err)
	case !errors.As(err, &syntax) || strings.Contains(syntax.Error(), echoed):
		t.Errorf("as a SyntaxError: %v", syntax)
	case !errors.As(err, &asURL) || strings.Contains(asURL.Error(), echoed) || !utilnet.IsProbableEOF(err):
		t.Errorf("as a url.Error: %v", asURL)
	case errors.As(err, &number):
		t.Errorf("an error that holds the token is found: %v", number)
	}
	if cause.URL != "https://x/"+echoed {
		t.Error("the cause was changed")
	}
	clean := errors.New("clean")
	if s.error(clean) != clean || s.error(nil) != nil {
		t.Error("an error without a credential is wrapped")
	}
}

// The address of a proxy that is no URL is an error of net/http that repeats it.
func TestTheProxysPasswordIsNotShown(t *testing.T) {
	text := "407 " + base64.StdEncoding.EncodeToString([]byte("joe:proxy-password")) + " proxy-password"
	s := new(secrets)
	s.learnProxy(url.UserPassword("joe", "proxy-password"))
	if got := s.text(text); got != "407 "+redacted+" "+redacted {
		t.Error(got)
	}
}

// Nested encodings are looked through to a depth, and a hostile text ends the search.
func TestEncodingsWithinEncodings(t *testing.T) {
	s := new(secrets)
	s.learn(echoed)
	for depth := range maxLayers + 2 {
		text := echoed
		for range depth {
			text = strings.ReplaceAll(url.QueryEscape(text), ".", "%2E")
		}
		if hidden := s.text(text) == redacted; hidden != (depth < maxLayers) {
			t.Errorf("%d encodings: %s", depth, s.text(text))
		}
	}
	for _, hostile := range []string{"%", "\\", "&", "&#", "&#;", "&#x;", "\\u", "\\u00", "%2", "&amp", strings.Repeat("%25", 1000), "\\U0010ffff", "&#99999999;"} {
		if got := s.text(hostile + echoed[:5]); got != hostile+echoed[:5] {
			t.Errorf("%q became %q", hostile, got)
		}
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add("a%41\\u0041&#65;"+echoed, "token")
	f.Fuzz(func(t *testing.T, text, token string) {
		s := new(secrets)
		s.learn(token)
		clean := s.text(text)
		if len(strings.TrimSpace(token)) >= longSecret && strings.Contains(clean, strings.TrimSpace(token)) &&
			!strings.Contains(redacted, strings.TrimSpace(token)) {
			t.Errorf("%q in %q became %q", token, text, clean)
		}
	})
}
