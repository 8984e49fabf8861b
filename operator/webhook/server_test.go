package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/operator/webhook"
)

// served is a server with a certificate in files.
type served struct {
	*webhook.Server
	t      *testing.T
	client *http.Client
	stop   context.CancelFunc
	ended  chan error
}

func files(t *testing.T, now time.Time) (*operator.Certificate, *x509.CertPool) {
	t.Helper()
	ca, cert, key, err := webhook.MakeCertificate(now, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &operator.Certificate{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
	for file, data := range map[string][]byte{c.CertFile: cert, c.KeyFile: key} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return c, pool
}

func serve(t *testing.T, o webhook.Options, hooks ...*webhook.Hook) *served {
	t.Helper()
	var pool *x509.CertPool
	o.Certificate, pool = files(t, time.Now())
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	s := &served{Server: webhook.NewServer(o, hooks...), t: t, client: &http.Client{Transport: transport}, ended: make(chan error, 1)}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() { s.ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		transport.CloseIdleConnections()
	})
	return s
}

// ask sends a review.
func (s *served) ask(path, fields string) (int, string, error) {
	_, port, _ := strings.Cut(s.Addr().String(), "]:")
	if port == "" {
		_, port, _ = strings.Cut(s.Addr().String(), ":")
	}
	resp, err := s.client.Post("https://127.0.0.1:"+port+path+"?timeout=30s", "application/json", strings.NewReader(review(fields)))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

const created = `"operation":"CREATE","object":{}`

// A server with files answers by TLS 1.2 and newer, only at its paths, and counts what it answers.
func TestServer(t *testing.T) {
	deny := webhook.Validate(func(_ context.Context, r *webhook.Request[Widget]) ([]string, error) {
		if r.Subresource == "panic" {
			panic("x")
		}
		return nil, webhook.Deny("no")
	})
	s := serve(t, webhook.Options{}, deny)
	registry := prometheus.NewRegistry()
	if err := s.Register(registry); err != nil {
		t.Fatal(err)
	}
	if err := s.Register(registry); err == nil {
		t.Error("its metrics are registered twice")
	}
	if code, body, err := s.ask(deny.Path(), created); err != nil || code != 200 || !strings.Contains(body, `"code":403`) {
		t.Errorf("%d %s %v", code, body, err)
	}
	if code, body, err := s.ask(deny.Path(), created+`,"subResource":"panic"`); err != nil || code != 500 || strings.Contains(body, "allowed") {
		t.Errorf("%d %s %v", code, body, err)
	}
	if code, _, err := s.ask("/other", created); err != nil || code != 404 {
		t.Errorf("another path: %d %v", code, err)
	}
	if code, _, err := s.ask(deny.Path(), `"uid":""`); err != nil || code != 400 {
		t.Errorf("no review: %d %v", code, err)
	}
	got := seriesOf(t, registry)
	const path = `{webhook="/validate-webhook-skiff-test-v1-widget"}`
	for name, want := range map[string]float64{
		"controller_runtime_webhook_panics_total":                                                   1,
		"controller_runtime_webhook_requests_in_flight" + path:                                      0,
		"controller_runtime_webhook_requests_total" + strings.Replace(path, "{", `{code="200",`, 1): 1,
		"controller_runtime_webhook_requests_total" + strings.Replace(path, "{", `{code="500",`, 1): 1,
		"controller_runtime_webhook_requests_total" + strings.Replace(path, "{", `{code="400",`, 1): 1,
		"skiff_webhook_refused_total" + strings.Replace(path, "{", `{code="403",`, 1):               1,
		"controller_runtime_webhook_latency_seconds" + path:                                         3,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v %v, want %v", name, v, ok, want)
		}
	}
	if v := got["skiff_webhook_certificate_expiry_timestamp_seconds"]; v < float64(time.Now().Add(89*24*time.Hour).Unix()) || len(got) != 9 {
		t.Errorf("the series are %v", got)
	}
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{MinVersion: version, MaxVersion: version,
			RootCAs: s.client.Transport.(*http.Transport).TLSClientConfig.RootCAs})
		if (err == nil) != ok {
			t.Errorf("TLS %x: %v", version, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if s.Rules() != nil || s.NamespacedRules() != nil {
		t.Error("it needs rights for files")
	}
	s.stop()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if err := s.Check(t.Context()); err == nil {
		t.Error("it is ready after its end")
	}
}

// seriesOf returns the values of a registry's series; of histograms, their counts.
func seriesOf(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range all {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+strconv.Quote(l.GetValue()))
			}
			name := family.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return got
}

// A review that is running when the server stops is answered, and its context goes on.
func TestReviewsInFlightAreAnswered(t *testing.T) {
	began, release := make(chan context.Context), make(chan struct{})
	h := webhook.Validate(func(ctx context.Context, _ *webhook.Request[Widget]) ([]string, error) {
		began <- ctx
		<-release
		return []string{"done"}, ctx.Err()
	})
	s := serve(t, webhook.Options{}, h)
	answered := make(chan string)
	go func() {
		_, body, err := s.ask(h.Path(), created)
		if err != nil {
			body = err.Error()
		}
		answered <- body
	}()
	ctx := <-began
	s.stop()
	for { // until it takes no more
		conn, err := tls.Dial("tcp", s.Addr().String(), s.client.Transport.(*http.Transport).TLSClientConfig)
		if err != nil {
			break
		}
		conn.Close()
	}
	select {
	case err := <-s.ended:
		t.Fatalf("it ended with %v before its review", err)
	default:
	}
	if ctx.Err() != nil {
		t.Error("the context of the review has ended")
	}
	close(release)
	if body := <-answered; !strings.Contains(body, `"allowed":true`) {
		t.Errorf("the review was answered %s", body)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

// drain is the cause of the end of a context, with the time for what is running.
type drain time.Duration

func (drain) Error() string                 { return "stop" }
func (d drain) DrainTimeout() time.Duration { return time.Duration(d) }

// A server that other machines reach goes on to take requests for a while.
func TestLinger(t *testing.T) {
	h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil })
	for _, c := range []struct {
		address string
		linger  time.Duration
		want    time.Duration
	}{
		{"127.0.0.1:0", 0, 0}, {"127.0.0.1:0", time.Second, time.Second}, {"127.0.0.1:0", -1, 0},
		{":0", 0, webhook.DefaultLinger}, {":0", time.Second, time.Second}, {":0", -1, 0},
	} {
		certificate, _ := files(t, time.Now())
		s := webhook.NewServer(webhook.Options{Address: c.address, Linger: c.linger, Certificate: certificate}, h)
		if err := s.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, cause := range []error{context.Canceled, drain(-1), drain(time.Hour)} {
			if got := webhook.LingerOf(s, cause); got != c.want {
				t.Errorf("at %s with %v, %v: %v", c.address, c.linger, cause, got)
			}
		}
		// At most half of what is left, so that reviews are answered in the other half.
		if got := webhook.LingerOf(s, drain(time.Second)); got != min(c.want, time.Second/2) {
			t.Errorf("at %s with %v and a second: %v", c.address, c.linger, got)
		}
		if got := webhook.LingerOf(s, drain(0)); got != 0 {
			t.Errorf("at %s with %v and no time: %v", c.address, c.linger, got)
		}
		s.Close()
	}
	s := serve(t, webhook.Options{Linger: time.Hour}, h)
	s.stop()
	if code, _, err := s.ask(h.Path(), created); err != nil || code != 200 {
		t.Errorf("while it lingers: %d %v", code, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("while it lingers: %v", err)
	}
	s.Close()
	if err := <-s.ended; err == nil {
		t.Error("its port was closed, and it ended without an error")
	}
}

// A certificate that has expired is not ready.
func TestAnExpiredCertificateIsNotReady(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration
		want string
	}{"fresh": {0, ""}, "old": {91 * 24 * time.Hour, "expired at"}} {
		certificate, _ := files(t, time.Now().Add(-c.age))
		s := webhook.NewServer(webhook.Options{Address: "127.0.0.1:0", Certificate: certificate})
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		var err error
		for {
			if err = s.Check(ctx); err == nil || !strings.Contains(err.Error(), "does not run") {
				break
			}
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// Requests that send nothing, or a first part only, keep no review from being answered.
func TestIdleRequestsBlockNobody(t *testing.T) {
	h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil })
	s := serve(t, webhook.Options{}, h)
	idle := func(n int, length string, sent string) {
		for range n {
			conn, err := tls.Dial("tcp", s.Addr().String(), s.client.Transport.(*http.Transport).TLSClientConfig)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			if _, err := io.WriteString(conn, "POST "+h.Path()+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+length+"\r\n\r\n"+sent); err != nil {
				t.Fatal(err)
			}
		}
	}
	idle(20, "Content-Length: 8388608", "")
	idle(1, "Transfer-Encoding: chunked", "1\r\n{\r\n")
	padding := `,"options":{"x":"` + strings.Repeat("x", 1<<20) + `"}`
	if code, body, err := s.ask(h.Path(), created+padding); err != nil || code != 200 {
		t.Errorf("a large review: %d %s %v", code, body, err)
	}
	idle(20, "Content-Length: 8388608", "{"+strings.Repeat(" ", 64<<10))
	if code, body, err := s.ask(h.Path(), created); err != nil || code != 200 {
		t.Errorf("a small review: %d %s %v", code, body, err)
	}
	// The large one waits until their time is over, at most.
	if code, body, err := s.ask(h.Path(), created+padding); err != nil || code != 200 {
		t.Errorf("a large review after the first parts of others: %d %s %v", code, body, err)
	}
}

// Handshakes that fail are counted and logged, seldom.
func TestHandshakesThatFail(t *testing.T) {
	var log lines
	certificate, _ := files(t, time.Now())
	s := webhook.NewServer(webhook.Options{Address: "127.0.0.1:0", Certificate: certificate, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	registry := prometheus.NewRegistry()
	if err := s.Register(registry); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for range 3 {
		if conn, err := tls.Dial("tcp", s.Addr().String(), nil); err == nil {
			conn.Close()
			t.Error("the certificate is trusted")
		}
	}
	for seriesOf(t, registry)["skiff_webhook_tls_handshake_errors_total"] < 3 {
		if t.Context().Err() != nil {
			t.Fatal("they are not counted")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := log.count("TLS handshake of webhooks failed"); n != 1 || log.count("level=WARN") != 1 {
		t.Errorf("%d lines", n)
	}
}
