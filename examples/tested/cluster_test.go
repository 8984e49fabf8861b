package tested

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func TestServiceGetsItsTeamOnACluster(t *testing.T) {
	cluster := controlplane.Start(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	namespace := cluster.Namespace(t) // no other test sees it
	run(t, c, informer.Namespace(namespace))

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	services := client.Of[corev1.Service](c).In(namespace)
	s := service()
	s.Namespace = namespace
	if _, err := services.Create(ctx, s, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = services.WaitFor(ctx, "web", wait.When("to have a team", func(s *corev1.Service) bool {
		return s.Labels["team"] == namespace
	}))
	if err != nil {
		t.Error(err) // says what was waited for, and how the object was
	}
}
