package controlplane

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/rest"
)

// TB is the part of a *testing.T, *testing.B or *testing.F that this package uses.
type TB interface {
	Helper()
	Name() string
	Failed() bool
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// startTimeout is long beside the two seconds that a start takes: several packages may start
// theirs at once, under the race detector, on two cores.
const startTimeout = 2 * time.Minute

// shared is the cluster of this test process.
var shared struct {
	mu      sync.Mutex
	cluster *Cluster // guarded by mu
	err     error    // guarded by mu: of the one attempt to start it
}

// Start returns the control plane that all tests of this process share. The first call starts it, and
// only that call's options count. [Main] stops it when the tests have ended. Start is safe for
// concurrent use.
//
// With $SKIFF_TEST_KUBECONFIG Start returns the cluster of that kubeconfig, whose current context
// $SKIFF_TEST_CONTEXT must name. Options that configure components are an error then: [ErrExisting].
//
// A test gets a namespace of its own by [Cluster.Namespace]. A test that stops or restarts components
// uses [New].
//
// Under -short Start skips the test. If the control plane does not start, Start fails the test; if
// there is no devcluster binary, the message ends with the line `make devcluster`.
func Start(t TB, opts ...Option) *Cluster {
	t.Helper()
	var at place
	path, ok := os.Getenv(EnvKubeconfig), true
	if path == "" {
		at, ok = need(t, find)
	} else {
		ok = !skips(t)
	}
	if !ok {
		return nil // a TB that goes on
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.cluster == nil && shared.err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		if path != "" {
			shared.cluster, shared.err = existing(ctx, path, optionsOf(opts))
		} else {
			shared.cluster, shared.err = start(ctx, at, optionsOf(opts))
		}
	}
	if shared.err != nil {
		fail(t, shared.err)
	}
	return shared.cluster
}

// New starts a control plane for the test t alone, and stops it when the test ends. It skips and
// fails as [Start] does, and needs the binary also with $SKIFF_TEST_KUBECONFIG.
func New(t TB, opts ...Option) *Cluster {
	t.Helper()
	at, ok := need(t, find)
	if !ok {
		return nil // a TB that goes on
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	cluster, err := start(ctx, at, optionsOf(opts))
	if err != nil {
		fail(t, err)
		return nil
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Logf("%v", err)
		}
	})
	return cluster
}

// Binary returns the path of the devcluster binary, for a test of a program that starts a control
// plane itself. It skips and fails as [Start] does.
func Binary(t TB) string {
	t.Helper()
	path, _ := need(t, binary)
	return path
}

// Main runs a package's tests, stops the control plane that they shared, and exits: it is all that a
// TestMain needs to call. m is a *testing.M.
//
// Under -short it prints one line with the number of tests that were skipped because they need a
// control plane. go test shows that line with -v, and where it tests one package only.
func Main(m interface{ Run() int }) {
	code := m.Run()
	shared.mu.Lock()
	cluster := shared.cluster
	shared.mu.Unlock()
	if cluster != nil {
		if err := cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	reportSkipped(os.Stdout, skipped.Load())
	os.Exit(code)
}

// Namespace creates a namespace for the test t and returns its name. When the test has passed, the
// namespace is deleted, without waiting for the end of the deletion. After a failure it stays, so that
// it can be looked at while the control plane runs.
func (c *Cluster) Namespace(t TB) string {
	t.Helper()
	config := c.Config()
	client, err := rest.NewClient(config)
	if err != nil {
		t.Fatalf("controlplane: create a client for %s: %v", config.Host, err)
	}
	ns := &corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
	}
	var made corev1.Namespace
	if err := client.Post().Resource("namespaces").Body(ns).Do(t.Context()).Into(&made); err != nil {
		t.Fatalf("controlplane: create a namespace for %s: %v", t.Name(), err)
	}
	t.Cleanup(func() {
		defer client.CloseIdleConnections()
		if t.Failed() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.Delete().Resource("namespaces").Name(made.Name).Do(ctx).Error(); err != nil {
			t.Logf("controlplane: delete namespace %s: %v", made.Name, err)
		}
	})
	return made.Name
}
