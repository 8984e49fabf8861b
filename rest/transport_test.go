package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestHTTP2OverTLSAndHTTP1WithoutIt(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }
	_, cfg := testServer(t, echo)
	if proto, err := newClient(t, cfg).Get().AbsPath("/").DoRaw(t.Context()); err != nil || string(proto) != "HTTP/2.0" {
		t.Errorf("over TLS: %q, %v", proto, err)
	}
	plain := httptest.NewServer(http.HandlerFunc(echo))
	defer plain.Close()
	if proto, err := newClient(t, &Config{Host: plain.URL}).Get().AbsPath("/").DoRaw(t.Context()); err != nil || string(proto) != "HTTP/1.1" {
		t.Errorf("over TCP: %q, %v", proto, err)
	}
}

func TestClientsOfOneNewClientShareAConnection(t *testing.T) {
	var conns atomic.Int32
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {})
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conns.Add(1)
		return dialLoopback(ctx, network, addr)
	}
	c := newClient(t, cfg)
	do(t, c)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { do(t, c.GroupVersion(c.gv)) })
	}
	all.Wait()
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func do(t *testing.T, c *Client) {
	t.Helper()
	if err := c.Get().AbsPath("/").Do(t.Context()).Error(); err != nil {
		t.Error(err)
	}
}

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
	mustContain(t, log.String(), "going on with the old ones")
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
		"a read in circles":        {c.Get().AbsPath("/round"), "no end"},
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

// silentProxy forwards TCP until it is told to go silent: from then on it takes bytes and delivers
// none, as a machine does whose network is gone.
type silentProxy struct {
	net.Listener
	to     string
	silent atomic.Bool
	conns  sync.WaitGroup
}

func newSilentProxy(t *testing.T, to string) *silentProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &silentProxy{Listener: l, to: to}
	p.conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.forward(conn, p.silent.Load()) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); p.conns.Wait() })
	return p
}

// forward connects one connection. One made during the silence is a new network path, and works.
func (p *silentProxy) forward(client net.Conn, ignoresSilence bool) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	copyBytes := func(to, from net.Conn) {
		defer to.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			if p.silent.Load() && !ignoresSilence {
				continue
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	var both sync.WaitGroup
	both.Go(func() { copyBytes(server, client) })
	both.Go(func() { copyBytes(client, server) })
	both.Wait()
}

// A watch on a connection that died without a word must end, and the next request must not be put
// on that connection.
func TestAHalfOpenConnectionIsNoticed(t *testing.T) {
	s, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			fmt.Fprint(w, "begin")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	})
	proxy := newSilentProxy(t, s.Listener.Addr().String())
	cfg.Host = "https://" + proxy.Addr().String()
	cfg.health = healthCheck{idle: 100 * time.Millisecond, timeout: 100 * time.Millisecond}
	c := newClient(t, cfg)
	defer c.CloseIdleConnections()
	stream, err := c.Get().AbsPath("/stream").Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.ReadFull(stream, make([]byte, len("begin"))); err != nil {
		t.Fatal(err)
	}
	proxy.silent.Store(true)
	began := time.Now()
	_, err = stream.Read(make([]byte, 1))
	if err == nil || err == io.EOF || t.Context().Err() != nil {
		t.Errorf("reading ends with %v", err)
	}
	mustContain(t, err.Error(), "get /stream", cfg.Host)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("noticed after %v", took)
	}
	do(t, c) // over a new connection
}

// The same with the intervals that everybody gets, on a network whose clock is synctest's.
func TestAHalfOpenConnectionIsNoticedWithin45Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		cfg, stop := network.serve(t, true, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "begin")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		var dead deadConn
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			conn, err := network.Dial(ctx, n, addr)
			dead.Conn = conn
			dead.silence = make(chan struct{})
			return &dead, err
		}
		c := newClient(t, cfg)
		stream, err := c.Get().AbsPath("/stream").Stream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stream, make([]byte, len("begin"))); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		dead.silent.Store(true)
		if _, err := stream.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("reading ends with %v", err)
		}
		if took := time.Since(began); took > 46*time.Second {
			t.Errorf("noticed after %v", took)
		}
		_ = stream.Close()
		c.CloseIdleConnections()
		stop()
	})
}

// deadConn takes what is written to it and delivers nothing, once it is silent.
type deadConn struct {
	net.Conn
	silent  atomic.Bool
	silence chan struct{} // closed with the connection
	once    sync.Once
}

func (d *deadConn) Write(p []byte) (int, error) {
	if d.silent.Load() {
		return len(p), nil
	}
	return d.Conn.Write(p)
}

func (d *deadConn) Close() error {
	d.once.Do(func() { close(d.silence) })
	return d.Conn.Close()
}

// Connections and streams leave no goroutine behind: a bubble does not end before all are gone.
func TestNothingIsLeftRunning(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for name, end := range map[string]func(cancel context.CancelFunc, stream io.Closer){
			"close":                  func(_ context.CancelFunc, s io.Closer) { _ = s.Close(); _ = s.Close() },
			"cancel":                 func(cancel context.CancelFunc, _ io.Closer) { cancel() },
			"cancel, then close":     func(cancel context.CancelFunc, s io.Closer) { cancel(); _ = s.Close() },
			"close by two at a time": func(_ context.CancelFunc, s io.Closer) { go s.Close(); go s.Close() },
		} {
			t.Run(fmt.Sprintf("secure=%v/%s", secure, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					network := newPipeNet()
					cfg, stop := network.serve(t, secure, func(w http.ResponseWriter, r *http.Request) {
						fmt.Fprint(w, "begin")
						_ = http.NewResponseController(w).Flush()
						<-r.Context().Done()
					})
					c := newClient(t, cfg)
					ctx, cancel := context.WithCancel(t.Context())
					stream, err := c.Get().AbsPath("/stream").Stream(ctx)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(stream, make([]byte, len("begin"))); err != nil {
						t.Fatal(err)
					}
					read := make(chan error)
					go func() {
						_, err := stream.Read(make([]byte, 1))
						read <- err
					}()
					synctest.Wait() // the read is under way
					began := time.Now()
					end(cancel, stream)
					err = <-read
					if strings.HasPrefix(name, "cancel") != errors.Is(err, context.Canceled) && !errors.Is(err, ErrStreamClosed) {
						t.Errorf("reading ends with %v", err)
					}
					if took := time.Since(began); took != 0 {
						t.Errorf("reading ends after %v", took)
					}
					cancel()
					c.CloseIdleConnections()
					stop()
				})
			})
		}
	}
}
