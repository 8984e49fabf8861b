package rest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// roundTripper is a server that is only a function: no connection, so that synctest's clock can
// run while a request waits.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// fakeClient makes a client whose every request ends in f.
func fakeClient(t *testing.T, f roundTripper, change ...func(*Config)) *Client {
	t.Helper()
	cfg := &Config{
		Host:          "https://server.example",
		Logger:        quiet(),
		WrapTransport: func(http.RoundTripper) http.RoundTripper { return f },
	}
	for _, c := range change {
		c(cfg)
	}
	return newClient(t, cfg)
}

func newClient(t *testing.T, cfg *Config) *Client {
	t.Helper()
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answer makes a response; headers come in pairs.
func answer(req *http.Request, code int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	if _, said := h["Content-Type"]; !said {
		h.Set("Content-Type", "application/json")
	}
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Header: h, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(strings.NewReader(body)),
	}
}

// script answers requests one after the other and keeps their bodies. It fails the test when it is
// asked more often than it has answers.
type script struct {
	t       *testing.T
	answers []func(*http.Request) (*http.Response, error)

	mu     sync.Mutex
	bodies []string
	times  []time.Time
	tokens []string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	n := len(s.bodies)
	s.bodies = append(s.bodies, string(body))
	s.times = append(s.times, time.Now())
	s.tokens = append(s.tokens, req.Header.Get("Authorization"))
	if n >= len(s.answers) {
		s.t.Errorf("request %d to %s %s: one more than expected", n+1, req.Method, req.URL)
		return answer(req, http.StatusTeapot, "{}"), nil
	}
	return s.answers[n](req)
}

// says is an answer of a script.
func says(code int, body string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) { return answer(req, code, body, headers...), nil }
}

// breaks is a connection that fails before anything is sent.
func breaks(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

const emptyConfigMap = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}`

// testServer is an httptest server and a Config that trusts it.
func testServer(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quietLog()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, &Config{
		Host:   s.URL,
		TLS:    TLSConfig{CAData: pemOf("CERTIFICATE", s.Certificate().Raw)},
		Logger: quiet(),
	}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key, pem: pemOf("CERTIFICATE", der)}
}

// issue makes a certificate for a client or for the server on loopback.
func (a *authority) issue(t *testing.T, name string) (certPEM, keyPEM []byte) {
	t.Helper()
	return a.issueFor(t, name, func(*x509.Certificate) {})
}

// issueFor is issue for a certificate that change changes.
func (a *authority) issueFor(t *testing.T, name string, change func(*x509.Certificate)) (certPEM, keyPEM []byte) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"server.example"},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", keyDER)
}

func (a *authority) pair(t *testing.T, name string) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(a.issue(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(t.TempDir(), name)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// pipeNet is a network inside a synctest bubble: a server, and a Dial that reaches it. Blocking on
// it lets the bubble's clock run, and a goroutine left on it fails the test.
type pipeNet struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeNet() *pipeNet {
	return &pipeNet{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (n *pipeNet) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}
func (n *pipeNet) Close() error   { n.once.Do(func() { close(n.closed) }); return nil }
func (n *pipeNet) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (n *pipeNet) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve runs handler on the network, with TLS and HTTP/2 if secure, until the returned stop, which
// waits for everything the server started.
func (n *pipeNet) serve(t *testing.T, secure bool, handler http.HandlerFunc) (cfg *Config, stop func()) {
	t.Helper()
	server := &http.Server{Handler: handler, ErrorLog: quietLog()}
	cfg = &Config{Host: "http://server.example", Dial: n.Dial, Logger: quiet()}
	done := make(chan struct{})
	if secure {
		ca := newAuthority(t, "pipe")
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{ca.pair(t, "server.example")}}
		cfg.Host, cfg.TLS.CAData = "https://server.example", ca.pem
		go func() { defer close(done); _ = server.ServeTLS(n, "", "") }()
	} else {
		go func() { defer close(done); _ = server.Serve(n) }()
	}
	return cfg, func() {
		_ = server.Close()
		<-done
		if secure {
			time.Sleep(alertWait) // a connection whose last write fails waits so long for an alert
		}
	}
}

// logBuffer is a logger whose text can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func mustContain(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func quietLog() *log.Logger { return slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) }

// dialLoopback reaches the server on this machine whatever the host's name.
func dialLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

// poolOf is what a server that trusts an authority trusts.
func poolOf(a *authority) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// countDials counts the connections that are asked for.
func countDials(n *int) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		*n++
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
}

// failingDial counts the connections that are asked for, and makes none.
func failingDial(n *int) dialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		*n++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
}

func serverTLS(pair tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

func tlsListener(l net.Listener, pair tls.Certificate) net.Listener {
	return tls.NewListener(l, serverTLS(pair))
}
