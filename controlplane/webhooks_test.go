package controlplane

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/rest"
)

// Webhooks at 127.0.0.1 can be called by an API server of this machine only.
func TestWhichAPIServersReachThisProcess(t *testing.T) {
	for host, want := range map[string]bool{
		"https://127.0.0.1:6443": true, "https://localhost:6443": true, "https://[::1]:6443": true,
		"https://10.0.0.1:6443": false, "https://kubernetes.example.com": false, "https://127.0.0.1.example.com": false, "": false,
	} {
		if err := local(host); (err == nil) != want {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// unanswered are webhooks whose port breaks off each connection. The second ends the test's wait.
type unanswered struct {
	ctx    context.Context
	cancel context.CancelFunc
	ended  bool
}

func (u *unanswered) ServeLocal(ctx context.Context, name string) (string, func() error, error) {
	u.ctx = ctx
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if n == 4 { // the API server and its HTTP client try again
				u.cancel()
			}
			conn.Close()
		}
	}()
	anyone := httptest.NewTLSServer(http.NotFoundHandler())
	defer anyone.Close()
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: anyone.Certificate().Raw})
	manifest := fmt.Sprintf(`{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
"metadata": {"name": %q}, "webhooks": [{"name": "a.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
"failurePolicy": "Ignore", "rules": [], "clientConfig": {"url": "https://%s/a", "caBundle": %q}}]}`,
		name, l.Addr(), base64.StdEncoding.EncodeToString(bundle))
	return manifest, func() error {
		<-ctx.Done()
		u.ended = true
		return l.Close()
	}, nil
}

// If the API server does not reach the webhooks, the error has its answer.
func TestWebhooksThatAreNotReached(t *testing.T) {
	cluster := Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	u := &unanswered{cancel: cancel}
	one := &Cluster{runner: guest{}, config: cluster.config, stays: true}
	err := one.installWebhooks(ctx, nil, nil, u)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "its last answer: ") || !strings.Contains(err.Error(), readyName) {
		t.Errorf("error %v, want one with the API server's answer", err)
	}
	if u.ctx.Err() != nil {
		t.Error("the webhooks end with the context that bounds their start")
	}
	if err := one.Stop(); err != nil || !u.ended {
		t.Errorf("ended: %v, %v", u.ended, err)
	}
	// What Main does to a cluster that is there: nothing is left in it.
	data, err := connectTo(t, cluster).Get().AbsPath("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations").DoRaw(t.Context())
	if err != nil || strings.Contains(string(data), "a.example.com") {
		t.Errorf("left in the cluster: %s, %v", data, err)
	}
}

// What a process that was killed has left in a cluster is removed before others are installed; what is
// of a process that lives, and what is somebody else's, stays.
func TestWebhooksOfAKilledProcess(t *testing.T) {
	cluster := Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	client := connectTo(t, cluster)
	alive, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	register := func(name, webhook string, at net.Listener) {
		t.Helper()
		body := fmt.Sprintf(`{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
"metadata": {"name": %q}, "webhooks": [{"name": %q, "admissionReviewVersions": ["v1"], "sideEffects": "None",
"failurePolicy": "Fail", "rules": [], "clientConfig": {"url": "https://%s/a"}}]}`, name, webhook, at.Addr())
		if err := client.Post().AbsPath("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations").
			Body([]byte(body)).Do(ctx).Error(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			err := client.Delete().AbsPath("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/" + name).
				Do(context.WithoutCancel(ctx)).Error()
			if err != nil && !apierrors.IsNotFound(err) {
				t.Error(err)
			}
		})
	}
	register("controlplane-dead", readyName, dead)
	register("controlplane-alive", readyName, alive)
	register("controlplane-theirs", "theirs.example.com", dead)
	register("theirs", readyName, dead)
	one := &Cluster{runner: guest{}, config: cluster.config, stays: true}
	if err := one.installWebhooks(ctx, nil, nil); err != nil {
		t.Fatal(err)
	}
	data, err := client.Get().AbsPath("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations").DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"controlplane-dead": false, "controlplane-alive": true, "controlplane-theirs": true, "theirs": true} {
		if there := strings.Contains(string(data), `"name":"`+name+`"`); there != want {
			t.Errorf("%s is there: %t", name, there)
		}
	}
}

func connectTo(t *testing.T, c *Cluster) *rest.Client {
	t.Helper()
	client, err := rest.NewClient(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}
