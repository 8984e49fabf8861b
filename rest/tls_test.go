package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheServersCertificateIsVerified(t *testing.T) {
	s, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {})
	began := time.Now()
	for name, test := range map[string]struct {
		tls  TLSConfig
		want string // "" for a request that works
	}{
		"by its CA":           {cfg.TLS, ""},
		"not when Insecure":   {TLSConfig{Insecure: true}, ""},
		"by the given name":   {TLSConfig{CAData: cfg.TLS.CAData, ServerName: "example.com"}, ""},
		"against the system":  {TLSConfig{}, "set the CA"},
		"against another CA":  {TLSConfig{CAData: newAuthority(t, "other").pem}, "set the CA"},
		"against another one": {TLSConfig{CAData: cfg.TLS.CAData, ServerName: "other.example"}, "TLS.ServerName"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, &Config{Host: s.URL, TLS: test.tls, Logger: cfg.Logger})
			defer c.CloseIdleConnections()
			err := c.Get().AbsPath("/version").Do(t.Context()).Error()
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && err == nil:
				t.Error("it was trusted")
			case test.want != "":
				mustContain(t, err.Error(), test.want, "get /version", s.URL)
			}
		})
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("distrust took %v: it is retried", took)
	}
}

func TestOldTLSVersionsAreRefused(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10} //nolint:gosec // that is the point
	s.Config.ErrorLog = quietLog()
	s.StartTLS()
	defer s.Close()
	c := newClient(t, &Config{Host: s.URL, TLS: TLSConfig{Insecure: true}})
	if err := c.Get().AbsPath("/").Do(t.Context()).Error(); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
}

func TestAServerWithoutTLSIsNamed(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	c := newClient(t, &Config{Host: strings.Replace(s.URL, "http:", "https:", 1)})
	err := c.Get().AbsPath("/").Do(t.Context()).Error()
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "does not speak TLS")
}

// clientCertServer tells who asks, and believes the given authorities. One may be added later.
type clientCertServer struct {
	*httptest.Server
	mu      sync.Mutex
	clients *x509.CertPool
}

func newClientCertServer(t *testing.T, server tls.Certificate, clients ...*authority) *clientCertServer {
	t.Helper()
	s := &clientCertServer{clients: x509.NewCertPool()}
	for _, a := range clients {
		s.clients.AddCert(a.cert)
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		clients := s.clients
		s.mu.Unlock()
		if len(r.TLS.PeerCertificates) == 0 {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		cert := r.TLS.PeerCertificates[0]
		if _, err := cert.Verify(x509.VerifyOptions{Roots: clients, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			http.Error(w, "no longer", http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/watch" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, cert.Subject.CommonName)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequestClientCert}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quietLog()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// The API server verifies a client's certificate with every request. When it is renewed on disk,
// the 401 that the old one gets makes the client look, and a watch that is open goes on.
func TestARenewedClientCertificateIsUsedAfterA401(t *testing.T) {
	serverCA, oldCA, newCA := newAuthority(t, "server"), newAuthority(t, "old"), newAuthority(t, "new")
	s := newClientCertServer(t, serverCA.pair(t, "server"), oldCA)
	cert, key := oldCA.issue(t, "old joe")
	certFile, keyFile := writeFile(t, "tls.crt", cert), writeFile(t, "tls.key", key)
	var log logBuffer
	c := newClient(t, &Config{
		Host: s.URL, Logger: log.logger(),
		TLS: TLSConfig{CAData: serverCA.pem, CertFile: certFile, KeyFile: keyFile},
	})
	defer c.CloseIdleConnections()
	who := func() string {
		t.Helper()
		name, err := c.Post().AbsPath("/whoami").DoRaw(t.Context()) // even what is not repeatable
		if err != nil {
			t.Error(err)
		}
		return string(name)
	}
	if got := who(); got != "old joe" {
		t.Fatalf("the server sees %q", got)
	}
	stream, err := c.Get().AbsPath("/watch").Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()

	s.mu.Lock() // no longer trusts the old CA
	s.clients = x509.NewCertPool()
	s.clients.AddCert(newCA.cert)
	s.mu.Unlock()
	if err := c.Get().AbsPath("/whoami").Do(t.Context()).Error(); err == nil {
		t.Fatal("the old certificate is still good")
	}
	cert, key = newCA.issue(t, "new joe")
	writeFile(t, certFile, cert)
	if err := c.Get().AbsPath("/whoami").Do(t.Context()).Error(); err == nil { // the key does not fit yet
		t.Fatal("half of a pair was used")
	}
	mustContain(t, log.String(), "the old ones are used")
	writeFile(t, keyFile, key)
	if got := who(); got != "new joe" {
		t.Errorf("after the renewal the server sees %q", got)
	}
	if got := who(); got != "new joe" {
		t.Errorf("later the server sees %q", got)
	}
}

func TestAReplacedCAIsReadWhenTheHandshakeFails(t *testing.T) {
	oldCA, newCA := newAuthority(t, "old"), newAuthority(t, "new")
	pair := newCA.pair(t, "server")
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = quietLog()
	s.StartTLS()
	defer s.Close()
	caFile := writeFile(t, "ca.crt", oldCA.pem)
	c := newClient(t, &Config{Host: s.URL, TLS: TLSConfig{CAFile: caFile}, Logger: quiet()})
	defer c.CloseIdleConnections()
	if err := c.Get().AbsPath("/").Do(t.Context()).Error(); err == nil {
		t.Fatal("the old CA is good enough")
	}
	writeFile(t, caFile, newCA.pem)
	if err := c.Post().AbsPath("/").Do(t.Context()).Error(); err != nil {
		t.Errorf("the new CA is not used: %v", err)
	}
}

func TestTLSFilesAreLookedAtOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t, "ca")
		caFile := writeFile(t, filepath.Join(t.TempDir(), "ca.crt"), ca.pem)
		tr, err := newTransport(&Config{TLS: TLSConfig{CAFile: caFile}, Logger: quiet()}, true)
		if err != nil {
			t.Fatal(err)
		}
		first := tr.refresh(false)
		writeFile(t, caFile, newAuthority(t, "other").pem)
		time.Sleep(recheckInterval - 1)
		if tr.refresh(false) != first {
			t.Error("looked again within the minute")
		}
		time.Sleep(time.Nanosecond)
		second := tr.refresh(false)
		if second == first {
			t.Error("not looked again after the minute")
		}
		time.Sleep(recheckInterval)
		if tr.refresh(false) != second {
			t.Error("connections are given up although nothing changed")
		}
		if err := os.Remove(caFile); err != nil {
			t.Fatal(err)
		}
		if tr.refresh(true) != second {
			t.Error("a file that is gone ends what works")
		}
	})
}

func TestConnectionsOfAReplacedCAAreClosedWhenIdle(t *testing.T) {
	_, cfg := testServer(t, func(http.ResponseWriter, *http.Request) {})
	cfg.TLS.CAFile, cfg.TLS.CAData = writeFile(t, "ca.crt", cfg.TLS.CAData), nil
	closed := make(chan struct{}, 1)
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialLoopback(ctx, network, addr)
		return closingConn{conn, closed}, err
	}
	c := newClient(t, cfg)
	defer c.CloseIdleConnections()
	do(t, c)
	ca, err := os.ReadFile(cfg.TLS.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, cfg.TLS.CAFile, append(ca, newAuthority(t, "another").pem...))
	c.core.transport.refresh(true)
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the old connection stays open")
	}
	do(t, c)
}

// closingConn says when it is closed.
type closingConn struct {
	net.Conn
	closed chan<- struct{}
}

func (c closingConn) Close() error {
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}
