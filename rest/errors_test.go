package rest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/skiff-k8s/skiff/wire"
)

// everyVerb are requests of every verb, with what an error calls them.
var everyVerb = map[string]func(*Client) *Request{
	`get pods "a"`:    func(c *Client) *Request { return c.Get().Resource("pods").Name("a") },
	`list pods`:       func(c *Client) *Request { return c.Get().Resource("pods") },
	`create pods`:     func(c *Client) *Request { return c.Post().Resource("pods").Body([]byte("{}")) },
	`update pods "a"`: func(c *Client) *Request { return c.Put().Resource("pods").Name("a").Body([]byte("{}")) },
	`patch pods "a"`: func(c *Client) *Request {
		return c.Patch(types.MergePatchType).Resource("pods").Name("a").Body([]byte("{}"))
	},
	`patch pods/status "a"`: func(c *Client) *Request {
		return c.Patch(types.ApplyPatchType).Resource("pods").Name("a").SubResource("status").Body([]byte("{}"))
	},
	`delete pods "a"`: func(c *Client) *Request { return c.Delete().Resource("pods").Name("a") },
	`delete all pods`: func(c *Client) *Request { return c.Delete().Resource("pods") },
}

// A connection that ends before the answer is what everybody's functions look for, with every verb
// and on every kind of call.
func TestAnEndedConnectionIsRecognised(t *testing.T) {
	cutBody := func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"kind":`), failingReader{io.ErrUnexpectedEOF}))
		return resp, nil
	}
	for name, fails := range map[string]roundTripper{
		"closed before sending": breaks(io.EOF),
		"closed":                sentThen(io.EOF),
		"cut":                   sentThen(io.ErrUnexpectedEOF),
		"reset":                 sentThen(errReset),
		"GOAWAY":                sentThen(errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR")),
		"closed from here":      sentThen(&net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed}),
		"cut in the body":       cutBody,
	} {
		for what, make := range everyVerb {
			synctest.Test(t, func(t *testing.T) {
				err := make(fakeClient(t, fails)).Do(t.Context()).Error()
				var asURL *url.Error
				if !utilnet.IsProbableEOF(err) || !errors.As(err, &asURL) {
					t.Fatalf("%s, %s: IsProbableEOF %v: %v", name, what, utilnet.IsProbableEOF(err), err)
				}
				mustContain(t, err.Error(), what, "https://server.example")
				if !strings.HasPrefix(asURL.URL, "https://server.example/api/v1/pods") || asURL.Op == strings.ToUpper(asURL.Op) {
					t.Errorf("%+v", asURL)
				}
			})
		}
		synctest.Test(t, func(t *testing.T) {
			s, err := fakeClient(t, fails).Get().Resource("pods").List(t.Context(), wire.Options{})
			if err == nil {
				_, err = s.Next()
			}
			if var2 := new(url.Error); !utilnet.IsProbableEOF(err) || !errors.As(err, &var2) {
				t.Errorf("%s, a list: %v", name, err)
			}
		})
	}
}

// Answers of a 2xx status that are not what was asked for. What a write has done is then not known,
// and no error claims it.
func TestAnswersThatAreNoKubernetesObject(t *testing.T) {
	const html = "<html>log in</html>"
	for name, test := range map[string]struct {
		code              int
		body, contentType string
		want              string
	}{
		"a web page":             {200, html, "text/html", "does Host name a Kubernetes API server?"},
		"a web page, created":    {201, html, "text/html; charset=utf-8", "does Host name a Kubernetes API server?"},
		"a web page called JSON": {200, html, jsonOnly, "byte 0"},
		"text":                   {200, "ok", "text/plain", "does Host name a Kubernetes API server?"},
		"nothing":                {200, "", jsonOnly, "the body is empty"},
		"204":                    {204, "", "", "the body is empty"},
		"202 and nothing":        {202, "", jsonOnly, "the body is empty"},
		"JSON that is no object": {200, `["a"]`, jsonOnly, "byte 0"},
		"JSON of something else": {200, `{"status":"ok"}`, jsonOnly, "no Kubernetes object"},
		"truncated":              {200, `{"apiVersion":"v1","ki`, jsonOnly, "byte"},
		"two objects":            {200, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}{}`, jsonOnly, "byte"},
		"protobuf that is none":  {200, "hello", "application/vnd.kubernetes.protobuf", "byte"},
		"a part":                 {206, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`, jsonOnly, "206"},
		"an unreadable type":     {200, "{}", "application/;", "content type"},
	} {
		for what, make := range everyVerb {
			t.Run(name+"/"+what, func(t *testing.T) {
				sent := 0
				c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
					sent++
					return answer(req, test.code, test.body, "Content-Type", test.contentType), nil
				})
				pod := &corev1.Pod{}
				err := make(c).Do(t.Context()).Into(pod)
				if err == nil {
					t.Fatal("no error")
				}
				mustContain(t, err.Error(), test.want, what, "https://server.example")
				write := !strings.HasPrefix(what, "get") && !strings.HasPrefix(what, "list")
				if strings.Contains(err.Error(), "may have carried out") != write || strings.Contains(err.Error(), "it was carried out") {
					t.Errorf("it claims too much or too little: %v", err)
				}
				if sent != 1 || pod.Name != "" {
					t.Errorf("sent %d times, and the object is %+v", sent, pod)
				}
			})
		}
	}
}

// The scheme of Host does not fit the server.
func TestTheWrongSchemeIsNamed(t *testing.T) {
	plainListener := func(answer string) string { // a server that is no web server
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
				}
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}
		}()
		t.Cleanup(func() { _ = l.Close(); <-done })
		return l.Addr().String()
	}
	secure, _ := testServer(t, func(w http.ResponseWriter, r *http.Request) {})
	secureAddr := secure.Listener.Addr().String()
	const useHTTPS = "the server speaks TLS: set Host to https://"
	for name, test := range map[string]struct{ host, want string }{
		"http to Go's TLS":     {"http://" + secureAddr, useHTTPS},
		"http to nginx's TLS":  {"http://" + plainListener("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port"), useHTTPS},
		"http to Apache's TLS": {"http://" + plainListener("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\nReason: You're speaking plain HTTP to an SSL-enabled server port."), useHTTPS},
		"http to other TLS":    {"http://" + plainListener("\x15\x03\x01\x00\x02\x02\x46\r\n"), useHTTPS},
		"https to HTTP/1":      {"https://" + plainListener("HTTP/1.0 400 Bad Request\r\n\r\n"), "the server does not speak TLS: does Host mean http:// or another port?"},
		"https to SSH":         {"https://" + plainListener("SSH-2.0-OpenSSH_9.6\r\n"), "the server does not speak TLS: does Host mean http:// or another port?"},
	} {
		for what, make := range everyVerb {
			if name == "http to Go's TLS" && (strings.HasPrefix(what, "patch") || strings.HasPrefix(what, "delete")) {
				continue // it closes the connection
			}
			c := newClient(t, &Config{Host: test.host, TLS: TLSConfig{Insecure: true}, Logger: quiet()})
			err := make(c).Do(t.Context()).Error()
			c.CloseIdleConnections()
			if err == nil {
				t.Fatalf("%s, %s: no error", name, what)
			}
			mustContain(t, err.Error(), what, test.host, test.want)
			if strings.Contains(err.Error(), "sent 4 times") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}

// A bare 401 names the request, the server, and the credentials that the server does not accept.
func TestA401NamesTheCredentials(t *testing.T) {
	cert, key := newAuthority(t, "ca").issue(t, "joe")
	tokenFile := writeFile(t, "token", []byte("secret-token"))
	for name, test := range map[string]struct {
		change func(*Config)
		header string
		want   string
	}{
		"a token":        {func(c *Config) { c.BearerToken = "secret-token" }, "", "the BearerToken has not expired"},
		"a token's file": {func(c *Config) { c.BearerTokenFile = tokenFile }, "", tokenFile},
		"a certificate":  {func(c *Config) { c.TLS.CertData, c.TLS.KeyData = cert, key; c.WrapTransport = nil }, "", "the client certificate"},
		"a wrapper":      {func(c *Config) {}, "", "Config.WrapTransport"},
		"a header":       {func(c *Config) {}, "Bearer secret-token", "Authorization header"},
		"none":           {func(c *Config) { c.WrapTransport = nil }, "", "has no credentials"},
	} {
		for body, contentType := range map[string]string{
			`{"apiVersion":"v1","kind":"Status","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`: jsonOnly,
			"Unauthorized\n": "text/plain",
			"<html>401":      "text/html",
			"":               jsonOnly,
		} {
			for what, make := range everyVerb {
				unauthorized := says(401, body, "Content-Type", contentType)
				c := fakeClient(t, unauthorized, test.change)
				c.core.http.Transport = roundTripper(unauthorized)
				r := make(c)
				if test.header != "" {
					r.SetHeader("Authorization", test.header)
				}
				err := r.Do(t.Context()).Error()
				if !apierrors.IsUnauthorized(err) {
					t.Fatalf("%s, %s: %v", name, what, err)
				}
				mustContain(t, err.Error(), what, "https://server.example", test.want)
				if strings.Contains(err.Error(), "secret-token") {
					t.Errorf("the token is shown: %v", err)
				}
			}
		}
	}
}
