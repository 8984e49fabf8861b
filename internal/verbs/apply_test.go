package verbs

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestTrimApply(t *testing.T) {
	const object = `{
		"apiVersion": "old/v0", "kind": "Old",
		"metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"l": "1"},
			"generation": 3, "creationTimestamp": null, "selfLink": "/x", "deletionTimestamp": "2020-01-01T00:00:00Z",
			"deletionGracePeriodSeconds": 1, "managedFields": [{}], "finalizers": ["f"]},
		"spec": {"replicas": 1}, "data": {"k": "<v>"}, "status": {"ready": true}
	}`
	for _, c := range []struct {
		name, in string
		part     Part
		want     string
	}{
		{"the object", object, WithoutStatus, `{"apiVersion": "g/v1", "kind": "K", "spec": {"replicas": 1}, "data": {"k": "<v>"},
			"metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"l": "1"}, "finalizers": ["f"]}}`},
		{"the whole object", object, Whole, `{"apiVersion": "g/v1", "kind": "K", "spec": {"replicas": 1}, "data": {"k": "<v>"}, "status": {"ready": true},
			"metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"l": "1"}, "finalizers": ["f"]}}`},
		{"its status", object, StatusOnly, `{"apiVersion": "g/v1", "kind": "K", "status": {"ready": true},
			"metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7"}}`},
		{"an empty uid and resourceVersion", `{"metadata": {"name": "a", "uid": "", "resourceVersion": ""}}`, WithoutStatus,
			`{"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "a"}}`},
		{"no status to apply", `{"metadata": {"name": "a"}, "spec": {}}`, StatusOnly,
			`{"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "a"}}`},
	} {
		got, err := TrimApply([]byte(c.in), "g/v1", "K", c.part)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var x, y any
		if json.Unmarshal(got, &x) != nil || json.Unmarshal([]byte(c.want), &y) != nil || !reflect.DeepEqual(x, y) {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	for _, in := range []string{``, `null`, `[]`, `{"metadata": null}`, `{"metadata": []}`, `{`} {
		if got, err := TrimApply([]byte(in), "g/v1", "K", WithoutStatus); err == nil {
			t.Errorf("%q is no object to apply, and gives %s", in, got)
		}
	}
}
