package crd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/dynamic"
)

// specs are ten specs of each kind, as YAML: first those that are valid.
var specs = map[string]struct{ valid, invalid []string }{
	"Archive": {
		[]string{"{bucket: abc}", "{bucket: 'a,b|c', mode: Incremental}", "{bucket: abcdefgh, until: '2026-01-02T03:04:05Z', note: x}", "{bucket: abc, unknown: 1}"},
		[]string{"{}", "{bucket: ab}", "{bucket: abcdefghi}", "{bucket: ABC}", "{bucket: abc, mode: full}", "{bucket: abc, until: yesterday}"}},
	"Boiler": {
		[]string{"{degrees: 1}", "{degrees: 100, step: 15, level: 4}", "{degrees: 5, water: 100m}", "{degrees: 5, water: 3}"},
		[]string{"{degrees: 0}", "{degrees: 101}", "{degrees: 1, step: 7}", "{degrees: 1, level: 3}", "{degrees: 1, water: much}", "{degrees: 1.5}"}},
	"Crate": {
		[]string{"{weight: null}", "{weight: 3, box: {width: 9}}", "{weight: 1, lid: {width: 1, height: 7}}", "{weight: 1, owner: null}", "{weight: 1, owner: me}"},
		[]string{"{}", "{weight: x}", "{weight: 1, box: {}}", "{weight: 1, box: {width: 10}}", "{weight: 1, lid: {height: 1}}"}},
	"Dish": {
		[]string{"{tags: [a]}", "{tags: [a, b, c], data: aGk=}", "{tags: [a], parts: [{name: x}, {name: x, port: 81}]}", "{tags: [a], grid: [[1, 2], []]}"},
		[]string{"{tags: []}", "{tags: [a, a]}", "{tags: [a, b, c, d]}", "{tags: [A]}", "{tags: [a], parts: [{name: x}, {name: x, port: 80}]}", "{tags: [a], data: '?'}"}},
	"Engine": {
		[]string{"{min: 1, max: 1}", "{min: 1, max: 100}", "{min: 1, max: 49, locked: true}", "{min: 1, max: 2, serial: s}"},
		[]string{"{min: 2, max: 1}", "{min: 1, max: 50, locked: true}", "{min: 1}", "{max: 1}", "{min: 1, max: x}", "{min: 1, max: 2, serial: 5}"}},
	"Forest": {
		[]string{"{trees: {a: oak}}", "{trees: {a: oak, b: elm}}", "{trees: {a: oak}, parts: {p: {name: x}}}", "{trees: {a: oak}, box: {width: 1}}"},
		[]string{"{trees: {}}", "{trees: {a: x, b: x, c: x}}", "{trees: {a: maple}}", "{trees: {a: 1}}", "{trees: {a: oak}, parts: {p: {note: x}}}", "{trees: {a: oak}, parts: {p: {name: x, note: long}}}"}},
	"Glass": {
		[]string{"{port: 80}", "{port: http}", "{port: 1, since: '2026-01-02T03:04:05Z', micro: '2026-01-02T03:04:05.000001Z', every: 1h}", "{port: 1, selector: {matchLabels: {a: b}}, needs: {limits: {cpu: 1, memory: 1Gi}}}", "{port: 1, secret: {}, password: {key: k}}"},
		[]string{"{}", "{port: true}", "{port: 1, since: now}", "{port: 1, password: {name: x}}", "{port: 1, needs: {limits: {cpu: lots}}}"}},
	"House": {
		[]string{"{room: {size: 1}}", "{room: {size: 1, color: red}}", "{room: {size: 1}, raw: {a: {b: c}}}", "{room: {size: 1}, object: {apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: b}}}"},
		[]string{"{room: {}}", "{room: {size: 0}}", "{room: {size: 1}, raw: text}", "{room: {size: 1}, object: {a: b}}", "{room: {size: 1}, object: {apiVersion: v1, kind: 5}}", "{room: 5}"}},
	"Iron": {
		[]string{"{degrees: 300, color: red, named: {name: x}}", "{degrees: 1, color: blue, more: [red, green], named: {name: ''}}", "{degrees: -1, color: red, more: [], named: {name: x}}"},
		[]string{"{degrees: 301, color: red, named: {name: x}}", "{degrees: 1, color: pink, named: {name: x}}", "{degrees: 1, color: red, more: [pink], named: {name: x}}", "{degrees: 1, color: red}", "{color: red, named: {name: x}}", "{degrees: 1, color: red, name: x}", "{degrees: 1, color: red, named: {}}"}},
	"Jug": {
		[]string{"{kind: a}", "{kind: a, replicas: 0}", "{kind: a, template: {image: i, metadata: {labels: {a: b}}}}", "{kind: a, template: {image: i, metadata: {name: x, uid: u}}}"},
		[]string{"{kind: ''}", "{}", "{kind: a, replicas: -1}", "{kind: a, template: {}}", "{kind: a, template: {image: i, metadata: {labels: [a]}}}", "{kind: a, template: {image: i, metadata: {labels: {a: 1}}}}"}},
}

// Of a hundred objects the server accepts the same with both definitions, stores the same of them, and
// refuses the others with the same message.
func TestAHundredObjectsTwice(t *testing.T) {
	c := connect(t)
	ctx, d, namespace := soon(t), dynamic.New(c), controlplane.Start(t).Namespace(t)
	var all []*unstructured.Unstructured
	for _, k := range twins {
		ours, err := k.of()
		if err != nil {
			t.Fatal(err)
		}
		theirs := k.marked(t)
		// Two definitions may have the same short names in two groups.
		all = append(all, ours, theirs)
	}
	if err := crd.Install(ctx, c, all...); err != nil {
		t.Fatal(err)
	}
	objects := 0
	for _, k := range twins {
		s := specs[k.name]
		for i, text := range slices.Concat(s.valid, s.invalid) {
			objects++
			want := i < len(s.valid)
			outcomes := map[string]string{}
			for _, group := range []string{taggedGroup, markedGroup} {
				outcomes[group] = strings.ReplaceAll(outcome(t, d, k, group, namespace, fmt.Sprint("o", i), text), group, "GROUP")
			}
			if outcomes[taggedGroup] != outcomes[markedGroup] {
				t.Errorf("%s %s: by tags: %s\nby markers: %s", k.name, text, outcomes[taggedGroup], outcomes[markedGroup])
			}
			if accepted := !strings.HasPrefix(outcomes[taggedGroup], "refused"); accepted != want {
				t.Errorf("%s %s: accepted %t, want %t: %s", k.name, text, accepted, want, outcomes[taggedGroup])
			}
		}
	}
	if objects != 100 {
		t.Errorf("%d objects, want 100", objects)
	}
	// The rules of changes.
	for _, group := range []string{taggedGroup, markedGroup} {
		engines := d.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: "engines"}).In(namespace)
		u, err := engines.Get(ctx, "o3", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for field, value := range map[string]any{"max": int64(1), "serial": "other"} {
			changed := u.DeepCopy()
			_ = unstructured.SetNestedField(changed.Object, value, "spec", field)
			if _, err := engines.Update(ctx, changed, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) {
				t.Errorf("%s: a change of %s: %v", group, field, err)
			}
		}
	}
}

// outcome creates an object, and returns its stored spec or the server's message.
func outcome(t *testing.T, d *dynamic.Client, k twin, group, namespace, name, spec string) string {
	t.Helper()
	u := &unstructured.Unstructured{Object: map[string]any{}}
	var content any
	if err := yaml.Unmarshal([]byte(spec), &content); err != nil {
		t.Fatal(err)
	}
	u.Object["spec"] = content
	u.SetAPIVersion(group + "/v1")
	u.SetKind(k.name)
	u.SetName(name)
	r := d.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: k.plural})
	if k.name != "Boiler" {
		u.SetNamespace(namespace)
		r = r.In(namespace)
	}
	stored, err := r.Create(soon(t), u, metav1.CreateOptions{})
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		return "refused: " + err.Error()
	}
	if err != nil {
		t.Fatalf("%s %s: %v", k.name, spec, err)
	}
	text, err := yaml.Marshal(stored.Object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
