package tested

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

func TestServiceGetsItsTeam(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, faults.NewStore())
		services := client.Of[corev1.Service](c).In("shop")
		if _, err := services.Create(t.Context(), service(), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until nothing is left to do
		s, err := services.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil || s.Labels["team"] != "shop" {
			t.Errorf("the labels are %v, %v", s.Labels, err)
		}
	})
}

func TestServerIsAwayForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		layer := faults.NewLayer(store, faults.Rule{
			On: faults.Update, Until: time.Hour, Do: faults.Status(http.StatusServiceUnavailable)})
		c := start(t, layer)
		services := client.Of[corev1.Service](c).In("shop")
		if _, err := services.Create(t.Context(), service(), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour) // of the bubble's clock: it takes no time
		s, err := services.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil || s.Labels["team"] != "shop" {
			t.Errorf("the labels are %v, %v", s.Labels, err)
		}
		if n := faults.Faulted(layer.Requests()); n < 5 || n > 500 {
			t.Errorf("%d requests within an hour: it must try again, and less and less often", n)
		}
	})
}

// start runs the controller on a server in memory until the test ends.
func start(t *testing.T, handler http.Handler) *rest.Client {
	t.Helper()
	server := faults.Start(t, handler, faults.Options{})
	c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial,
		JSONOnly: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run(t, c)
	return c
}

// run runs the controller until the test ends, and fails the test if it ends with an error.
func run(t *testing.T, c *rest.Client, opts ...informer.Option) {
	t.Helper()
	factory := informer.NewFactory(c, opts...)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- controller.Run(ctx, factory, New(c, factory)) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func service() *corev1.Service {
	s := &corev1.Service{}
	s.Namespace, s.Name = "shop", "web"
	s.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	return s
}
