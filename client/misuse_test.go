package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// untouched returns a client of a server that must not be asked anything.
func untouched(t *testing.T) *rest.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a request was made: %s %s", r.Method, r.URL)
		http.Error(w, "nothing here", http.StatusTeapot)
	}))
	t.Cleanup(s.Close)
	c, err := rest.NewClient(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatCannotBeRightIsSaidBeforeAnyRequest(t *testing.T) {
	ctx := context.Background()
	c := untouched(t)
	maps := client.Of[corev1.ConfigMap](c)
	nodes := client.Of[corev1.Node](c)
	cm := func(namespace, name string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	as := func(apiVersion, kind string) *corev1.ConfigMap {
		m := cm("n", "a")
		m.TypeMeta = metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
		return m
	}
	node := func(namespace string) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "a"}}
	}
	create := func(c *client.Client[corev1.ConfigMap], m *corev1.ConfigMap) error {
		_, err := c.Create(ctx, m, metav1.CreateOptions{})
		return err
	}
	update := func(c *client.Client[corev1.ConfigMap], m *corev1.ConfigMap) error {
		_, err := c.Update(ctx, m, metav1.UpdateOptions{})
		return err
	}
	apply := func(c *client.Client[corev1.ConfigMap], m *corev1.ConfigMap, manager string) error {
		_, err := c.Apply(ctx, m, metav1.ApplyOptions{FieldManager: manager})
		return err
	}
	get := func(c *client.Client[corev1.ConfigMap], name string) error {
		_, err := c.Get(ctx, name, metav1.GetOptions{})
		return err
	}
	patch := func(pt types.PatchType, data string, sub ...string) error {
		_, err := maps.In("n").Patch(ctx, "a", pt, []byte(data), metav1.PatchOptions{}, sub...)
		return err
	}
	_, getNode := nodes.In("n").Get(ctx, "a", metav1.GetOptions{})
	_, listNodes := nodes.In("n").List(ctx, metav1.ListOptions{})
	_, watchNodes := nodes.In("n").Watch(ctx, metav1.ListOptions{})
	_, createNode := nodes.Create(ctx, node("n"), metav1.CreateOptions{})
	_, updateStatus := maps.UpdateStatus(ctx, cm("", "a"), metav1.UpdateOptions{})
	_, applyStatus := maps.In("n").ApplyStatus(ctx, cm("", "a"), metav1.ApplyOptions{})

	for _, c := range []struct {
		name string
		err  error
		says []string
	}{
		{"get without a name", get(maps.In("n"), ""), []string{"get configmaps", "the name is empty"}},
		{"get without a namespace", get(maps, "a"), []string{`get configmaps "a"`, "In(namespace)"}},
		{"get of a node in a namespace", getNode, []string{`get nodes "a"`, `In("n")`, "leave it out"}},
		{"list of nodes in a namespace", listNodes, []string{"list nodes", `In("n")`}},
		{"watch of nodes in a namespace", watchNodes, []string{"watch nodes", `In("n")`}},
		{"create without a name", create(maps.In("n"), cm("", "")), []string{"metadata.name", "metadata.generateName"}},
		{"create without a namespace", create(maps, cm("", "a")), []string{"metadata.namespace"}},
		{"create in two namespaces", create(maps.In("n"), cm("m", "a")), []string{`"m"`, `In("n")`}},
		{"create of nothing", create(maps.In("n"), nil), []string{"the object is nil"}},
		{"create of a node in a namespace", createNode, []string{"cluster-scoped", `"n"`}},
		{"create of another version", create(maps, as("v2", "ConfigMap")), []string{"apiVersion is v2", "writes v1"}},
		{"create of another kind", create(maps, as("v1", "Secret")), []string{"kind is Secret", "writes ConfigMap"}},
		{"update without a name", update(maps.In("n"), cm("", "")), []string{"metadata.name is empty"}},
		{"update in two namespaces", update(maps.In("n"), cm("m", "a")), []string{`"m"`, `In("n")`}},
		{"update of a status without a namespace", updateStatus, []string{"metadata.namespace"}},
		{"patch of no type", patch("", "{}"), []string{"types.MergePatchType"}},
		{"patch of nothing", patch(types.MergePatchType, ""), []string{"the patch is empty"}},
		{"patch of the scale", patch(types.MergePatchType, "{}", "scale"), []string{"no ConfigMap but a Scale", "SubresourceOf[Scale]"}},
		{"apply patch without a manager", patch(types.ApplyPatchType, "{}"), []string{"FieldManager"}},
		{"apply without a manager", apply(maps, cm("n", "a"), ""), []string{`apply configmaps "a"`, "FieldManager"}},
		{"apply of a status without a manager", applyStatus, []string{"FieldManager"}},
		{"apply without a name", apply(maps.In("n"), cm("", ""), "m"), []string{"metadata.name is empty"}},
		{"delete without a name", maps.In("n").Delete(ctx, "", metav1.DeleteOptions{}), []string{"the name is empty"}},
		{"delete without a namespace", maps.Delete(ctx, "a", metav1.DeleteOptions{}), []string{"In(namespace)"}},
		{"delete of all, everywhere", maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}), []string{"In(namespace)"}},
	} {
		var misuse *kind.MisuseError
		if !errors.As(c.err, &misuse) {
			t.Errorf("%s: %v is no MisuseError", c.name, c.err)
			continue
		}
		for _, says := range c.says {
			if !strings.Contains(c.err.Error(), says) {
				t.Errorf("%s: %q does not say %q", c.name, c.err, says)
			}
		}
	}
	for _, err := range nodes.In("n").All(ctx, metav1.ListOptions{}) {
		if err == nil {
			t.Error("All of nodes in a namespace yields one")
		}
	}
}

type noType struct{ metav1.ObjectMeta }

func TestATypeThatCannotBeUsedIsReportedByEveryCall(t *testing.T) {
	c := untouched(t)
	k := kind.Info{Group: "example.com", Version: "v1", Kind: "K", Resource: "ks", Namespaced: true}
	var unknown *kind.UnknownError
	if err := everyCall(t, client.Of[noType](c)); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "kind.Register") {
		t.Errorf("an unknown type: %v", err)
	}
	var misuse *kind.MisuseError
	for _, u := range []*client.Client[unstructured.Unstructured]{
		client.Of[unstructured.Unstructured](c),
		client.Of[unstructured.Unstructured](c, client.WithKind(k)),
	} {
		if err := everyCall(t, u); !errors.As(err, &misuse) || !strings.Contains(err.Error(), "package dynamic") {
			t.Errorf("unstructured: %v", err)
		}
	}
	if err := everyCall(t, client.Of[noType](c, client.WithKind(k))); !strings.Contains(err.Error(), "embed metav1.TypeMeta") {
		t.Errorf("no type: %v", err)
	}
}

// everyCall makes every call there is, and returns the one error that all must return.
func everyCall[T any](t *testing.T, c *client.Client[T]) error {
	t.Helper()
	ctx := context.Background()
	obj := new(T)
	var errs []error
	note := func(_ any, err error) { errs = append(errs, err) }
	_, err := c.Kind()
	note(nil, err)
	note(c.Get(ctx, "a", metav1.GetOptions{}))
	note(c.List(ctx, metav1.ListOptions{}))
	note(c.Watch(ctx, metav1.ListOptions{}))
	note(c.Create(ctx, obj, metav1.CreateOptions{}))
	note(c.Update(ctx, obj, metav1.UpdateOptions{}))
	note(c.UpdateStatus(ctx, obj, metav1.UpdateOptions{}))
	note(c.Patch(ctx, "a", types.MergePatchType, []byte("{}"), metav1.PatchOptions{}))
	note(c.Apply(ctx, obj, metav1.ApplyOptions{FieldManager: "m"}))
	note(c.ApplyStatus(ctx, obj, metav1.ApplyOptions{FieldManager: "m"}))
	note(nil, c.Delete(ctx, "a", metav1.DeleteOptions{}))
	note(nil, c.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	for _, err := range c.All(ctx, metav1.ListOptions{}) {
		note(nil, err)
	}
	if len(errs) != 13 {
		t.Fatalf("%d calls, want 13", len(errs))
	}
	for i, err := range errs {
		if err == nil || err.Error() != errs[0].Error() {
			t.Fatalf("call %d returns %v, the first one %v", i, err, errs[0])
		}
	}
	return errs[0]
}
