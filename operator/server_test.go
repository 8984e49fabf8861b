package operator_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
)

// A stream of events ends when its server is told to stop, and a request that runs is answered.
func TestAServerStopsWithItsRequests(t *testing.T) {
	entered, slow, stream := make(chan struct{}, 2), make(chan struct{}), make(chan error, 1)
	s := &operator.Server{Address: "127.0.0.1:0", Logger: logger(t), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			entered <- struct{}{}
			<-r.Context().Done()
			stream <- r.Context().Err()
			return
		}
		entered <- struct{}{}
		<-slow
		_, _ = io.WriteString(w, "done")
	})}
	if s.Addr() != nil {
		t.Error("an address before Listen")
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, answered := make(chan error, 1), make(chan string, 1)
	go func() { ended <- s.Run(ctx) }()
	for _, path := range []string{"/stream", "/slow"} {
		go func() {
			resp, err := http.Get("http://" + s.Addr().String() + path)
			if path == "/stream" {
				if err == nil {
					resp.Body.Close()
				}
				return
			}
			if err != nil {
				answered <- err.Error()
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			answered <- string(body)
		}()
	}
	<-entered
	<-entered
	stop()
	if err := <-stream; err != context.Canceled {
		t.Errorf("the stream's context ended with %v", err)
	}
	close(slow)
	if got := <-answered; got != "done" {
		t.Errorf("the slow request was answered %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The server of Settings.CertFile speaks TLS, with the files that are there now.
func TestAnOperatorWithTLS(t *testing.T) {
	certificate := httptest.NewTLSServer(nil)
	certificate.Close()
	pair := certificate.TLS.Certificates[0]
	dir := t.TempDir()
	settings := anyPort
	settings.CertFile, settings.KeyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePEM(t, settings.CertFile, settings.KeyFile, pair)
	r := start(t, operator.New(operator.Options{Settings: settings, Logger: logger(t)}))
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Certificate())
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer c.CloseIdleConnections()
	resp, err := c.Get("https://" + r.Addresses().Metrics.String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("/metrics: %d", resp.StatusCode)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}}}
	if resp, err := old.Get("https://" + r.Addresses().Metrics.String() + "/metrics"); err == nil {
		resp.Body.Close()
		t.Error("it speaks TLS 1.1")
	}
	if code, _ := r.get(1, "/healthz"); code != 200 {
		t.Errorf("the probes are no longer HTTP: %d", code)
	}
	c.CloseIdleConnections()
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// The page and the profiles are served by their own address, and there only. On one that other
// machines reach their readers need a token, as those of the metrics do.
func TestWhereThePageIs(t *testing.T) {
	for address, want := range map[string]int{"127.0.0.1:0": 200, "0.0.0.0:0": 401} {
		f, _ := inMemory(t)
		settings := anyPort
		settings.DebugAddress, settings.Page, settings.Pprof, settings.Authorize = address, true, true, true
		r := start(t, operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: settings, Logger: logger(t)}))
		for _, path := range []string{"/debug/skiff/state", "/debug/pprof/cmdline"} {
			if code, body := r.get(2, path); code != want {
				t.Errorf("%s on %s: %d %s", path, address, code, body)
			}
			if code, _ := r.get(1, path); code != 404 {
				t.Errorf("%s beside the probes: %d", path, code)
			}
		}
		if code, _ := r.get(0, "/metrics"); code != 401 {
			t.Errorf("/metrics without a token: %d", code)
		}
		if err := r.ends(); err != nil {
			t.Error(err)
		}
	}
	settings := anyPort
	settings.Page, settings.DebugAddress = false, "127.0.0.1:notaport"
	r := start(t, operator.New(operator.Options{Settings: settings, Logger: logger(t)}))
	if a := r.Addresses().Debug; a != nil {
		t.Errorf("without page and profiles %v is open", a)
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	s := &operator.Server{Address: "127.0.0.1:0"}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	settings := anyPort
	settings.HealthAddress = s.Addr().String()
	err := operator.Run(t.Context(), operator.Options{Settings: settings, Logger: logger(t)})
	if err == nil || !strings.Contains(err.Error(), "run operator: listen on "+settings.HealthAddress) {
		t.Errorf("it ended with %v", err)
	}
}

func writePEM(t *testing.T, certFile, keyFile string, pair tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
