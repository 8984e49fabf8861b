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

// TB is what Start, New and Namespace need of a *testing.T or *testing.B.
type TB interface {
	Helper()
	Name() string
	Failed() bool
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// startTimeout is long beside the two seconds that a start takes: several packages may start
// theirs at once, under the race detector, on two cores.
const startTimeout = 2 * time.Minute

// shared is the cluster of this test process.
var shared struct {
	mu      sync.Mutex
	cluster *Cluster
	err     error
}

// Start returns the control plane that all tests of this process share, and starts it the first
// time. It ends with the process; Main ends it gracefully. Only the first call's options count.
// Tests keep out of each other's way by a Namespace of their own; one that stops or restarts
// components uses New.
func Start(t TB, opts ...Option) *Cluster {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.cluster == nil && shared.err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		shared.cluster, shared.err = Run(ctx, opts...)
	}
	if shared.err != nil {
		t.Fatalf("%v", shared.err)
	}
	return shared.cluster
}

// New starts a control plane for this test alone and stops it when the test ends.
func New(t TB, opts ...Option) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	cluster, err := Run(ctx, opts...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Logf("%v", err)
		}
	})
	return cluster
}

// Main runs a package's tests, stops the cluster that they shared, and exits: the whole of a
// TestMain. m is a *testing.M.
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
	os.Exit(code)
}

// Namespace creates a namespace for this test and returns its name. It is deleted, without
// waiting, when the test has passed; after a failure it stays to be looked at while the cluster runs.
func (c *Cluster) Namespace(t TB) string {
	t.Helper()
	config := c.Config()
	client, err := rest.NewClient(config)
	if err != nil {
		t.Fatalf("controlplane: a client for %s: %v", config.Host, err)
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
