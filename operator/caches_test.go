package operator_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// A check fails when an informer has been without its server for longer than the limit, counted from
// the first failure, also if nobody has asked since.
func TestTheLimitOfAnInformerWithoutItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := rest.NewClient(&rest.Config{
			Host: "https://server.example", Logger: slog.New(slog.DiscardHandler),
			WrapTransport: func(http.RoundTripper) http.RoundTripper {
				return transport(func(*http.Request) (*http.Response, error) { return nil, errors.New("unplugged") })
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		factory := informer.NewFactory(c, informer.OnError(func(error) {}))
		informer.For[corev1.ConfigMap](factory)
		caches := operator.NewCaches(time.Hour, factory)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- factory.Run(ctx) }()
		time.Sleep(time.Hour)
		if err := caches.Reachable(ctx); err != nil {
			t.Errorf("after the limit exactly: %v", err)
		}
		time.Sleep(time.Nanosecond)
		err = caches.Reachable(ctx)
		if err == nil || !strings.Contains(err.Error(), "without the API server for more than 1h0m0s: configmaps (waiting, for 1h0m0s)") {
			t.Errorf("after more than the limit: %v", err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
