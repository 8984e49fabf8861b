package skifftest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/examples/tested"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest"
)

func TestServiceGetsItsTeam(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := skifftest.New(t, service("web", nil), service("db", map[string]string{"team": "data"}))
		runTeams(t, s)
		synctest.Wait() // until nothing is left to do
		for name, want := range map[string]string{"web": "shop", "db": "data"} {
			if got := skifftest.Get[corev1.Service](s, "shop", name).Labels["team"]; got != want {
				t.Errorf("the team of %s is %q, want %q", name, got, want)
			}
		}
	})
}

func TestConflictIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := skifftest.New(t, service("web", nil), skifftest.WithFaults(
			faults.Rule{On: faults.Update, Times: 1, Do: faults.Status(409)}))
		runTeams(t, s)
		time.Sleep(time.Minute) // of the bubble's clock
		if got := skifftest.Get[corev1.Service](s, "shop", "web").Labels["team"]; got != "shop" {
			t.Errorf("the team is %q", got)
		}
	})
}

// runTeams runs the controller until the test ends.
func runTeams(t *testing.T, s *skifftest.Server) {
	t.Helper()
	c, err := rest.NewClient(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	factory := informer.NewFactory(c)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- controller.Run(ctx, factory, tested.New(c, factory)) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func service(name string, labels map[string]string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: labels}}
}
