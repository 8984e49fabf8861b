package dynamic_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
)

func stream(text string) iter.Seq2[*unstructured.Unstructured, error] {
	return dynamic.Decode(strings.NewReader(text))
}

func configMap(namespace, name, data string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: %s, name: %s}\ndata: {%s}\n---\n",
		namespace, name, data)
}

// definitionYAML is a CustomResourceDefinition of the kind Widget in a group.
func definitionYAML(group, version string) string {
	return fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.%s}
spec:
  group: %s
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: %s
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
---
`, group, group, version)
}

func widget(group, namespace, name, spec string) string {
	return fmt.Sprintf("apiVersion: %s/v1\nkind: Widget\nmetadata: {namespace: %s, name: %s}\nspec: {%s}\n---\n",
		group, namespace, name, spec)
}

func names(applied []dynamic.Applied) []string {
	var names []string
	for _, a := range applied {
		names = append(names, a.Object.GetKind()+" "+a.Object.GetName())
	}
	return names
}

// A stream with everything in the wrong order is applied at once: the namespace, then the definition,
// then what needs the two. The second time it changes nothing.
func TestApplyAllOrdersAndWaits(t *testing.T) {
	c, ctx := connect(t), soon(t)
	const group = "order.dynamic.skiff.example.com"
	namespace := controlplane.Start(t).Namespace(t) + "-inner"
	text := widget(group, namespace, "w", "size: 1") + configMap(namespace, "a", "x: z") + definitionYAML(group, "v1") +
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n"
	var told []string
	opts := dynamic.ApplyAllOptions{FieldManager: "test", Each: func(a dynamic.Applied) {
		told = append(told, a.Object.GetKind()+" "+a.Object.GetName())
	}}
	mapper := discovery.NewMapper(discovery.New(c))
	first, err := dynamic.ApplyAll(ctx, dynamic.New(c), mapper, stream(text), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = dynamic.New(c).Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).
			Delete(context.WithoutCancel(ctx), namespace, metav1.DeleteOptions{})
	})
	want := []string{"Namespace " + namespace, "CustomResourceDefinition widgets." + group, "Widget w", "ConfigMap a"}
	if !slices.Equal(names(first), want) || !slices.Equal(told, want) {
		t.Errorf("applied %v, told %v, want %v", names(first), told, want)
	}
	for i, number := range []int{4, 3, 1, 2} {
		if a := first[i]; a.Number != number || a.Err != nil || a.Stored.GetUID() == "" || a.Resource.Resource == "" {
			t.Errorf("object %d: %+v", number, a)
		}
	}
	if k := first[2].Resource; k.GVR() != (schema.GroupVersionResource{Group: group, Version: "v1", Resource: "widgets"}) || !k.Namespaced {
		t.Errorf("the resource of the widget is %+v", k)
	}
	second, err := dynamic.ApplyAll(ctx, dynamic.New(c), mapper, stream(text), opts)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range second {
		if a.Stored.GetResourceVersion() != first[i].Stored.GetResourceVersion() && a.Object.GetKind() != "Namespace" &&
			a.Object.GetKind() != "CustomResourceDefinition" { // controllers write those two
			t.Errorf("%s has changed", names(second)[i])
		}
	}
}

// What fails does not keep the rest from being applied, unless the caller says so; each error names
// its object, and conflicts their fields and managers.
func TestApplyAllGoesOnAfterAnError(t *testing.T) {
	c, ctx := connect(t), soon(t)
	d, mapper := dynamic.New(c), discovery.NewMapper(discovery.New(c))
	namespace := controlplane.Start(t).Namespace(t)
	if _, err := dynamic.ApplyAll(ctx, d, mapper, stream(configMap(namespace, "owned", "a: theirs, b: theirs")),
		dynamic.ApplyAllOptions{FieldManager: `th"em`}); err != nil {
		t.Fatal(err)
	}
	text := configMap(namespace, "owned", "a: mine, b: mine") +
		"apiVersion: example.com/v1\nkind: Nothing\nmetadata: {name: nn}\n---\n" +
		"apiVersion: v2\nkind: ConfigMap\nmetadata: {name: nn}\n---\n" +
		configMap(namespace+"-missing", "b", "") +
		configMap(namespace, "first", "") + configMap(namespace, "first", "x: z") +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: default}\n---\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: nn}\n---\n" +
		configMap(namespace, "unknown", "}\ndate: {x: z") +
		"apiVersion: v1\nkind: Node\nmetadata: {namespace: x, name: nn}\n---\n" +
		configMap(namespace, "last", "")
	run := func(opts dynamic.ApplyAllOptions) ([]dynamic.Applied, error) {
		opts.FieldManager = "us"
		return dynamic.ApplyAll(ctx, d, mapper, stream(text), opts)
	}
	applied, err := run(dynamic.ApplyAllOptions{})
	want := []string{
		`apply v1 ConfigMap "` + namespace + `/owned" (object 1): Apply failed with 2 conflicts`,
		`apply example.com/v1 Nothing "nn" (object 2): find its resource: no matches for kind "Nothing"`,
		`apply v2 ConfigMap "nn" (object 3): find its resource: no matches for kind "ConfigMap" in version "v2"`,
		`(object 4): namespaces "` + namespace + `-missing" not found`,
		"",
		`/first" (object 6): the object is in the stream twice: it is object 5, too`,
		`apply v1 ConfigMap "default" (object 7): apply configmaps "default": configmaps are namespaced`,
		`(object 8): apply configmaps: the object's metadata.name is empty`,
		`(object 9): failed to create typed patch object`,
		`(object 10): apply nodes "nn": nodes are cluster-scoped`,
		"",
	}
	if len(applied) != len(want) {
		t.Fatalf("%d objects were applied: %v", len(applied), err)
	}
	for i, a := range applied {
		var one *dynamic.ApplyError
		switch {
		case want[i] == "" && (a.Err != nil || a.Stored == nil):
			t.Errorf("object %d: %v", i+1, a.Err)
		case want[i] != "" && (!errors.As(a.Err, &one) || !strings.Contains(one.Error(), want[i]) || one.Number != i+1 || a.Stored != nil):
			t.Errorf("object %d: got %v, want %s", i+1, a.Err, want[i])
		case want[i] != "" && (!errors.Is(err, a.Err) || !strings.Contains(err.Error(), want[i])):
			t.Errorf("object %d: the joined error lacks %v", i+1, a.Err)
		}
	}
	if !apierrors.IsConflict(applied[0].Err) || !meta.IsNoMatchError(errors.Unwrap(errors.Unwrap(applied[1].Err))) || !errors.As(applied[6].Err, new(*kind.MisuseError)) {
		t.Errorf("the causes are lost: %v", err)
	}
	conflicts := applied[0].Err.(*dynamic.ApplyError).Conflicts()
	if len(conflicts) != 2 || conflicts[0].Field != ".data.a" || conflicts[1].Field != ".data.b" || conflicts[0].Manager != `th"em` || conflicts[0].Message == "" {
		t.Errorf("the conflicts are %+v", conflicts)
	}
	if more := dynamic.Conflicts(applied[3].Err); more != nil {
		t.Errorf("another error has the conflicts %+v", more)
	}

	applied, err = run(dynamic.ApplyAllOptions{StopOnError: true})
	if len(applied) != 1 || !strings.Contains(err.Error(), "10 objects were not applied: StopOnError is set") {
		t.Errorf("with StopOnError: %d objects, %v", len(applied), err)
	}
	applied, _ = run(dynamic.ApplyAllOptions{Force: true, Namespace: namespace, FieldValidation: metav1.FieldValidationIgnore})
	if applied[0].Err != nil || applied[6].Err != nil || applied[6].Stored.GetNamespace() != namespace {
		t.Errorf("with Force and Namespace: %v, %v", applied[0].Err, applied[6].Err)
	}
}

// A stream that cannot be read to its end is not applied at all, and neither is anything without a
// mapper, a field manager or time.
func TestApplyAllAppliesNothingOfABrokenStream(t *testing.T) {
	c, ctx := connect(t), soon(t)
	namespace := controlplane.Start(t).Namespace(t)
	d, mapper := dynamic.New(c), discovery.NewMapper(discovery.New(c))
	good := dynamic.ApplyAllOptions{FieldManager: "test"}
	applied, err := dynamic.ApplyAll(ctx, d, mapper, stream(configMap(namespace, "a", "")+"kind: X\n"), good)
	if !errors.As(err, new(*dynamic.DecodeError)) || applied != nil {
		t.Errorf("a broken stream: %v, %v", applied, err)
	}
	text := configMap(namespace, "a", "") + configMap(namespace, "b", "")
	var misuse *kind.MisuseError
	if _, err := dynamic.ApplyAll(ctx, d, nil, stream(text), good); !errors.As(err, &misuse) {
		t.Errorf("without a mapper: %v", err)
	}
	if _, err := dynamic.ApplyAll(ctx, d, mapper, stream(text), dynamic.ApplyAllOptions{}); !errors.As(err, &misuse) {
		t.Errorf("without a field manager: %v", err)
	}
	ended, cancel := context.WithCancelCause(ctx)
	cause := errors.New("enough")
	cancel(cause)
	applied, err = dynamic.ApplyAll(ended, d, mapper, stream(text), good)
	if len(applied) != 0 || !errors.Is(err, cause) || !strings.Contains(err.Error(), "2 objects were not applied") {
		t.Errorf("after the end of its context: %v, %v", applied, err)
	}
	list, err := d.Resource(configMaps).In(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range list.Items {
		if u.GetName() == "a" || u.GetName() == "b" {
			t.Errorf("%s was applied", u.GetName())
		}
	}
	if applied, err := dynamic.ApplyAll(ctx, d, mapper, stream(""), good); len(applied) != 0 || err != nil {
		t.Errorf("an empty stream: %v, %v", applied, err)
	}
}

// A dry run stores nothing, and says what it could not check.
func TestApplyAllDryRun(t *testing.T) {
	c, ctx := connect(t), soon(t)
	const group = "dryrun.dynamic.skiff.example.com"
	d, mapper := dynamic.New(c), discovery.NewMapper(discovery.New(c))
	namespace := controlplane.Start(t).Namespace(t)
	text := definitionYAML(group, "v1") + widget(group, namespace, "w", "") +
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "-new}\n---\n" +
		configMap(namespace+"-new", "a", "") + configMap(namespace, "b", "") + configMap(namespace+"-other", "c", "")
	applied, _ := dynamic.ApplyAll(ctx, d, mapper, stream(text), dynamic.ApplyAllOptions{FieldManager: "test", DryRun: true})
	want := map[string]string{"Namespace " + namespace + "-new": "", "CustomResourceDefinition widgets." + group: "",
		"Widget w": "unchecked", "ConfigMap a": "unchecked", "ConfigMap b": "", "ConfigMap c": "error"}
	if len(applied) != len(want) {
		t.Fatalf("%d objects", len(applied))
	}
	for i, name := range names(applied) {
		err := applied[i].Err
		if (err != nil) != (want[name] != "") || errors.Is(err, dynamic.ErrNotChecked) != (want[name] == "unchecked") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Resource(configMaps).In(namespace).Get(ctx, "b", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the dry run has stored b: %v", err)
	}
}

// A definition that is never established ends the wait of its first object, and the others do not
// wait again. Versions that it does not serve are not waited for.
func TestApplyAllDoesNotWaitForEver(t *testing.T) {
	c, ctx := connect(t), soon(t)
	const group = "never.dynamic.skiff.example.com"
	d, mapper := dynamic.New(c), discovery.NewMapper(discovery.New(c))
	namespace := controlplane.Start(t).Namespace(t)
	// A second definition of the same names is not accepted.
	other := strings.NewReplacer("widgets.", "others.", "plural: widgets", "plural: others").Replace(definitionYAML(group, "v1"))
	if _, err := dynamic.ApplyAll(ctx, d, mapper, stream(other), dynamic.ApplyAllOptions{FieldManager: "test"}); err != nil {
		t.Fatal(err)
	}
	establishedSoon(t, d, "others."+group)
	text := strings.Replace(definitionYAML(group, "v3"), "kind: Widget}", "kind: Gizmo, shortNames: [x], singular: others}", 1)
	gizmo := func(version, name string) string {
		return fmt.Sprintf("apiVersion: %s/%s\nkind: Gizmo\nmetadata: {namespace: %s, name: %s}\n---\n", group, version, namespace, name)
	}
	waited := 0
	var last time.Time
	applied, err := dynamic.ApplyAll(ctx, d, mapper, stream(text+gizmo("v9", "z")+gizmo("v3", "a")+gizmo("v3", "b")),
		dynamic.ApplyAllOptions{FieldManager: "test", Wait: time.Second, Each: func(a dynamic.Applied) {
			if !last.IsZero() && time.Since(last) >= time.Second {
				waited++
			}
			last = time.Now()
		}})
	if len(applied) != 4 || applied[0].Err != nil {
		t.Fatalf("%d objects, %v", len(applied), err)
	}
	for _, a := range applied[1:] {
		if a.Err == nil {
			t.Errorf("%s was applied", a.Object.GetName())
		}
	}
	if text := fmt.Sprint(applied[2].Err); !strings.Contains(text, "is established") ||
		!strings.Contains(text, "the bound of the wait, 1s, is over") || !strings.Contains(text, "its names are not accepted") {
		t.Errorf("the first: %v", applied[2].Err)
	}
	if !strings.Contains(fmt.Sprint(applied[1].Err), "no matches for kind") || !strings.Contains(fmt.Sprint(applied[3].Err), "no matches for kind") {
		t.Errorf("the others: %v, %v", applied[1].Err, applied[3].Err)
	}
	if waited != 1 {
		t.Errorf("it waited %d times", waited)
	}
	applied, _ = dynamic.ApplyAll(ctx, d, mapper, stream(text+gizmo("v3", "a")), dynamic.ApplyAllOptions{FieldManager: "test", Wait: -1})
	if !strings.Contains(fmt.Sprint(applied[1].Err), "no matches for kind") {
		t.Errorf("without a wait: %v", applied[1].Err)
	}
}

func establishedSoon(t *testing.T, d *dynamic.Client, name string) {
	t.Helper()
	w, err := d.Resource(definitions).Watch(soon(t), metav1.ListOptions{FieldSelector: "metadata.name=" + name})
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

// The server says that it serves a resource a while before each of its replicas does.
func TestApplyAllAsksAgainWhileTheResourceIsUnknown(t *testing.T) {
	c, ctx := connect(t), soon(t)
	const group = "late.dynamic.skiff.example.com"
	namespace := controlplane.Start(t).Namespace(t)
	late := &lateMapper{Mapper: discovery.NewMapper(discovery.New(c)), times: 3}
	applied, err := dynamic.ApplyAll(ctx, dynamic.New(c), late, stream(definitionYAML(group, "v1")+widget(group, namespace, "w", "")),
		dynamic.ApplyAllOptions{FieldManager: "test"})
	if err != nil || len(applied) != 2 || late.resets < 3 {
		t.Errorf("%v, after %d resets", err, late.resets)
	}
}

// lateMapper leads to a resource that the server does not have, the first times.
type lateMapper struct {
	dynamic.Mapper
	times, resets int
}

func (m *lateMapper) RESTMappingWithContext(ctx context.Context, gk schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	if gk.Kind == "Widget" && m.times > 0 {
		m.times--
		return &meta.RESTMapping{Resource: gk.WithVersion("v1").GroupVersion().WithResource("late"),
			GroupVersionKind: gk.WithVersion("v1"), Scope: meta.RESTScopeNamespace}, nil
	}
	return m.Mapper.RESTMappingWithContext(ctx, gk, versions...)
}

func (m *lateMapper) ResetWithContext(ctx context.Context) {
	m.resets++
	m.Mapper.ResetWithContext(ctx)
}
