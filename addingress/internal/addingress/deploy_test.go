package addingress

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/rest"
)

// The API server takes the manifest, and admits its Pod to a namespace that admits restricted ones
// only (https://kubernetes.io/docs/concepts/security/pod-security-standards/). That the operator can
// do its work with the rights that the manifest gives it is shown by every test that starts one.
func TestManifestOnTheControlPlane(t *testing.T) {
	w := newWorld(t)
	installRights(t, w.cluster)
	var deployment appsv1.Deployment
	for _, u := range manifest(t) {
		if u.GetKind() == "Deployment" {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &deployment); err != nil {
				t.Fatal(err)
			}
		}
	}
	if deployment.Name == "" {
		t.Fatal("the manifest has no Deployment")
	}
	pods := client.Of[corev1.Pod](w.admin).In(deployment.Namespace)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "addingress-0", Labels: deployment.Spec.Template.Labels},
		Spec:       deployment.Spec.Template.Spec,
	}
	made, err := pods.Create(w.ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	if account := made.Spec.ServiceAccountName; account != "addingress" {
		t.Errorf("the Pod runs as %q", account)
	}

	root := pod.DeepCopy()
	root.Spec.SecurityContext.RunAsNonRoot = nil
	if _, err := pods.Create(w.ctx, root, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err == nil {
		t.Error("a Pod that may run as root is admitted, too: the namespace is not restricted")
	}
}

// The rights of the manifest suffice for the election, by which a replica leads that has no others.
func TestRightsOfTheElection(t *testing.T) {
	w := newWorld(t)
	installRights(t, w.cluster)
	config := w.cluster.Config()
	config.Impersonate = rest.Impersonation{User: "system:serviceaccount:addingress:addingress", Groups: []string{"system:authenticated"}}
	elector, err := election.New(config, election.Options{Namespace: "addingress", Name: "addingress-default"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first one creates the Lease
		ctx, cancel := context.WithCancel(w.ctx)
		led := false
		if err := elector.Run(ctx, func(context.Context) error { led = true; cancel(); return nil }); err != nil || !led {
			t.Errorf("led: %v, %v", led, err)
		}
		cancel()
	}
}
