package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// patience bounds what a test waits for: minutes of a machine that is busy with something else.
const patience = 2 * time.Minute

// connect returns a client of the real control plane, made of its config after changes.
func connect(t *testing.T, change ...func(*rest.Config)) *rest.Client {
	t.Helper()
	cfg := controlplane.Start(t).Config()
	for _, f := range change {
		f(cfg)
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// soon returns a context that outlives no patient test.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// namespace makes a namespace of the test's own, in which pods can be created: they need the service
// account that a controller makes.
func namespace(t *testing.T, c *rest.Client) string {
	t.Helper()
	ns := controlplane.Start(t).Namespace(t)
	until(t, client.Of[corev1.ServiceAccount](c).In(ns), func(e client.Event[corev1.ServiceAccount]) bool {
		return e.Object.Name == "default" && e.Type != client.Deleted
	})
	return ns
}

// until watches until an event is the one.
func until[T any](t *testing.T, c *client.Client[T], is func(client.Event[T]) bool) client.Event[T] {
	t.Helper()
	ctx := soon(t)
	for {
		w, err := c.Watch(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range w.Events() {
			if err != nil {
				t.Fatal(err)
			}
			if is(e) {
				return e
			}
		}
	}
}

// counting counts the requests of a client.
func counting(n *atomic.Int64) func(*rest.Config) {
	return func(cfg *rest.Config) {
		cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				n.Add(1)
				return next.RoundTrip(r)
			})
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// next waits for an event that must come.
func next[T any](t *testing.T, w *client.Watch[T]) client.Event[T] {
	t.Helper()
	e, err := w.Next()
	if errors.Is(err, io.EOF) {
		t.Fatal("the watch has ended")
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// must returns v if there is no error.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
