package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// verifyingServer accepts clients by the certificates of an authority only, in the handshake. It
// counts the connections that are made to it.
func verifyingServer(t *testing.T, version uint16, serverCA, clients *authority) (cfg *Config, conns *atomic.Int32) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	pool := x509.NewCertPool()
	pool.AddCert(clients.cert)
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{serverCA.pair(t, "server")}, MinVersion: version, MaxVersion: version,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quietLog()
	s.StartTLS()
	t.Cleanup(s.Close)
	conns = new(atomic.Int32)
	return &Config{
		Host: s.URL, Logger: quiet(), TLS: TLSConfig{CAData: serverCA.pem},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conns.Add(1)
			return dialLoopback(ctx, network, addr)
		},
	}, conns
}

var tlsVersions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// A server that refuses the client's certificate would refuse it again: the request is sent once,
// and the error says what to check.
func TestARefusedClientCertificate(t *testing.T) {
	serverCA, clientCA, otherCA := newAuthority(t, "server"), newAuthority(t, "clients"), newAuthority(t, "other")
	for version, number := range tlsVersions {
		for name, test := range map[string]struct {
			issue func() (cert, key []byte)
			want  string
		}{
			"of another authority": {func() ([]byte, []byte) { return otherCA.issue(t, "joe") }, "is it of another cluster?"},
			"that has expired": {func() ([]byte, []byte) {
				return clientCA.issueFor(t, "joe", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
			}, "has it expired?"},
			"that is for servers": {func() ([]byte, []byte) {
				return clientCA.issueFor(t, "joe", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
			}, "client authentication"},
			"that is missing": {nil, "TLS"},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				t.Run(version+"/"+name+"/"+method, func(t *testing.T) {
					cfg, conns := verifyingServer(t, number, serverCA, clientCA)
					var certFile string
					if test.issue != nil {
						cert, key := test.issue()
						certFile = writeFile(t, "tls.crt", cert)
						cfg.TLS.CertFile, cfg.TLS.KeyFile = certFile, writeFile(t, "tls.key", key)
					}
					c := newClient(t, cfg)
					defer c.CloseIdleConnections()
					err := c.Verb(method).AbsPath("/").Do(t.Context()).Error()
					if err == nil {
						t.Fatal("it is accepted")
					}
					mustContain(t, err.Error(), strings.ToLower(cfg.Host), test.want, certFile)
					if strings.Contains(err.Error(), "may have carried out") {
						t.Errorf("nothing was carried out: %v", err)
					}
					if n := conns.Load(); n != 1 {
						t.Errorf("%d connections: %v", n, err)
					}
				})
			}
		}
	}
}

// When the files of a refused certificate have changed, they are used at once, by every verb.
func TestARotatedClientCertificateIsUsedAtOnce(t *testing.T) {
	serverCA, oldCA, newCA := newAuthority(t, "server"), newAuthority(t, "old"), newAuthority(t, "new")
	for version, number := range tlsVersions {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			t.Run(version+"/"+method, func(t *testing.T) {
				cfg, conns := verifyingServer(t, number, serverCA, newCA)
				dir := t.TempDir()
				cfg.TLS.CertFile, cfg.TLS.KeyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
				rotate := func(cert, key []byte) {
					writeFile(t, cfg.TLS.CertFile, cert)
					writeFile(t, cfg.TLS.KeyFile, key)
				}
				rotate(oldCA.issue(t, "old joe"))
				c := newClient(t, cfg)
				defer c.CloseIdleConnections()
				if err := c.Get().AbsPath("/").Do(t.Context()).Error(); err == nil {
					t.Fatal("the old certificate is accepted")
				}
				rotate(newCA.issue(t, "new joe"))
				before := conns.Load()
				who, err := c.Verb(method).AbsPath("/").DoRaw(t.Context())
				if err != nil || string(who) != "new joe" {
					t.Errorf("the server sees %q, %v", who, err)
				}
				if n := conns.Load() - before; n != 2 {
					t.Errorf("%d connections, not one with the old and one with the new certificate", n)
				}
			})
		}
	}
}

// alertNumber is an alert as crypto/tls returns it.
type alertNumber uint8

func (a alertNumber) Error() string { return "tls: " + tls.AlertError(a).Error() }

// Of all alerts only those are tried again that say that the server, or the line, has a bad moment.
func TestAlertsThatAreTriedAgain(t *testing.T) {
	again := []tls.AlertError{alertCloseNotify, alertBadRecordMAC, alertInternalError, alertUserCanceled}
	synctest.Test(t, func(t *testing.T) {
		for number := range 256 {
			sent := 0
			c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
				sent++
				return nil, fmt.Errorf("broken: %w", &net.OpError{Op: "remote error", Err: alertNumber(number)})
			})
			err := c.Get().Resource("pods").Do(t.Context()).Error()
			want := 1
			if slices.Contains(again, tls.AlertError(number)) {
				want = 1 + maxBroken
			}
			if sent != want {
				t.Errorf("alert %d: sent %d times, not %d: %v", number, sent, want, err)
			}
		}
	})
}

// Alerts that are no refusal of a certificate have their hint too.
func TestHintsOfAlerts(t *testing.T) {
	own, key := newAuthority(t, "ca").issue(t, "joe")
	for _, test := range []struct {
		alert tls.AlertError
		cert  bool
		want  string
	}{
		{alertHandshakeFailure, false, "TLS 1.2 or 1.3 is needed"},
		{alertHandshakeFailure, true, "no cipher in common"},
		{alertProtocolVersion, true, "TLS 1.2 or 1.3 is needed"},
		{alertSecurity, false, "TLS 1.2 or 1.3 is needed"},
		{alertUnrecognizedName, false, "TLS.ServerName"},
		{alertNoProtocol, false, "another port?"},
		{alertRevoked, true, "revoked"},
		{alertAccessDenied, false, "set TLS.CertFile"},
	} {
		c := fakeClient(t, breaks(&net.OpError{Op: "remote error", Err: alertNumber(test.alert)}), func(cfg *Config) {
			if test.cert {
				cfg.TLS.CertData, cfg.TLS.KeyData = own, key
			}
		})
		mustContain(t, c.Get().Resource("pods").Do(t.Context()).Error().Error(), "list pods at https://server.example", test.want)
	}
}

// Handshakes that fail from here are not tried again either.
func TestHandshakesThatCannotSucceed(t *testing.T) {
	serverCA := newAuthority(t, "server")
	for name, change := range map[string]func(*tls.Config){
		"an old version": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, //nolint:gosec // that is the point
		"another cipher": func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			c.CipherSuites = []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
		},
		"another name": func(c *tls.Config) { c.Certificates = []tls.Certificate{pairFor(t, serverCA, "elsewhere.example")} },
		"no certificate": func(c *tls.Config) {
			c.Certificates = nil
			c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
		},
		"another protocol": func(c *tls.Config) { c.NextProtos = []string{"smtp"} },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			tlsConfig := &tls.Config{Certificates: []tls.Certificate{serverCA.pair(t, "server")}}
			change(tlsConfig)
			var conns atomic.Int32
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					conns.Add(1)
					_ = tls.Server(conn, tlsConfig).HandshakeContext(t.Context())
					_ = conn.Close()
				}
			}()
			c := newClient(t, &Config{Host: "https://" + l.Addr().String(), TLS: TLSConfig{CAData: serverCA.pem}, Logger: quiet()})
			err = c.Post().AbsPath("/").Do(t.Context()).Error()
			if err == nil {
				t.Fatal("no error")
			}
			if name != "no certificate" && conns.Load() != 1 { // "internal error" may be a bad moment
				t.Errorf("%d connections: %v", conns.Load(), err)
			}
			_ = l.Close()
			<-done
		})
	}
}

func pairFor(t *testing.T, a *authority, name string) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(a.issueFor(t, name, func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{name}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
