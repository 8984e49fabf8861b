package wire_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/wire"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// Paths lead through JSON to what they name, whatever stands there; what leads to it stays.
func TestOnlyTheFieldsOfJSONAreKept(t *testing.T) {
	fields := mustFields(t, nil, "spec.list[*].x", "spec.map['a.b']", "whole", "each[*]", "metadata.labels['app']")
	for name, tt := range map[string]struct{ object, want string }{
		"nothing of it":         {`{"a":1,"metadata":{"name":"a"}}`, `{"metadata":{}}`},
		"its type":              {`{"kind":"K","a":1,"apiVersion":"v1"}`, `{"kind":"K","apiVersion":"v1"}`},
		"whole":                 {`{"a":1,"whole":{"b" : [ 1 ]},"c":2}`, `{"whole":{"b" : [ 1 ]}}`},
		"of elements":           {`{"spec":{"list":[{"x":1,"y":2},{"y":2},{}, null ],"z":[]}}`, `{"spec":{"list":[{"x":1},{},{},null]}}`},
		"elements":              {`{"each":[1,"two",null,{"a":1}]}`, `{"each":[1,"two",null,{"a":1}]}`},
		"of maps":               {`{"spec":{"map":{"a.b":1,"c":2}},"metadata":{"labels":{"app":"x","b":"c"}}}`, `{"spec":{"map":{"a.b":1}},"metadata":{"labels":{"app":"x"}}}`},
		"an escaped key":        {`{"wh\u006fle":1}`, `{"wh\u006fle":1}`},
		"null":                  {`{"spec":null,"whole":null}`, `{"spec":null,"whole":null}`},
		"what no path expects":  {`{"spec":7,"each":"x","metadata":[{"labels":1}]}`, `{"spec":null,"each":null,"metadata":null}`},
		"white space around it": {" { \"whole\" :\n1 , \"a\" : 2 } ", `{"whole":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			kept, err := (wire.Object{Format: wire.JSON, Data: []byte(tt.object)}).Keep(fields, nil)
			if err != nil || string(kept.Data) != tt.want {
				t.Fatalf("got  %s, %v\nwant %s", kept.Data, err, tt.want)
			}
			compact(t, kept.Data)
		})
	}
}

// A partial read gives what the full one does, for the fields that were asked for; and it knows as
// much of the object as before.
func TestPartialRead(t *testing.T) {
	pod := samplePod()
	for _, f := range formats {
		o, err := wire.ReadObject(body(t, f, pod), f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		kept, err := o.Keep(mustFields(t, podType, "status.phase", "spec.containers[*].image"), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got corev1.Pod
		if err := wire.Decode(kept, &got); err != nil {
			t.Fatal(err)
		}
		if got.Status.Phase != "Running" || len(got.Spec.Containers) != 1 || got.Spec.Containers[0].Image != pod.Spec.Containers[0].Image ||
			got.Spec.Containers[0].Env != nil || got.Name != "" || got.Kind != "Pod" {
			t.Errorf("%v: got %+v", f, got)
		}
		if kept.Meta.Key() != o.Meta.Key() || kept.Kind != "Pod" || len(kept.Data) > 200 {
			t.Errorf("%v: got %+v", f, kept)
		}
	}
}

func TestKeepAllocatesNothing(t *testing.T) {
	fields := mustFields(t, podType, "status.phase", "spec.containers[*].env", "metadata.labels['app']", "metadata.annotations['a\\'b']")
	for _, f := range formats {
		o, err := wire.ReadObject(body(t, f, samplePod()), f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 0, len(o.Data)+64)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := o.Keep(fields, buf); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%v: %v allocations", f, n)
		}
	}
}

func TestWhatFieldsCannotBeKeptOf(t *testing.T) {
	pod := mustFields(t, podType, "spec.containers[*].env")
	for name, tt := range map[string]struct {
		fields *fieldpath.Set
		object wire.Object
		syntax bool
	}{
		"no format":          {pod, wire.Object{}, false},
		"another type":       {pod, wire.Object{Format: wire.Protobuf, Kind: "Node"}, false},
		"protobuf, untyped":  {mustFields(t, nil, "a"), wire.Object{Format: wire.Protobuf}, false},
		"JSON that is none":  {pod, wire.Object{Format: wire.JSON, Data: []byte(`{"spec":{"containers":[{"env":]}}`)}, true},
		"JSON with more":     {pod, wire.Object{Format: wire.JSON, Data: []byte(`{}{}`)}, true},
		"protobuf cut off":   {pod, wire.Object{Format: wire.Protobuf, Data: []byte("\x12\x05a")}, true},
		"and inside a field": {pod, wire.Object{Format: wire.Protobuf, Data: []byte("\x12\x02\x12\x05")}, true},
	} {
		_, err := tt.object.Keep(tt.fields, nil)
		if syntax := (*wire.SyntaxError)(nil); err == nil || errors.As(err, &syntax) != tt.syntax {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Values are the same text in both formats.
func TestValues(t *testing.T) {
	at := metav1.NewTime(metav1.Now().Rfc3339Copy().Time)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "s", CreationTimestamp: at, Labels: map[string]string{"app": "we\"b", "": "empty"}, Finalizers: []string{"a", "", "b"}},
		Spec: corev1.ServiceSpec{
			Ports: []corev1.ServicePort{
				{Port: 80, TargetPort: intstr.FromString("http"), AppProtocol: new("")},
				{Port: -1, TargetPort: intstr.FromInt32(8080), NodePort: 30000},
			},
			PublishNotReadyAddresses: true,
			HealthCheckNodePort:      0,
		},
	}
	secret := &corev1.Secret{Data: map[string][]byte{"a": {0xfb, 0xff}, "b": {}}, Immutable: new(false)}
	quota := &corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"cpu": resource.MustParse("1500m")}}}
	for _, tt := range []struct {
		obj  runtime.Object
		path string
		want []string
	}{
		{service, "metadata.name", []string{"s"}},
		{service, "kind", []string{"Service"}},
		{service, "apiVersion", []string{"v1"}},
		{service, "metadata.labels['app']", []string{`we"b`}},
		{service, "metadata.labels['']", []string{"empty"}},
		{service, "metadata.labels[*]", []string{"empty", `we"b`}},
		{service, "metadata.labels", nil},
		{service, "metadata.finalizers[*]", []string{"a", "", "b"}},
		{service, "metadata.finalizers", nil},
		{service, "metadata.creationTimestamp", []string{at.UTC().Format("2006-01-02T15:04:05Z")}},
		{service, "metadata.deletionTimestamp", nil},
		{service, "metadata.generateName", nil},
		{service, "spec.ports[*].port", []string{"80", "-1"}},
		{service, "spec.ports[*].nodePort", []string{"30000"}},
		{service, "spec.ports[*].appProtocol", []string{""}},
		{service, "spec.ports[*].targetPort", []string{"http", "8080"}},
		{service, "spec.publishNotReadyAddresses", []string{"true"}},
		{service, "spec.healthCheckNodePort", nil},
		{service, "spec", nil},
		{secret, "data['a']", []string{"+/8="}},
		{secret, "data['b']", []string{""}},
		{secret, "data['c']", nil},
		{secret, "immutable", []string{"false"}},
		{quota, "spec.hard['cpu']", []string{"1500m"}},
	} {
		for _, f := range formats {
			o, err := wire.ReadObject(body(t, f, tt.obj), f, wire.Options{})
			if err != nil {
				t.Fatal(err)
			}
			fields := mustFields(t, reflect.TypeOf(tt.obj), tt.path)
			if got := slices.Collect(o.Values(fields)); !slices.Equal(got, tt.want) {
				t.Errorf("%v %s: got %q, want %q", f, tt.path, got, tt.want)
			}
			for range o.Values(fields) {
				break // which asks for no more of them
			}
		}
	}
}

// Each value is yielded once, by however many paths it is asked for; wrong UTF-8 is as in JSON.
func TestValuesAreYieldedOnce(t *testing.T) {
	pod := samplePod()
	pod.Labels = map[string]string{"a": "1", "b": "\xff2"}
	for _, f := range formats {
		o, err := wire.ReadObject(body(t, f, pod), f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		fields := mustFields(t, podType, "metadata.labels['a']", "metadata.labels[*]", "metadata.labels", "spec.nodeName", "spec", "spec.nodeName")
		if got := slices.Collect(o.Values(fields)); !slices.Equal(got, []string{"1", "\ufffd2", "node-0042"}) {
			t.Errorf("%v: got %q", f, got)
		}
	}
}
