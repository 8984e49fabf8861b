package patch

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"
)

var (
	deploymentKind = apischema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	widgetKind     = apischema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
)

const deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels":{"a":"1"}},
	"spec":{"replicas":1,"selector":{"matchLabels":{"a":"1"}},"strategy":{},"template":{"metadata":{},"spec":{
	"containers":[{"name":"c","image":"one","resources":{},"env":[{"name":"E","value":"1"}]},{"name":"d","image":"two","resources":{}}]}}},
	"status":{}}`

const widget = `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":1,"tags":["a","b"]}}`

func object(t *testing.T, data string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts([]byte(data), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestApply(t *testing.T) {
	for _, test := range []struct {
		name, of string
		patch    types.PatchType
		body     string
		old, new string // what the patch replaces in the object's JSON
	}{
		{"json", deployment, types.JSONPatchType, `[{"op":"test","path":"/spec/replicas","value":1},{"op":"replace","path":"/spec/replicas","value":3}]`,
			`"replicas":1`, `"replicas":3`},
		{"merge", deployment, types.MergePatchType, `{"metadata":{"labels":{"a":null,"b":"2"}}}`, `"labels":{"a":"1"}`, `"labels":{"b":"2"}`},
		{"an unknown field", deployment, types.MergePatchType, `{"spec":{"replica":3}}`, ``, ``},
		{"strategic", deployment, types.StrategicMergePatchType,
			`{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"F","value":"2"}]}]}}}}`,
			`"env":[{"name":"E","value":"1"}]`, `"env":[{"name":"F","value":"2"},{"name":"E","value":"1"}]`},
		{"strategic deletion", deployment, types.StrategicMergePatchType,
			`{"spec":{"template":{"spec":{"containers":[{"name":"d","$patch":"delete"}]}}}}`,
			`,{"name":"d","image":"two","resources":{}}`, ``},
		{"custom merge", widget, types.MergePatchType, `{"spec":{"size":2.5,"tags":["c"]}}`, `"size":1,"tags":["a","b"]`, `"size":2.5,"tags":["c"]`},
		{"custom json", widget, types.JSONPatchType, `[{"op":"add","path":"/spec/tags/-","value":"c"}]`, `["a","b"]`, `["a","b","c"]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			gvk := deploymentKind
			if test.of == widget {
				gvk = widgetKind
			}
			live := object(t, test.of)
			before := runtime.DeepCopyJSON(live)
			got, err := Apply(test.patch, gvk, live, []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			want := object(t, strings.Replace(test.of, test.old, test.new, 1))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %s\nwant %s", text(got), text(want))
			}
			if !reflect.DeepEqual(live, before) {
				t.Errorf("the live object was modified: %s", text(live))
			}
		})
	}
}

func text(o any) string {
	data, _ := json.Marshal(o)
	return string(data)
}

func TestRefusals(t *testing.T) {
	operations := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"op":"test","path":"/kind","value":"Deployment"},`, n), ",") + "]"
	}
	for _, test := range []struct {
		name    string
		of      string
		patch   types.PatchType
		body    string
		code    int32
		message string // a part of the error's; "" for no error
	}{
		{"no JSON", deployment, types.MergePatchType, `{`, 400, "invalid JSON patch"},
		{"no operations", deployment, types.JSONPatchType, `{}`, 400,
			"error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"},
		{"a list", deployment, types.MergePatchType, `[]`, 400,
			"error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"},
		{"a failing test", deployment, types.JSONPatchType, `[{"op":"test","path":"/spec/replicas","value":2}]`, 422,
			"the server rejected our request due to an error in our request"},
		{"no operation too many", deployment, types.JSONPatchType, operations(MaxOperations), 0, ""},
		{"one fewer", deployment, types.JSONPatchType, operations(MaxOperations - 1), 0, ""},
		{"one operation too many", deployment, types.JSONPatchType, operations(MaxOperations + 1), 413,
			"The allowed maximum operations in a JSON patch is 10000, got 10001"},
		{"a wrong type", deployment, types.MergePatchType, `{"spec":{"replicas":"two"}}`, 422, ` is invalid: patch: Invalid value: "{`},
		{"strategic, a wrong type", deployment, types.StrategicMergePatchType, `{"spec":{"replicas":"two"}}`, 422,
			` is invalid: patch: Invalid value: "map[spec:map[replicas:two]]": `},
		{"strategic, custom", widget, types.StrategicMergePatchType, `{}`, 415,
			"the body of the request was in an unknown format - accepted media types include: " +
				"application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"},
		{"another type", deployment, "application/json", `{}`, 415, "application/strategic-merge-patch+json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Request{Type: test.patch, GVK: deploymentKind, Live: object(t, test.of), Body: []byte(test.body)}
			if test.of == widget {
				r.GVK = widgetKind
			}
			_, err := r.Do()
			if test.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			status, ok := err.(apierrors.APIStatus)
			if !ok || status.Status().Code != test.code || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %T %v, want %d %s", err, err, test.code, test.message)
			}
		})
	}
}

func TestFieldValidation(t *testing.T) {
	for _, patch := range []types.PatchType{types.MergePatchType, types.StrategicMergePatchType} {
		r := Request{Type: patch, GVK: deploymentKind, Live: object(t, deployment), Body: []byte(`{"spec":{"replica":3}}`)}
		for directive, want := range map[string]string{"": `[unknown field "spec.replica"]`, metav1.FieldValidationIgnore: "[]"} {
			r.FieldValidation = directive
			got, err := r.Do()
			if err != nil || fmt.Sprint(got.Warnings) != want {
				t.Errorf("%s %q: %v %v, want %s", patch, directive, got.Warnings, err, want)
			}
		}
		r.FieldValidation = metav1.FieldValidationStrict
		if _, err := r.Do(); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), `strict decoding error: unknown field "spec.replica"`) {
			t.Errorf("%s strict: %v", patch, err)
		}
	}
}
