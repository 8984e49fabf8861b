package dynamic_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
)

func object(apiVersion, kind, name string, fields map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	for k, v := range fields {
		u.Object[k] = v
	}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetName(name)
	return u
}

// Each verb that a built-in subresource has, and a Write for what has changed an object.
func TestSubresourcesOfBuiltIns(t *testing.T) {
	c, ctx := connect(t), soon(t)
	cluster := controlplane.Start(t)
	ns := cluster.Namespace(t)
	var told []client.Write
	ctx = client.WithWriteObserver(ctx, func(w client.Write) { told = append(told, w) })
	d := dynamic.New(c)
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.com/i"}}},
	}
	if _, err := client.Of[appsv1.Deployment](c).In(ns).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(0)), Template: template,
			Selector: &metav1.LabelSelector{MatchLabels: template.Labels}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	told = nil
	r := d.Resource(deployments).In(ns)
	scale, err := r.Apply(ctx, object("autoscaling/v1", "Scale", "a", map[string]any{"spec": map[string]any{"replicas": int64(2)}}),
		metav1.ApplyOptions{FieldManager: "m", Force: true}, "scale")
	if n, _, _ := unstructured.NestedInt64(scale.Object, "spec", "replicas"); err != nil || scale.GetKind() != "Scale" || n != 2 {
		t.Fatalf("apply of the scale: %v, %v", scale, err)
	}
	if len(told) != 1 || told[0].Kind.Kind != "Deployment" || told[0].ResourceVersion != scale.GetResourceVersion() {
		t.Errorf("of the scale was told %+v", told)
	}
	status, err := r.Apply(ctx, object("apps/v1", "Deployment", "a", map[string]any{
		"spec": map[string]any{"replicas": int64(9)}, "status": map[string]any{"observedGeneration": int64(2)}}),
		metav1.ApplyOptions{FieldManager: "m", Force: true}, "status")
	if err != nil {
		t.Fatal(err)
	}
	if n, _, _ := unstructured.NestedInt64(status.Object, "spec", "replicas"); n != 2 {
		t.Errorf("apply of the status applies the spec: %v", status)
	}

	if _, err := client.Of[corev1.ServiceAccount](c).In(ns).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	told = nil
	token, err := d.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).In(ns).Create(ctx,
		object("authentication.k8s.io/v1", "TokenRequest", "a", map[string]any{"spec": map[string]any{"expirationSeconds": int64(600)}}),
		metav1.CreateOptions{}, "token")
	if err != nil {
		t.Fatal(err)
	}
	if s, _, _ := unstructured.NestedString(token.Object, "status", "token"); s == "" || token.GetKind() != "TokenRequest" {
		t.Error("the answer to a TokenRequest has no token")
	}
	if len(told) != 0 {
		t.Errorf("of a token was told %+v", told)
	}
}

func TestMisuseOfASubresourceIsRefused(t *testing.T) {
	r := dynamic.New(connect(t)).Resource(corev1.SchemeGroupVersion.WithResource("pods")).In("n")
	for _, c := range []struct {
		u    *unstructured.Unstructured
		sub  string
		says string
	}{
		{object("v1", "Node", "a", nil), "resize", "kind is Node"},
		{object("v1", "Node", "a", nil), "status", "kind is Node"},
		{object("v1", "Pod", "", nil), "ephemeralcontainers", "metadata.name is empty"},
		{&unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "a"}}}, "eviction", "has no kind"},
		{nil, "resize", "the object is nil"},
	} {
		_, err := r.Update(t.Context(), c.u, metav1.UpdateOptions{}, c.sub)
		if _, ok := err.(*kind.MisuseError); !ok || !strings.Contains(err.Error(), c.says) {
			t.Errorf("update of %s by %v: %v, want %q", c.sub, c.u, err, c.says)
		}
	}
}
