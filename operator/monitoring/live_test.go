package monitoring

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/rulefmt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/rest"
)

// liveWait limits the waits of a test on the control plane.
const liveWait = 2 * time.Minute

// live is an operator that runs by the real clock.
type live struct {
	*operator.Operator
	t   *testing.T
	ctx context.Context
	db  *database
	at  time.Time // of the next scrape
}

func run(t *testing.T, op *operator.Operator) *live {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), liveWait)
	done := make(chan error, 1)
	go func() { done <- op.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	l := &live{op, t, ctx, newDatabase(), time.Now()}
	l.until("it serves", func() bool { return op.Addresses().Metrics != nil })
	return l
}

// until waits for a condition.
func (l *live) until(what string, is func() bool) {
	l.t.Helper()
	for tick := time.NewTicker(20 * time.Millisecond); !is(); {
		select {
		case <-tick.C:
		case <-l.ctx.Done():
			l.t.Fatalf("it is not so that %s", what)
		}
	}
}

// scrape asks for /metrics by HTTP. Its samples are those of the next point of a time axis on which
// scrapes are half a minute apart.
func (l *live) scrape() {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.ctx, http.MethodGet, "http://"+l.Addresses().Metrics.String()+"/metrics", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		l.t.Fatalf("/metrics: %v %v", resp.Status, err)
	}
	if err := l.db.scrape(l.at, "web-0", text); err != nil {
		l.t.Fatal(err)
	}
	l.at = l.at.Add(scrapeEvery)
}

var anyPort = operator.Settings{MetricsAddress: "127.0.0.1:0", HealthAddress: operator.Off}

// On the real control plane no alert fires on a healthy operator, and each panel has its samples. When
// the API server is gone the lag grows, and the requests fail.
func TestOnTheControlPlane(t *testing.T) {
	cluster := controlplane.New(t, controlplane.WithoutControllerManager())
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	m := operator.NewMetrics(nil)
	config := cluster.Config()
	config.Metrics, config.Logger = m.REST(), log
	e, err := election.New(config, election.Options{Namespace: "default", Name: "web", Metrics: m.Election(),
		LeaseDuration: liveWait, RenewDeadline: liveWait - time.Second}) // it goes on without the server
	if err != nil {
		t.Fatal(err)
	}
	c, err := rest.NewClient(e.Fence(config))
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	f := informer.NewFactory(c, informer.Logger(log))
	maps := informer.For[corev1.ConfigMap](f)
	objects := client.Of[corev1.ConfigMap](c).In("default")
	l := run(t, operator.New(operator.Options{Name: "web", Factories: []*informer.Factory{f}, Elector: e, Metrics: m, Logger: log,
		Settings: anyPort, NoSignals: true, NoMemoryLimit: true},
		controller.New("apps", reconciler(client.Of[corev1.ConfigMap](c), maps), controller.For(maps), controller.Logger(log))))
	l.until("it leads, and its cache is in sync", func() bool { return l.Leads() && maps.HasSynced() })
	for i := range 30 {
		name := fmt.Sprint("app-", i)
		_, err := objects.Create(l.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		l.until("it is in the cache", func() bool { _, err := maps.Lister().Get("default", name); return err == nil })
		l.scrape()
	}
	l.db.wantFiring(t)
	l.db.wantPanels(t)

	if err := cluster.StopAPIServer(l.ctx); err != nil {
		t.Fatal(err)
	}
	l.until("the informer fails", func() bool { return !maps.Status().FailingSince.IsZero() })
	rules := slices.DeleteFunc(alerts(t), func(r rulefmt.Rule) bool { return r.Alert != "SkiffRequestsFail" })
	for every := time.NewTicker(200 * time.Millisecond); len(l.db.fire(t, rules)) == 0; <-every.C {
		l.scrape()
	}
	lag, err := l.db.query(t.Context(), "skiff_informer_lag_seconds", l.db.end())
	if err != nil || len(lag) != 1 || lag[0].F <= 0 {
		t.Errorf("the lag is %v, %v", lag, err)
	}
}

// An alert tells of a certificate that nothing renews.
func TestACertificateThatExpires(t *testing.T) {
	for left, want := range map[time.Duration][]string{
		6 * 24 * time.Hour: {"SkiffCertificateExpires"}, 8 * 24 * time.Hour: nil,
	} {
		certificate := &operator.Certificate{CertFile: filepath.Join(t.TempDir(), "tls.crt"), KeyFile: filepath.Join(t.TempDir(), "tls.key")}
		writeCertificate(t, certificate, time.Now().Add(left))
		hooks := webhook.NewServer(webhook.Options{Address: "127.0.0.1:0", Certificate: certificate},
			webhook.Validate(func(context.Context, *webhook.Request[corev1.ConfigMap]) ([]string, error) { return nil, nil }))
		l := run(t, operator.New(operator.Options{Settings: anyPort, Webhooks: hooks, NoSignals: true, NoMemoryLimit: true}))
		l.scrape()
		l.db.wantFiring(t, want...)
	}
}

func writeCertificate(t *testing.T, c *operator.Certificate, until time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		c.CertFile: {Type: "CERTIFICATE", Bytes: der}, c.KeyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
