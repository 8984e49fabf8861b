package wire_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/wire"
)

// Custom is a type as they are made for controller-runtime.
type Custom struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Size int `json:"size"`
	} `json:"spec"`
}

// Borrower has the protobuf methods of its ObjectMeta.
type Borrower struct {
	Kind              string `json:"kind,omitempty"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              string `json:"spec"`
}

func TestHasProtobuf(t *testing.T) {
	type wrapped struct {
		*corev1.Pod
		Extra int
	}
	for _, obj := range []any{&corev1.Pod{}, &appsv1.Deployment{}, &metav1.DeleteOptions{}, &metav1.Status{}, &corev1.PodList{}, &metav1.PartialObjectMetadata{}} {
		if !wire.HasProtobuf(obj) {
			t.Errorf("%T has none", obj)
		}
	}
	for _, obj := range []any{nil, &Custom{}, &Borrower{}, &wrapped{}, &unstructured.Unstructured{}, &metav1.Table{}, corev1.Pod{}, wrapped{}, "text", 7} {
		if wire.HasProtobuf(obj) {
			t.Errorf("%T has one", obj)
		}
	}
}

// A type with the methods of what it embeds is not written as what it embeds.
func TestBorrowedProtobufIsRefused(t *testing.T) {
	if data, err := wire.Encode(&Borrower{Spec: "lost"}, wire.Protobuf, "x/v1", "Borrower"); err == nil {
		t.Errorf("got %q", data)
	}
	o, err := wire.ReadObject(body(t, wire.Protobuf, samplePod()), wire.Protobuf, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := wire.Decode(o, new(Borrower)); err == nil || !strings.Contains(err.Error(), "wire.JSON") {
		t.Errorf("got %v", err)
	}
}

func TestJSONBodySaysItsType(t *testing.T) {
	for name, tt := range map[string]struct {
		obj              any
		apiVersion, kind string
		want             string
	}{
		"without TypeMeta":      {&Borrower{Spec: "s"}, "x/v1", "B", `{"apiVersion":"x/v1","kind":"B","metadata":{},"spec":"s"}`},
		"with half of it":       {&Borrower{Kind: "Own", Spec: "s"}, "x/v1", "B", `{"apiVersion":"x/v1","kind":"Own","metadata":{},"spec":"s"}`},
		"with all of it":        {&Custom{TypeMeta: metav1.TypeMeta{APIVersion: "o/v1", Kind: "Own"}}, "x/v1", "B", `{"kind":"Own","apiVersion":"o/v1","metadata":{},"spec":{"size":0}}`},
		"nothing to say":        {map[string]int{"a": 1}, "", "", `{"a":1}`},
		"an empty object":       {map[string]int{}, "v1", "A", `{"apiVersion":"v1","kind":"A"}`},
		"an empty type":         {map[string]string{"apiVersion": "", "kind": "", "z": "z"}, "v1", "A", `{"apiVersion":"v1","kind":"A","z":"z"}`},
		"a null type":           {map[string]any{"kind": nil, "z": "z"}, "v1", "A", `{"apiVersion":"v1","kind":"A","z":"z"}`},
		"a type that is deeper": {map[string]any{"z": map[string]string{"kind": "Z"}}, "v1", "A", `{"apiVersion":"v1","kind":"A","z":{"kind":"Z"}}`},
		"quotes":                {map[string]any{}, `v"1`, "A", `{"apiVersion":"v\"1","kind":"A"}`},
		"unstructured": {&unstructured.Unstructured{Object: map[string]any{"apiVersion": "x/v1", "kind": "U", "spec": map[string]any{"n": int64(9007199254740993)}}}, "y/v1", "Y",
			`{"apiVersion":"x/v1","kind":"U","spec":{"n":9007199254740993}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := wire.Encode(tt.obj, wire.JSON, tt.apiVersion, tt.kind)
			if err != nil || compact(t, got) != tt.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestProtobufBodySaysItsType(t *testing.T) {
	for _, tt := range []struct {
		own        metav1.TypeMeta
		apiVersion string
		kind       string
	}{
		{metav1.TypeMeta{}, "v1", "Pod"},
		{metav1.TypeMeta{APIVersion: "v2", Kind: "Own"}, "v2", "Own"},
	} {
		data, err := wire.Encode(&corev1.Pod{TypeMeta: tt.own, ObjectMeta: metav1.ObjectMeta{Name: "a"}}, wire.Protobuf, "v1", "Pod")
		if err != nil {
			t.Fatal(err)
		}
		o, err := wire.ReadObject(data, wire.Protobuf, wire.Options{})
		if err != nil || o.APIVersion != tt.apiVersion || o.Kind != tt.kind || o.Meta.Name != "a" {
			t.Errorf("got %+v, %v", o, err)
		}
	}
}

func TestWhatCannotBeEncodedIsAnError(t *testing.T) {
	for name, encode := range map[string]func() ([]byte, error){
		"nil":                 func() ([]byte, error) { return wire.Encode(nil, wire.JSON, "v1", "A") },
		"a nil pointer":       func() ([]byte, error) { return wire.Encode((*corev1.Pod)(nil), wire.Protobuf, "v1", "Pod") },
		"no object":           func() ([]byte, error) { return wire.Encode([]int{1}, wire.JSON, "v1", "A") },
		"a channel":           func() ([]byte, error) { return wire.Encode(map[string]any{"a": make(chan int)}, wire.JSON, "v1", "A") },
		"no format":           func() ([]byte, error) { return wire.Encode(&corev1.Pod{}, 0, "v1", "Pod") },
		"custom, as protobuf": func() ([]byte, error) { return wire.Encode(&Custom{}, wire.Protobuf, "x/v1", "Custom") },
	} {
		if data, err := encode(); err == nil || !strings.HasPrefix(err.Error(), "encode ") {
			t.Errorf("%s: got %q, %v", name, data, err)
		}
	}
}

func TestDecodeIntoACustomType(t *testing.T) {
	o, err := wire.ReadObject([]byte(`{"metadata":{"name":"a","unknown":1},"spec":{"size":7,"Size":8},"more":[]}`), wire.JSON, wire.Options{APIVersion: "x/v1", Kind: "Custom"})
	if err != nil {
		t.Fatal(err)
	}
	got := &Custom{Spec: struct {
		Size int `json:"size"`
	}{Size: 1}, ObjectMeta: metav1.ObjectMeta{Namespace: "what stood there before"}}
	if err := wire.Decode(o, got); err != nil {
		t.Fatal(err)
	}
	want := &Custom{TypeMeta: metav1.TypeMeta{APIVersion: "x/v1", Kind: "Custom"}, ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	want.Spec.Size = 7
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// An item of a JSON list of a built-in type does not say its kind, which Unstructured insists on.
func TestDecodeIntoUnstructured(t *testing.T) {
	objects, _, _ := readList(strings.NewReader(`{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"},"spec":{"n":9007199254740993,"f":1.5}}]}`), wire.JSON, wire.Options{})
	var got unstructured.Unstructured
	if err := wire.Decode(objects[0], &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "a"},
		"spec": map[string]any{"n": int64(9007199254740993), "f": 1.5}}
	if !reflect.DeepEqual(got.Object, want) {
		t.Errorf("got %v, want %v", got.Object, want)
	}

	list, err := wire.ReadObject(body(t, wire.JSON, podList(1, 2)), wire.JSON, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var u unstructured.UnstructuredList
	if err := wire.Decode(list, &u); err != nil || len(u.Items) != 2 || u.Items[0].GetKind() != "Pod" {
		t.Errorf("got %v, %v", u, err)
	}

	o, err := wire.ReadObject(body(t, wire.Protobuf, samplePod()), wire.Protobuf, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := wire.Decode(o, &got); err == nil || !strings.Contains(err.Error(), "decode Pod production/web-7d4b9c6f5d-x2k4j into *unstructured.Unstructured") ||
		!strings.Contains(err.Error(), "wire.JSON") {
		t.Errorf("got %v", err)
	}
}

// Whole lists, a Status and options go the way of objects too.
func TestDecodeWhatHasNoObjectMeta(t *testing.T) {
	for _, f := range formats {
		list := podList(3, 4)
		o, err := wire.ReadObject(body(t, f, list), f, wire.Options{KeepManagedFields: true})
		if err != nil {
			t.Fatal(err)
		}
		var got corev1.PodList
		if err := wire.Decode(o, &got); err != nil || len(got.Items) != 4 || got.Continue != list.Continue || o.Kind != "PodList" || got.Kind != "PodList" {
			t.Errorf("%v: %v, %+v", f, err, got)
		}
		data, err := wire.Encode(&metav1.DeleteOptions{DryRun: []string{"All"}}, f, "meta.k8s.io/v1", "DeleteOptions")
		if err != nil {
			t.Fatal(err)
		}
		o, err = wire.ReadObject(data, f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var options metav1.DeleteOptions
		if err := wire.Decode(o, &options); err != nil || len(options.DryRun) != 1 || options.APIVersion != "meta.k8s.io/v1" {
			t.Errorf("%v: %v, %+v", f, err, options)
		}
	}
	// Nothing of metadata is taken for an object's where field 1 is something else.
	o, err := wire.ReadObject(body(t, wire.Protobuf, &metav1.APIVersions{Versions: []string{"v1"}}), wire.Protobuf, wire.Options{})
	if err != nil || !reflect.DeepEqual(o.Meta, wire.Meta{}) {
		t.Errorf("got %+v, %v", o.Meta, err)
	}
}

func TestWhatCannotBeDecodedIsAnError(t *testing.T) {
	pod := wire.Object{Format: wire.JSON, Kind: "Pod", APIVersion: "v1", Meta: wire.Meta{Name: "a"}, Data: []byte(`{"spec":{"nodeName":"n"},"metadata":{"name":7}}`)}
	into := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "before"}}
	if err := wire.Decode(pod, into); err == nil || !strings.HasPrefix(err.Error(), "decode Pod a into *v1.Pod: ") {
		t.Errorf("got %v", err)
	}
	if !reflect.DeepEqual(into, &corev1.Pod{}) {
		t.Errorf("half an object is left: %+v", into)
	}
	for name, into := range map[string]any{"nil": nil, "a nil pointer": (*corev1.Pod)(nil), "no pointer": corev1.Pod{}} {
		if err := wire.Decode(wire.Object{Format: wire.JSON, Data: []byte(`{}`)}, into); err == nil {
			t.Errorf("%s was decoded into", name)
		}
	}
	if err := wire.Decode(wire.Object{Data: []byte(`{}`)}, new(corev1.Pod)); err == nil {
		t.Error("no format was decoded")
	}
	if err := wire.Decode(wire.Object{Format: wire.Protobuf, Data: []byte{0x0a, 0x09}}, new(corev1.Pod)); err == nil {
		t.Error("a cut message was decoded")
	}
}

// What Encode writes in JSON is what encoding/json writes, but for the type.
func TestEncodeJSONChangesNothingElse(t *testing.T) {
	pod := samplePod()
	pod.APIVersion, pod.Kind = "v1", "Pod"
	want, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	got, err := wire.Encode(pod, wire.JSON, "v1", "Pod")
	if err != nil || string(got) != string(want) {
		t.Errorf("got %s, %v", got, err)
	}
}
