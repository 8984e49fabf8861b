package events_test

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/events"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// A real API server takes what is recorded, and continues it as a series.
func TestOnAControlPlane(t *testing.T) {
	cluster := controlplane.Start(t)
	namespace := cluster.Namespace(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	log := faults.NewLog()
	record := func(all ...events.Event) []error {
		t.Helper()
		r, err := events.New(c, events.Options{Controller: "example.com/test", Instance: strings.Repeat("ü", 100), Logger: log.Logger(),
			FlushTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		errs := make([]error, len(all))
		for i, e := range all {
			e.Done = func(err error) { errs[i] = err }
			r.Record(e)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
		return errs
	}
	pod := events.Ref(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web", UID: "u1"}})
	role := events.Ref(&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "system:Test", UID: "u2"}})
	long := strings.Repeat("é", 1000)
	all := []events.Event{
		{Regarding: pod, Type: "Warning", Reason: "Failed", Action: "Sync", Note: long, Related: &role},
		{Regarding: pod, Type: "Normal", Reason: long, Action: long},
		{Regarding: role, Type: "Normal", Reason: "Seen", Action: "Look", Note: "of a cluster-scoped object", Related: &pod},
		{Regarding: pod, Type: "Normal", Reason: "Twice", Action: "Look"},
		{Regarding: pod, Type: "Normal", Reason: "Twice", Action: "Look"},
	}
	for round := range int32(2) {
		for i, err := range record(all...) {
			if err != nil {
				t.Errorf("round %d: %d: %v", round, i, err)
			}
		}
	}
	stored, err := client.Of[eventsv1.Event](c).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]eventsv1.Event{}
	for _, e := range stored.Items {
		if e.ReportingController == "example.com/test" {
			seen[e.Reason[:4]] = e
		}
	}
	if len(seen) != 4 || seen["Seen"].Namespace != "default" || seen["Seen"].Regarding.Kind != "ClusterRole" || seen["Fail"].Related.Name != "system:Test" ||
		seen["Fail"].Series.Count != 2 || seen["Twic"].Series.Count != 4 || seen["Twic"].Namespace != namespace {
		t.Errorf("%+v", seen)
	}
	if log := log.String(); log != "" {
		t.Error(log)
	}

	// A namespace that is being deleted: said once.
	namespaces := client.Of[corev1.Namespace](c)
	gone := cluster.Namespace(t)
	keeps, err := client.Of[corev1.ConfigMap](c).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: gone, Name: "keeps", Finalizers: []string{"example.com/test"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := namespaces.Delete(t.Context(), gone, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	pod.Namespace = gone
	other := pod
	other.Name = "other"
	for i, err := range record(events.Event{Regarding: pod, Type: "Normal", Reason: "R", Action: "A"}, events.Event{Regarding: other, Type: "Normal", Reason: "R", Action: "A"}) {
		if !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := strings.Count(log.String(), "WARN Event dropped"); n != 1 || strings.Count(log.String(), "Event dropped") != 2 {
		t.Errorf("%d lines:\n%s", n, log)
	}
	if _, err := client.Of[corev1.ConfigMap](c).Finalizer(t.Context(), keeps, "example.com/test", false); client.IgnoreNotFound(err) != nil {
		t.Error(err)
	}
}
