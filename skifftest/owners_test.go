package skifftest_test

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/skifftest"
)

// The scale subresource has owners: who applies the replicas conflicts with who scaled last, and the
// entries are those that a control plane writes (package owners compares them with one).
func TestScaleHasOwners(t *testing.T) {
	labels := map[string]string{"app": "web"}
	s := skifftest.New(t, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c"}}}},
		},
	})
	c := newClient(t, s)
	scale := func(kind types.PatchType, manager string, replicas int, force bool) error {
		body := fmt.Sprintf(`{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"web"},"spec":{"replicas":%d}}`, replicas)
		q := c.Patch(kind).GroupVersion(appsv1.SchemeGroupVersion).Namespace("shop").Resource("deployments").Name("web").
			SubResource("scale").Param("fieldManager", manager).Body([]byte(body))
		if force {
			q = q.Param("force", "true")
		}
		_, err := q.DoRaw(t.Context())
		return err
	}
	if err := scale(types.MergePatchType, "kubectl", 3, false); err != nil {
		t.Fatal(err)
	}
	err := scale(types.ApplyYAMLPatchType, "hpa", 4, false)
	if !apierrors.IsConflict(err) {
		t.Errorf("apply of what another scaled: %v", err)
	}
	if err := scale(types.ApplyYAMLPatchType, "hpa", 4, true); err != nil {
		t.Fatal(err)
	}
	got, err := client.Of[appsv1.Deployment](c).In("shop").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Spec.Replicas != 4 {
		t.Errorf("%d replicas", *got.Spec.Replicas)
	}
	i := slices.IndexFunc(got.ManagedFields, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == "hpa" })
	if i < 0 || got.ManagedFields[i].Subresource != "scale" || got.ManagedFields[i].Operation != metav1.ManagedFieldsOperationApply {
		t.Errorf("the owners are %v", got.ManagedFields)
	}
	if slices.ContainsFunc(got.ManagedFields, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == "kubectl" }) {
		t.Errorf("kubectl still owns the replicas: %v", got.ManagedFields)
	}
}
