package crd_test

import (
	"context"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// connect returns a client of the package's control plane.
func connect(t *testing.T) *rest.Client {
	t.Helper()
	c, err := rest.NewClient(controlplane.Start(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// soon returns a context that ends with the test, and bounds it.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
