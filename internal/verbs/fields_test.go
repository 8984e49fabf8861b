package verbs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/kind"
)

func TestTheFieldsOfAWrite(t *testing.T) {
	merge, strategic, apply, ops := types.MergePatchType, types.StrategicMergePatchType, types.ApplyPatchType, types.JSONPatchType
	for _, c := range []struct {
		name string
		content
		sub  []string
		want string
	}{
		{"an object", content{created: json.RawMessage(`{"apiVersion": "v1", "kind": "K", "spec": {"secret": "hunter2"}, "status": {"x": 1}, "empty": {},
			"nil": null, "data": {"k": "hunter2"},
			"metadata": {"name": "a", "namespace": "n", "uid": "u", "creationTimestamp": null, "labels": {"l": "hunter2"}, "annotations": {}}}`)}, nil,
			"data, metadata.labels, spec"},
		{"an object without metadata", content{created: json.RawMessage(`{"spec": 1}`)}, nil, "spec"},
		{"an object that cannot be encoded", content{created: make(chan int)}, nil, ""},
		{"a merge patch", content{patch: []byte(`{"metadata": {"resourceVersion": "7", "labels": {"app": "hunter2", "example.com/x": null}},
			"spec": {"replicas": 3, "list": [{"value": "hunter2"}], "emptyDir": {}}}`), of: merge}, nil,
			"metadata.labels.app, metadata.labels['example.com/x'], spec.emptyDir, spec.list, spec.replicas"},
		{"a precondition and no more", content{patch: []byte(`{"metadata": {"resourceVersion": "7"}}`), of: merge}, nil, ""},
		{"empty metadata", content{patch: []byte(`{"metadata": {}, "spec": {}}`), of: merge}, nil, "spec"},
		{"an empty patch", content{patch: []byte(`{}`), of: merge}, nil, ""},
		{"names of the identity elsewhere", content{patch: []byte(`{"spec": {"metadata": {"name": "x"}, "kind": "y"}}`), of: apply}, nil,
			"spec.kind, spec.metadata.name"},
		{"a configuration", content{patch: []byte(`{"apiVersion": "v1", "kind": "K", "metadata": {"name": "a", "namespace": "n"}, "data": {"tls.crt": "hunter2"}}`), of: apply}, nil,
			"data['tls.crt']"},
		{"YAML", content{patch: []byte("spec:\n  x: hunter2\n"), of: apply}, nil, ""},
		{"directives", content{patch: []byte(`{"spec": {"$setElementOrder/containers": [], "$retainKeys": ["x"], "x": 1, "y": {"$patch": "delete"}},
			"metadata": {"$deleteFromPrimitiveList/finalizers": ["hunter2"]}, "$patch": "replace"}`), of: strategic}, nil,
			"metadata.finalizers, spec.x, spec.y"},
		{"operations", content{patch: []byte(`[{"op": "test", "path": "/metadata/uid", "value": "hunter2"}, {"op": "add", "path": "/metadata/finalizers/-", "value": "hunter2"},
			{"op": "replace", "path": "/metadata/annotations/example.com~1a~0b", "value": "hunter2"}, {"op": "move", "from": "/spec/a", "path": "/spec/list/0/b"},
			{"op": "copy", "from": "/spec/c", "path": "/spec/d"}, {"op": "remove", "path": "/metadata/finalizers/12"}]`), of: ops}, nil,
			"metadata.annotations['example.com/a~b'], metadata.finalizers, spec.a, spec.d, spec.list"},
		{"no operations", content{patch: []byte(`{"op": "add"}`), of: ops}, nil, ""},
		{"an operation on all", content{patch: []byte(`[{"op": "replace", "path": "", "value": {}}]`), of: ops}, nil, ""},
		{"an update", content{}, nil, ""},
		{"an update of the status", content{}, []string{"status"}, "status"},
		{"a patch of the status", content{patch: []byte(`{"status": {"ready": true, "conditions": []}}`), of: merge}, []string{"status"}, "status.conditions, status.ready"},
		{"an update of a scale", content{}, []string{"scale"}, "scale"},
		{"a patch of a scale", content{patch: []byte(`{"spec": {"replicas": 1}}`), of: merge}, []string{"scale"}, "scale: spec.replicas"},
	} {
		r := Resource{Kind: kind.Info{Version: "v1", Resource: "things"}}
		if got := r.fields(c.content, c.sub); got != c.want {
			t.Errorf("of %s:\n got %q\nwant %q", c.name, got, c.want)
		}
		r.Kind.Resource = "secrets"
		if got := r.fields(c.content, c.sub); got != "" {
			t.Errorf("of %s, a Secret: %q", c.name, got)
		}
		r.Kind.Group = "example.com" // not those of Kubernetes
		if got := r.fields(c.content, c.sub); got != c.want {
			t.Errorf("of %s in another group: %q", c.name, got)
		}
	}
}

func TestTheFieldsOfAWriteAreBounded(t *testing.T) {
	for n, end := range map[int]string{maxFields - 1: "data.k114", maxFields: "data.k115", maxFields + 1: "data.k115 and 1 more", 900: "data.k115 and 884 more"} {
		data := map[string]string{}
		for i := range n {
			data[fmt.Sprint("k", 100+i)] = "v"
		}
		patch, err := json.Marshal(map[string]any{"data": data})
		if err != nil {
			t.Fatal(err)
		}
		got := Resource{}.fields(content{patch: patch, of: types.MergePatchType}, nil)
		if !strings.HasSuffix(got, end) || strings.Count(got, ",") != min(n, maxFields)-1 {
			t.Errorf("of %d fields: %q, want the end %q", n, got, end)
		}
	}
	for n, want := range map[int]string{
		maxField - 1: strings.Repeat("x", maxField-1), maxField: strings.Repeat("x", maxField), maxField + 1: strings.Repeat("x", maxField) + "…",
	} {
		patch := `{"` + strings.Repeat("x", n) + `": 1}`
		if got := (Resource{}).fields(content{patch: []byte(patch), of: types.MergePatchType}, nil); got != want {
			t.Errorf("a path of %d bytes is %q", n, got)
		}
	}
	// Not within a character.
	patch := `{"` + strings.Repeat("é", maxField) + `": 1}`
	got := Resource{}.fields(content{patch: []byte(patch), of: types.MergePatchType}, nil)
	if want := "['" + strings.Repeat("é", (maxField-2)/2) + "…"; got != want {
		t.Errorf("a path of wide characters is %q, want %q", got, want)
	}
}
