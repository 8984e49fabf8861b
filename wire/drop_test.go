package wire_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

func mustDrop(t testing.TB, typ reflect.Type, paths ...string) *wire.Drop {
	t.Helper()
	drop, err := wire.NewDrop(typ, paths...)
	if err != nil {
		t.Fatal(err)
	}
	return drop
}

func mustFields(t testing.TB, typ reflect.Type, paths ...string) *fieldpath.Set {
	t.Helper()
	fields, err := fieldpath.New(typ, paths...)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// What is left of JSON is JSON, and the rest of it as it was.
func TestFieldsAreCutOutOfJSON(t *testing.T) {
	drop := mustDrop(t, nil, "spec.list[*].x", "spec.map['a.b']", "spec.gone", "first", "metadata.annotations['n']", "metadata.finalizers", "each[*]", "deep[*][*].y")
	for name, tt := range map[string]struct{ object, want string }{
		"nothing of it":              {`{"a":1,"spec":{"b":[]}}`, `{"a":1,"spec":{"b":[]}}`},
		"first":                      {`{"first":1,"a":2}`, `{"a":2}`},
		"between":                    {`{"a":1,"first":[{}],"b":2}`, `{"a":1,"b":2}`},
		"last":                       {`{"a":1,"first":null}`, `{"a":1}`},
		"alone":                      {`{"first":{}}`, `{}`},
		"twice":                      {`{"first":1,"first":2,"a":1,"first":3,"first":4,"b":2,"first":5}`, `{"a":1,"b":2}`},
		"inside what stays":          {`{"spec":{"gone":1},"a":{"spec":{"gone":2}}}`, `{"spec":{},"a":{"spec":{"gone":2}}}`},
		"before and inside":          {`{"first":1,"spec":{"gone":1,"a":1},"first":1,"b":2}`, `{"spec":{"a":1},"b":2}`},
		"in elements":                {`{"spec":{"list":[{"x":1},{"x":1,"y":2},{"y":2,"x":1},{}]}}`, `{"spec":{"list":[{},{"y":2},{"y":2},{}]}}`},
		"whole elements":             {`{"each":[1,"two",[3],{"four":4}],"a":1}`, `{"each":[],"a":1}`},
		"values of a map":            {`{"each":{"a":1,"b":{}},"a":1}`, `{"each":{},"a":1}`},
		"one key":                    {`{"spec":{"map":{"a.b":1,"a":{"b":1}}}}`, `{"spec":{"map":{"a":{"b":1}}}}`},
		"lists in maps":              {`{"deep":{"k":[{"y":1,"z":1}],"l":{"m":{"y":1}}}}`, `{"deep":{"k":[{"z":1}],"l":{"m":{}}}}`},
		"an escaped key":             {`{"sp\u0065c":{"g\u006fne":1,"a":1}}`, `{"sp\u0065c":{"a":1}}`},
		"null":                       {`{"spec":null,"each":null}`, `{"spec":null,"each":null}`},
		"null elements":              {`{"spec":{"list":[null,{"x":1}]}}`, `{"spec":{"list":[null,{}]}}`},
		"what no path expects":       {`{"spec":"gone","deep":[1,[2]]}`, `{"spec":"gone","deep":[1,[2]]}`},
		"of another case":            {`{"First":1,"spec":{"Gone":1}}`, `{"First":1,"spec":{"Gone":1}}`},
		"an annotation":              {`{"metadata":{"annotations":{"m":"1","n":"2"},"name":"a"}}`, `{"metadata":{"annotations":{"m":"1"},"name":"a"}}`},
		"beside managedFields":       {`{"metadata":{"managedFields":[],"finalizers":[],"name":"a","managedFields":[],"finalizers":[]}}`, `{"metadata":{"name":"a"}}`},
		"around managedFields":       {`{"first":1,"metadata":{"finalizers":[],"managedFields":[],"labels":{"b":"c"}},"first":2}`, `{"metadata":{"labels":{"b":"c"}}}`},
		"white space":                {"{ \"first\" : 1 ,\n\"spec\" : { \"a\" : 1 , \"gone\" : [ ] } }", "{ \"spec\" : { \"a\" : 1 } }"},
		"white space in a list":      {"{\"spec\":{\"list\":[ { \"x\" : 1 } , { \"x\" : 1 , \"y\" : 2 } ] } }", "{\"spec\":{\"list\":[ {  } , { \"y\" : 2 } ] } }"},
		"white space, all elements":  {`{"each": [ 1 , 2 ] }`, `{"each": [  ] }`},
		"metadata that is null":      {`{"metadata":null,"first":1}`, `{"metadata":null}`},
		"annotations that are null":  {`{"metadata":{"annotations":null}}`, `{"metadata":{"annotations":null}}`},
		"a Status of another group":  {`{"apiVersion":"x/v1","kind":"Status","first":1}`, `{"apiVersion":"x/v1","kind":"Status"}`},
		"a Status stays as it is":    {`{"apiVersion":"v1","kind":"Status","first":1,"metadata":{"managedFields":0}}`, `{"apiVersion":"v1","kind":"Status","first":1,"metadata":{}}`},
		"also if it says that later": {`{"first":1,"spec":{"gone":1},"kind":"Status","apiVersion":"v1"}`, `{"first":1,"spec":{"gone":1},"kind":"Status","apiVersion":"v1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunked := range chunkings(1) {
				objects, _, err := readList(chunked(strings.NewReader(`{"items":[`+tt.object+`]}`)), wire.JSON, wire.Options{Drop: drop})
				if len(objects) != 1 {
					t.Fatal(err)
				}
				o := objects[0]
				if got := string(o.Data); got != tt.want {
					t.Fatalf("got  %s\nwant %s", got, tt.want)
				}
				compact(t, o.Data)
				if strings.Contains(tt.object, `"name":"a"`) && o.Meta.Name != "a" || strings.Contains(tt.object, `"b":"c"`) && o.Meta.Labels.Get("b") != "c" {
					t.Fatalf("Meta is %+v", o.Meta)
				}
			}
		})
	}
}

// What would be an error when nothing is dropped is one when something is.
func TestMalformedObjectsAreErrorsWithDropToo(t *testing.T) {
	drop := mustDrop(t, nil, "spec.a[*].b", "metadata.annotations['x']", "gone")
	for _, object := range []string{
		`{"metadata":{},"metadata":{}}`, `{"metadata":[]}`, `{"metadata":{"annotations":{"x":1}}}`, `{"metadata":{"annotations":[]}}`, `{"metadata":{"labels":7}}`,
		`{"spec":{"a":[{"b":}]}}`, `{"spec":{"a":[{"b":1,}]}}`, `{"spec":{"a":[{"b":1]}}`, `{"spec":{"a":[,]}}`, `{"gone":}`, `{"gone":1`, `{"gone"`, `{"spec":{"a":[{"b":"` + "\n" + `"}]}}`,
		`{"gone":1}x`, `[]`, ``, `{"kind":1}`,
	} {
		_, plain := wire.ReadObject([]byte(object), wire.JSON, wire.Options{})
		_, err := wire.ReadObject([]byte(object), wire.JSON, wire.Options{Drop: drop})
		if plain == nil || err == nil || plain.Error() != err.Error() {
			t.Errorf("%s: %v; with Drop %v", object, plain, err)
		}
	}
}

// Protobuf is what Kubernetes would have written for the object without the fields.
func TestFieldsAreCutOutOfProtobuf(t *testing.T) {
	drop := mustDrop(t, podType, "metadata.finalizers", "spec.containers[*].env", "spec.containers[*].resources.limits", "spec.volumes[*].projected.sources",
		"spec.nodeSelector['zone']", "status.conditions", "spec.securityContext.runAsUser")
	for i, pod := range append(randomPods(11, 50), *samplePod()) {
		pod.Spec.NodeSelector = map[string]string{"a": "1", "zone": "2", "zones": "3"}
		o, err := wire.ReadObject(body(t, wire.Protobuf, &pod), wire.Protobuf, wire.Options{Drop: drop})
		if err != nil {
			t.Fatal(err)
		}
		pod.ManagedFields, pod.Finalizers, pod.Status.Conditions = nil, nil, nil
		delete(pod.Spec.NodeSelector, "zone")
		for i := range pod.Spec.Containers {
			pod.Spec.Containers[i].Env, pod.Spec.Containers[i].Resources.Limits = nil, nil
		}
		for _, volume := range pod.Spec.Volumes {
			if volume.Projected != nil {
				volume.Projected.Sources = nil
			}
		}
		if pod.Spec.SecurityContext != nil {
			pod.Spec.SecurityContext.RunAsUser = nil
		}
		want, err := pod.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(o.Data, want) {
			t.Fatalf("pod %d:\n got %q\nwant %q", i, o.Data, want)
		}
	}
}

// A Drop is made for one type. In a watch of it there may be a Status as well, which stays as it is.
func TestStatusIsNotDropped(t *testing.T) {
	status := &metav1.Status{Status: "Failure", Message: "too old", Reason: "Expired", Code: 410}
	for _, drop := range []*wire.Drop{mustDrop(t, podType, "status", "spec"), mustDrop(t, nil, "status", "message", "code", "reason")} {
		for _, f := range formats {
			events, _ := readWatch(bytes.NewReader(watchBody(t, f, []event{{"ERROR", status}})), f, wire.Options{Drop: drop})
			if len(events) != 1 {
				t.Fatal("there is no event")
			}
			if got, err := events[0].Status(); err != nil || got.Status != "Failure" || got.Code != 410 || got.Message != "too old" {
				t.Errorf("%v: got %+v, %v", f, got, err)
			}
		}
	}
}

// The bookmark that ends the list at the beginning of a watch says so by an annotation.
func TestTheEndOfTheInitialEventsIsNotDropped(t *testing.T) {
	bookmark := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "7",
		Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true", "other": "x"}}}
	for _, paths := range [][]string{{"metadata.annotations"}, {"metadata.annotations[*]"}, {"metadata.annotations", "metadata.annotations['other']"}} {
		for _, typ := range []reflect.Type{podType, nil} {
			for _, f := range formats {
				if f == wire.Protobuf && typ == nil {
					continue
				}
				drop := mustDrop(t, typ, paths...)
				for _, keepManaged := range []bool{true, false} {
					events, _ := readWatch(bytes.NewReader(watchBody(t, f, []event{{"BOOKMARK", bookmark}})), f,
						wire.Options{Drop: drop, KeepManagedFields: keepManaged})
					if len(events) != 1 || !events[0].InitialEventsEnd() {
						t.Fatalf("%v %v: got %+v", f, paths, events)
					}
					if _, ok := events[0].Object.Annotation("other"); ok {
						t.Errorf("%v %v: the other annotation is there", f, paths)
					}
				}
			}
		}
	}
}

// A Drop that cannot be used is an error at the first object, not forgotten.
func TestDropThatCannotBeUsedIsAnError(t *testing.T) {
	pod := samplePod()
	for _, tt := range []struct {
		f    wire.Format
		drop *wire.Drop
		says string
	}{
		{wire.JSON, mustDrop(t, nil, "spec"), ""},
		{wire.Protobuf, mustDrop(t, nil, "spec"), "protobuf"},
		{wire.Protobuf, mustDrop(t, widgetType, "spec"), ""}, // of a Pod, nothing of a Widget is dropped
	} {
		_, err := wire.ReadObject(body(t, tt.f, pod), tt.f, wire.Options{Drop: tt.drop})
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%v: got %v", tt.f, err)
		}
	}
}

// Custom resources, of a Go type or of none.
func TestFieldsOfCustomResources(t *testing.T) {
	const object = `{"apiVersion":"x/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"size":3,"ratio":1.5,"template":{"spec":{"x":[1,2]},"y":null},` +
		`"any":{"k":{"b":[true]}},"port":"http","deep":{"a":{"b":"c"}},"Untagged":"u"}}`
	paths := []string{"spec.size", "spec.template.spec.x", "spec.any['k'].b[*]", "spec.port", "spec.deep[*]['b']"}
	for _, typ := range []reflect.Type{widgetType, nil} {
		o, err := wire.ReadObject([]byte(object), wire.JSON, wire.Options{Drop: mustDrop(t, typ, paths...)})
		if want := `{"apiVersion":"x/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"ratio":1.5,"template":{"spec":{},"y":null},` +
			`"any":{"k":{"b":[]}},"deep":{"a":{}},"Untagged":"u"}}`; err != nil || string(o.Data) != want {
			t.Errorf("got  %s, %v\nwant %s", o.Data, err, want)
		}
		o, err = wire.ReadObject([]byte(object), wire.JSON, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		kept, err := o.Keep(mustFields(t, typ, paths...), nil)
		if want := `{"apiVersion":"x/v1","kind":"Widget","spec":{"size":3,"template":{"spec":{"x":[1,2]}},"any":{"k":{"b":[true]}},"port":"http","deep":{"a":{"b":"c"}}}}`; err != nil || string(kept.Data) != want {
			t.Errorf("got  %s, %v\nwant %s", kept.Data, err, want)
		}
		var widget Widget
		if err := wire.Decode(kept, &widget); err != nil || *widget.Spec.Size != 3 || widget.Spec.Port.StrVal != "http" {
			t.Errorf("got %+v, %v", widget, err)
		}
		pod := wire.Object{Format: wire.Protobuf, Kind: "Widget"}
		if _, err := pod.Keep(mustFields(t, typ, paths...), nil); err == nil || !strings.Contains(err.Error(), "wire.JSON") {
			t.Errorf("protobuf: %v", err)
		}
	}
}

// Time is in proportion to the input, however it is made up: what is dropped stands between labels,
// and between what is not dropped, as often as there is room.
func TestDropTakesNoMoreThanItsShareOfTime(t *testing.T) {
	const n = 300_000
	metadata := protobufField(1, bytes.Repeat([]byte("\x5a\x03\x0a\x01a\x8a\x01\x00\x72\x00"), n)) // labels, managedFields, finalizers
	spec := protobufField(2, bytes.Repeat([]byte("\x12\x02\x3a\x00\x12\x02\x0a\x00"), n))          // containers, of which one has env
	nested := []byte{}
	for range 5000 { // messages in messages that are none
		nested = protobufField(2, nested)
	}
	long := `{"metadata":{` + strings.Repeat(`"labels":{"a":"b"},"finalizers":0,"managedFields":0,"x":{},`, n) + `"name":"x"},"spec":{"containers":[` +
		strings.Repeat(`{"env":0},{"\u0065nv":0,"name":""},`, n) + `{}],"gone":` + strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000) + `}}`
	drop := mustDrop(t, podType, "metadata.finalizers", "metadata.annotations['x']", "spec.containers[*].env", "spec.nodeSelector['a']")
	done := make(chan error, 2)
	go func() {
		_, err := wire.ReadObject(append(append(metadata, spec...), nested...), wire.Protobuf, wire.Options{Kind: "Pod", Drop: drop})
		done <- err
		_, err = wire.ReadObject([]byte(long), wire.JSON, wire.Options{Drop: drop})
		done <- err
	}()
	deadline := time.After(30 * time.Second)
	for range 2 {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-deadline:
			t.Fatal("it takes too long")
		}
	}
}

// To drop fields takes no memory but that of the object that is left.
func TestDropAllocatesNothing(t *testing.T) {
	for _, f := range formats {
		data := body(t, f, samplePod())
		measure := func(o wire.Options) float64 {
			watch := wire.NewWatchReader(&repeated{data: watchBody(t, f, []event{{"MODIFIED", samplePod()}})}, f, o)
			return testing.AllocsPerRun(100, func() {
				if _, err := watch.Next(); err != nil {
					t.Fatal(err)
				}
			})
		}
		plain, dropping := measure(wire.Options{}), measure(wire.Options{Drop: mustDrop(t, podType, "spec.containers[*].env", "metadata.annotations")})
		if dropping > plain {
			t.Errorf("%v: %v allocations, %v without Drop (%d bytes)", f, dropping, plain, len(data))
		}
	}
}

// What is read of every object cannot be dropped, nor anything in it or around it.
func TestWhatMetaIsMadeOfIsNotDropped(t *testing.T) {
	for path, offset := range map[string]int{
		"kind": 0, "apiVersion": 0, "metadata": 0, "metadata.name": 9, "metadata.namespace": 9, "metadata.uid": 9,
		"metadata.resourceVersion": 9, "metadata.generation": 9, "metadata.deletionTimestamp": 9,
		"metadata.labels": 9, "metadata.labels[*]": 9, "metadata.labels['app']": 9,
		"metadata.ownerReferences": 9, "metadata.ownerReferences[*].uid": 9,
		"metadata.annotations['k8s.io/initial-events-end']": 20,
	} {
		for _, typ := range []reflect.Type{podType, widgetType, nil} {
			_, err := wire.NewDrop(typ, "spec", path)
			var wrong *fieldpath.Error
			if !errors.As(err, &wrong) || wrong.Path != path || wrong.Offset != offset || !strings.Contains(wrong.Reason, "never dropped") {
				t.Errorf("%v %s: got %v", typ, path, err)
			}
		}
	}
	for _, path := range []string{"metadata[*]", "metadata[*].x", "metadata['name']", "['metadata']", "['kind']"} {
		if _, err := wire.NewDrop(nil, path); err == nil {
			t.Errorf("%s can be dropped", path)
		}
	}
	if _, err := wire.NewDrop(podType, "spec.nope"); err == nil {
		t.Error("what does not exist can be dropped")
	}
	if _, err := wire.NewDrop(podType, "metadata.annotations", "metadata.managedFields", "metadata.finalizers", "metadata.creationTimestamp", "spec", "status"); err != nil {
		t.Error(err)
	}
}
