package client_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// Widget is a custom type as people write them for controllers.
type Widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   WidgetSpec   `json:"spec,omitempty"`
	Status WidgetStatus `json:"status,omitempty"`
}

type WidgetSpec struct {
	Size  int32       `json:"size,omitempty"`
	Shape WidgetShape `json:"shape,omitempty"`
}

type WidgetShape struct {
	Corners int32 `json:"corners,omitempty"`
}

type WidgetStatus struct {
	Phase string `json:"phase,omitempty"`
}

var widget = kind.Info{Group: "client.skiff.example.com", Version: "v1", Kind: "Widget", Resource: "widgets", Namespaced: true}

// definition is as much of a CustomResourceDefinition as is needed to see it established.
type definition struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Status            struct {
		Conditions []metav1.Condition `json:"conditions"`
	} `json:"status,omitempty"`
}

// establish makes the custom resource and waits until it is served.
func establish(t *testing.T, c *rest.Client) {
	t.Helper()
	if err := kind.Register[Widget](widget); err != nil {
		t.Fatal(err)
	}
	define(t, c, widget, `{"type": "object", "properties": {
		"spec": {"type": "object", "properties": {
			"size": {"type": "integer"},
			"shape": {"type": "object", "properties": {"corners": {"type": "integer"}}}}},
		"status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}`)
}

// define makes a custom resource of a schema and waits until it is served.
func define(t *testing.T, c *rest.Client, r kind.Info, schema string) {
	t.Helper()
	scope := "Cluster"
	if r.Namespaced {
		scope = "Namespaced"
	}
	body := fmt.Sprintf(`{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": {"name": "%[1]s.%[2]s"},
		"spec": {"group": %[2]q, "scope": %[4]q,
			"names": {"plural": %[1]q, "singular": %[6]q, "kind": %[3]q, "listKind": "%[3]sList"},
			"versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}, "scale": {
					"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.ready"}},
				"schema": {"openAPIV3Schema": %[5]s}}]}}`, r.Resource, r.Group, r.Kind, scope, schema, strings.ToLower(r.Kind))
	k, ok := kind.ByGVK(crdGVK)
	if !ok {
		t.Fatal("package kind does not know a CustomResourceDefinition")
	}
	ctx := soon(t)
	err := c.Post().GroupVersion(k.GroupVersion()).Resource(k.Resource).Body([]byte(body)).Do(ctx).Error()
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	until(t, client.Of[definition](c, client.WithKind(k)), func(e client.Event[definition]) bool {
		return e.Object.Name == r.Resource+"."+r.Group && slices.ContainsFunc(e.Object.Status.Conditions, func(c metav1.Condition) bool {
			return c.Type == "Established" && c.Status == metav1.ConditionTrue
		})
	})
}

var crdGVK = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

func TestEveryVerbOnACustomResource(t *testing.T) {
	c, ctx := connect(t), soon(t)
	establish(t, c)
	widgets := client.Of[Widget](c).In(namespace(t, c))
	is := func(what string, w *Widget, size int32, phase string) {
		t.Helper()
		if w.APIVersion != widget.APIVersion() || w.Kind != "Widget" || w.Name != "a" || w.Spec.Size != size || w.Status.Phase != phase {
			t.Errorf("after %s it is %+v", what, w)
		}
	}
	w := must(widgets.Create(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: WidgetSpec{Size: 1}}, metav1.CreateOptions{}))(t)
	is("Create", w, 1, "")
	is("Get", must(widgets.Get(ctx, "a", metav1.GetOptions{}))(t), 1, "")

	watch := must(widgets.Watch(ctx, metav1.ListOptions{ResourceVersion: w.ResourceVersion}))(t)
	defer watch.Close()

	w.Spec.Size, w.Status.Phase = 2, "Ignored"
	w = must(widgets.Update(ctx, w, metav1.UpdateOptions{}))(t)
	is("Update", w, 2, "")
	w.Spec.Size, w.Status.Phase = 99, "Ready"
	w = must(widgets.UpdateStatus(ctx, w, metav1.UpdateOptions{}))(t)
	is("UpdateStatus", w, 2, "Ready")
	stale := *w
	w = must(widgets.Patch(ctx, "a", types.MergePatchType, []byte(`{"spec":{"size":3}}`), metav1.PatchOptions{}))(t)
	is("a merge patch", w, 3, "Ready")
	w = must(widgets.Patch(ctx, "a", types.JSONPatchType, []byte(`[{"op":"replace","path":"/status/phase","value":"Patched"}]`), metav1.PatchOptions{}, "status"))(t)
	is("a JSON patch of the status", w, 3, "Patched")
	if _, err := widgets.Patch(ctx, "a", types.StrategicMergePatchType, []byte(`{}`), metav1.PatchOptions{}); !apierrors.IsUnsupportedMediaType(err) {
		t.Errorf("a strategic merge patch of a custom resource: %v", err)
	}
	if _, err := widgets.Update(ctx, &stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("update of an old version: %v", err)
	}

	w = must(widgets.Apply(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: WidgetSpec{Size: 4}, Status: WidgetStatus{Phase: "Ignored"}},
		metav1.ApplyOptions{FieldManager: "m", Force: true}))(t)
	is("Apply", w, 4, "Patched")
	if got := owned(t, w, "m"); !slices.Equal(got, []string{"spec/size"}) {
		t.Errorf("who applied the size owns %q", got)
	}
	w = must(widgets.ApplyStatus(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: WidgetSpec{Size: 99}, Status: WidgetStatus{Phase: "Applied"}},
		metav1.ApplyOptions{FieldManager: "s", Force: true}))(t)
	is("ApplyStatus", w, 4, "Applied")
	if got := owned(t, w, "s"); !slices.Equal(got, []string{"status/phase"}) {
		t.Errorf("who applied the status owns %q", got)
	}

	for _, phase := range []string{"", "Ready", "Ready", "Patched", "Patched", "Applied"} {
		if e := next(t, watch); e.Type != client.Modified || e.Object.Status.Phase != phase || e.Object.Kind != "Widget" {
			t.Errorf("the event is %s %+v, want phase %q", e.Type, e.Object, phase)
		}
	}

	must(widgets.Create(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "b"}}, metav1.CreateOptions{}))(t)
	list := must(widgets.List(ctx, metav1.ListOptions{}))(t)
	if list.Kind != "WidgetList" || len(list.Items) != 2 || list.Items[0].Kind != "Widget" || list.Items[0].Spec.Size != 4 {
		t.Errorf("%+v", list)
	}
	if err := widgets.Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	if e := next(t, watch); e.Type != client.Added || e.Object.Name != "b" {
		t.Errorf("the event is %s %+v", e.Type, e.Object)
	}
	if e := next(t, watch); e.Type != client.Deleted || e.Object.Status.Phase != "Applied" {
		t.Errorf("the event is %s %+v", e.Type, e.Object)
	}
	var told []client.Write
	ctx = client.WithWriteObserver(ctx, func(w client.Write) { told = append(told, w) })
	if err := widgets.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	if len(told) != 1 || told[0].Name != "b" || told[0].Kind != widget || told[0].UID == "" || !told[0].Deleted {
		t.Errorf("of the deletion was told %+v", told)
	}
}

func TestAllPagesAreTheStateOfOneMoment(t *testing.T) {
	const objects, limit = 1203, 100
	var requests atomic.Int64
	c, ctx := connect(t), soon(t)
	establish(t, c)
	ns := namespace(t, c)
	fill(ctx, t, client.Of[Widget](c).In(ns), objects)

	all := client.Of[Widget](connect(t, counting(&requests))).In(ns)
	seen := map[string]bool{}
	for w, err := range all.All(ctx, metav1.ListOptions{Limit: limit}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[w.Name] || w.Kind != "Widget" || w.Namespace != ns {
			t.Fatalf("%q again, or not of its kind: %+v", w.Name, w)
		}
		seen[w.Name] = true
		if len(seen) == limit { // what happens from here on is after the moment
			if err := all.Delete(ctx, "w-1202", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			must(all.Create(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.CreateOptions{}))(t)
		}
	}
	if len(seen) != objects || !seen["w-1202"] || seen["x"] {
		t.Errorf("%d objects, the one deleted meanwhile among them: %t, the one created: %t", len(seen), seen["w-1202"], seen["x"])
	}
	if n := requests.Load(); n != 13+2 {
		t.Errorf("%d requests", n)
	}

	requests.Store(0)
	count := 0
	for _, err := range all.All(ctx, metav1.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != objects || requests.Load() != 3 {
		t.Errorf("%d objects by %d requests", count, requests.Load())
	}
	page := must(all.List(ctx, metav1.ListOptions{Limit: limit}))(t)
	if len(page.Items) != limit || page.Continue == "" || page.RemainingItemCount == nil || *page.RemainingItemCount != objects-limit {
		t.Errorf("a page of %d: %+v", len(page.Items), page.ListMeta)
	}
}

// fill makes n widgets, some at a time.
func fill(ctx context.Context, t *testing.T, widgets *client.Client[Widget], n int) {
	t.Helper()
	errs := make(chan error)
	const workers = 8
	for worker := range workers {
		go func() {
			for i := worker; i < n; i += workers {
				_, err := widgets.Create(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("w-", i)}}, metav1.CreateOptions{})
				errs <- err
			}
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}
