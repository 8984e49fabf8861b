package dynamic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func connect(t *testing.T) *rest.Client {
	t.Helper()
	c, err := rest.NewClient(controlplane.Start(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var (
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	configMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	nodes       = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	gadgets     = schema.GroupVersionResource{Group: "dynamic.skiff.example.com", Version: "v1", Resource: "gadgets"}
)

// establish makes a custom resource and waits until it is served.
func establish(t *testing.T, d *dynamic.Client) {
	t.Helper()
	ctx := soon(t)
	crd := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": gadgets.Resource + "." + gadgets.Group},
		"spec": map[string]any{
			"group": gadgets.Group, "scope": "Namespaced",
			"names": map[string]any{"plural": gadgets.Resource, "kind": "Gadget"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"subresources": map[string]any{"status": map[string]any{}, "scale": map[string]any{
					"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size",
				}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
			}},
		},
	}}
	if _, err := d.Resource(definitions).Create(ctx, crd, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	w, err := d.Resource(definitions).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + crd.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range w.Events() {
		if err != nil {
			t.Fatal(err)
		}
		conditions, _, _ := unstructured.NestedSlice(e.Object.Object, "status", "conditions")
		for _, c := range conditions {
			if c := c.(map[string]any); c["type"] == "Established" && c["status"] == "True" {
				return
			}
		}
	}
	t.Fatal("the watch has ended")
}

func gadget(name string, size int64) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": gadgets.GroupVersion().String(), "kind": "Gadget",
		"metadata": map[string]any{"name": name},
		"spec":     map[string]any{"size": size},
	}}
}

func TestEveryVerbOnAResourceKnownByNameOnly(t *testing.T) {
	d, ctx := dynamic.New(connect(t)), soon(t)
	establish(t, d)
	r := d.Resource(gadgets).In(controlplane.Start(t).Namespace(t))
	is := func(what string, u *unstructured.Unstructured, err error, size int64, phase string) *unstructured.Unstructured {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		s, _, _ := unstructured.NestedInt64(u.Object, "spec", "size")
		p, _, _ := unstructured.NestedString(u.Object, "status", "phase")
		if u.GetKind() != "Gadget" || u.GetAPIVersion() != "dynamic.skiff.example.com/v1" || u.GetName() != "a" || s != size || p != phase {
			t.Errorf("after %s it is %v", what, u.Object)
		}
		return u
	}
	set := func(u *unstructured.Unstructured, size int64, phase string) *unstructured.Unstructured {
		u = u.DeepCopy()
		_ = unstructured.SetNestedField(u.Object, size, "spec", "size")
		_ = unstructured.SetNestedField(u.Object, phase, "status", "phase")
		return u
	}
	var told []client.Write
	ctx = client.WithWriteObserver(ctx, func(w client.Write) { told = append(told, w) })

	u, err := r.Create(ctx, gadget("a", 1), metav1.CreateOptions{})
	u = is("Create", u, err, 1, "")
	if len(told) != 1 || told[0].Kind.GVK() != u.GroupVersionKind() || told[0].Kind.GVR() != gadgets || !told[0].Kind.Namespaced || told[0].ResourceVersion != u.GetResourceVersion() {
		t.Errorf("of Create was told %+v", told)
	}
	w, err := r.Watch(ctx, metav1.ListOptions{ResourceVersion: u.GetResourceVersion()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	got, err := r.Get(ctx, "a", metav1.GetOptions{})
	is("Get", got, err, 1, "")
	stale := u
	u, err = r.Update(ctx, set(u, 2, "Ignored"), metav1.UpdateOptions{})
	u = is("Update", u, err, 2, "")
	u, err = r.UpdateStatus(ctx, set(u, 99, "Ready"), metav1.UpdateOptions{})
	is("UpdateStatus", u, err, 2, "Ready")
	if _, err := r.Update(ctx, stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("update of an old version: %v", err)
	}
	u, err = r.Patch(ctx, "a", types.MergePatchType, []byte(`{"spec":{"size":3}}`), metav1.PatchOptions{})
	is("Patch", u, err, 3, "Ready")
	u, err = r.Patch(ctx, "a", types.MergePatchType, []byte(`{"status":{"phase":"Patched"}}`), metav1.PatchOptions{}, "status")
	is("Patch of the status", u, err, 3, "Patched")
	u, err = r.Apply(ctx, gadget("a", 4), metav1.ApplyOptions{FieldManager: "m", Force: true})
	is("Apply", u, err, 4, "Patched")
	u, err = r.ApplyStatus(ctx, set(gadget("a", 99), 99, "Applied"), metav1.ApplyOptions{FieldManager: "s", Force: true})
	u = is("ApplyStatus", u, err, 4, "Applied")
	u, err = r.Apply(ctx, u, metav1.ApplyOptions{FieldManager: "m"})
	is("Apply of what was read", u, err, 4, "Applied")

	scale, err := r.Get(ctx, "a", metav1.GetOptions{}, "scale")
	if err != nil || scale.GetKind() != "Scale" {
		t.Fatalf("its scale: %v, %v", scale, err)
	}
	_ = unstructured.SetNestedField(scale.Object, int64(5), "spec", "replicas")
	if scale, err = r.Update(ctx, scale, metav1.UpdateOptions{}, "scale"); err != nil || scale.GetKind() != "Scale" {
		t.Errorf("update of its scale: %v, %v", scale, err)
	}
	got, err = r.Get(ctx, "a", metav1.GetOptions{})
	is("Update of its scale", got, err, 5, "Applied")

	for i, phase := range []string{"", "Ready", "Ready", "Patched", "Patched", "Applied", "Applied"} {
		e, err := w.Next()
		if err != nil {
			t.Fatal(err)
		}
		p, _, _ := unstructured.NestedString(e.Object.Object, "status", "phase")
		if e.Type != dynamic.Modified || p != phase || e.Object.GetKind() != "Gadget" || len(e.Object.GetManagedFields()) != 0 {
			t.Errorf("event %d is %s %v", i, e.Type, e.Object)
		}
	}
	if err := r.Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	if e, err := w.Next(); err != nil || e.Type != dynamic.Deleted {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := r.Get(ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("get after delete: %v", err)
	}
}

func TestListsPagesAndCollections(t *testing.T) {
	d, ctx := dynamic.New(connect(t)), soon(t)
	establish(t, d)
	r := d.Resource(gadgets).Namespace(controlplane.Start(t).Namespace(t))
	for i := range 7 {
		if _, err := r.Create(ctx, gadget(fmt.Sprint("g", i), int64(i)), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := r.List(ctx, metav1.ListOptions{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if list.GetKind() != "GadgetList" || list.GetAPIVersion() != "dynamic.skiff.example.com/v1" || list.GetResourceVersion() == "" ||
		list.GetContinue() == "" || *list.GetRemainingItemCount() != 4 || len(list.Items) != 3 || list.Items[0].GetKind() != "Gadget" {
		t.Errorf("%+v", list)
	}
	n := int64(0)
	for u, err := range r.All(ctx, metav1.ListOptions{Limit: 3}) {
		if err != nil {
			t.Fatal(err)
		}
		if size, _, _ := unstructured.NestedInt64(u.Object, "spec", "size"); size != n || len(u.GetManagedFields()) != 0 {
			t.Errorf("object %d is %v", n, u)
		}
		n++
	}
	if n != 7 {
		t.Errorf("%d objects", n)
	}
	for u, err := range dynamic.New(connect(t), dynamic.KeepManagedFields()).Resource(gadgets).All(ctx, metav1.ListOptions{}) {
		if err != nil || len(u.GetManagedFields()) == 0 {
			t.Errorf("with KeepManagedFields: %v, %v", u, err)
		}
	}
	if err := r.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if list, err = r.List(ctx, metav1.ListOptions{}); err != nil || len(list.Items) != 0 || list.Items == nil {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestABuiltInIsTheSameThroughBothClients(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := controlplane.Start(t).Namespace(t)
	labels := map[string]string{"app": "web"}
	typed, err := client.Of[appsv1.Deployment](c).In(ns).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.com/i"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := dynamic.New(c).Resource(deployments).In(ns).Get(ctx, "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := dynamic.To[appsv1.Deployment](u)
	if err != nil {
		t.Fatal(err)
	}
	if got.UID != typed.UID || got.Kind != "Deployment" || *got.Spec.Replicas != *typed.Spec.Replicas ||
		got.Spec.Template.Spec.Containers[0].TerminationMessagePath != typed.Spec.Template.Spec.Containers[0].TerminationMessagePath {
		t.Errorf("dynamic\n%+v, typed\n%+v", got, typed)
	}
}

func TestAWatchEndsInGoodOrder(t *testing.T) {
	d, ctx := dynamic.New(connect(t)), soon(t)
	r := d.Resource(configMaps).In(controlplane.Start(t).Namespace(t))
	opts := metav1.ListOptions{FieldSelector: "metadata.name=none", TimeoutSeconds: new(int64(1))}
	w, err := r.Watch(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := w.Next(); err != io.EOF {
		t.Errorf("%v, %v; want io.EOF", e, err)
	}
	if w, err = r.Watch(ctx, opts); err != nil {
		t.Fatal(err)
	}
	for e, err := range w.Events() {
		t.Errorf("%v, %v", e, err)
	}
	if _, err := w.Next(); err == nil {
		t.Error("Next after Events")
	}
}

func TestMisuse(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "http://127.0.0.1:1", MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	d, ctx := dynamic.New(c), t.Context()
	object := func(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{}}
		u.SetAPIVersion(apiVersion)
		u.SetKind(kind)
		u.SetNamespace(namespace)
		u.SetName(name)
		return u
	}
	create := func(r *dynamic.Resource, u *unstructured.Unstructured) error {
		_, err := r.Create(ctx, u, metav1.CreateOptions{})
		return err
	}
	_, get := d.Resource(configMaps).Get(ctx, "a", metav1.GetOptions{})
	_, getNode := d.Resource(nodes).In("n").Get(ctx, "a", metav1.GetOptions{})
	_, apply := d.Resource(gadgets).In("n").Apply(ctx, gadget("a", 1), metav1.ApplyOptions{})
	_, update := d.Resource(gadgets).In("n").Update(ctx, gadget("", 1), metav1.UpdateOptions{})
	for name, err := range map[string]error{
		"a namespaced resource without a namespace": get,
		"a cluster-scoped resource in a namespace":  getNode,
		"apply without a manager":                   apply,
		"update without a name":                     update,
		"nothing":                                   create(d.Resource(gadgets), nil),
		"an empty nothing":                          create(d.Resource(gadgets), &unstructured.Unstructured{}),
		"no kind":                                   create(d.Resource(gadgets).In("n"), object("dynamic.skiff.example.com/v1", "", "", "a")),
		"another group version":                     create(d.Resource(gadgets).In("n"), object("v1", "Gadget", "", "a")),
		"another kind of a built-in resource":       create(d.Resource(configMaps).In("n"), object("v1", "Secret", "", "a")),
		"two namespaces":                            create(d.Resource(gadgets).In("n"), object("dynamic.skiff.example.com/v1", "Gadget", "m", "a")),
		"no name":                                   create(d.Resource(gadgets).In("n"), object("dynamic.skiff.example.com/v1", "Gadget", "", "")),
		"a deletion everywhere":                     d.Resource(configMaps).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}),
	} {
		var misuse *kind.MisuseError
		if !errors.As(err, &misuse) {
			t.Errorf("%s: %v is no MisuseError", name, err)
		}
	}
}
