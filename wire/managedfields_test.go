package wire_test

import (
	"bytes"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// What is left of JSON without managedFields is JSON, and the rest of it as it was.
func TestManagedFieldsAreCutOutOfJSON(t *testing.T) {
	for name, tt := range map[string]struct{ object, want string }{
		"none":                 {`{"metadata":{"name":"a"}}`, `{"metadata":{"name":"a"}}`},
		"first":                {`{"metadata":{"managedFields":[{"a":[]}],"name":"a"}}`, `{"metadata":{"name":"a"}}`},
		"between":              {`{"metadata":{"name":"a","managedFields":[1],"uid":"u"}}`, `{"metadata":{"name":"a","uid":"u"}}`},
		"last":                 {`{"metadata":{"name":"a","managedFields":[1]}}`, `{"metadata":{"name":"a"}}`},
		"alone":                {`{"metadata":{"managedFields":[1]}}`, `{"metadata":{}}`},
		"null":                 {`{"metadata":{"managedFields":null,"name":"a"}}`, `{"metadata":{"name":"a"}}`},
		"twice alone":          {`{"metadata":{"managedFields":[1],"managedFields":[2]}}`, `{"metadata":{}}`},
		"twice first":          {`{"metadata":{"managedFields":[1],"managedFields":[2],"name":"a"}}`, `{"metadata":{"name":"a"}}`},
		"twice last":           {`{"metadata":{"name":"a","managedFields":[1],"managedFields":[2]}}`, `{"metadata":{"name":"a"}}`},
		"first and last":       {`{"metadata":{"managedFields":[1],"name":"a","managedFields":[2]}}`, `{"metadata":{"name":"a"}}`},
		"twice between":        {`{"metadata":{"name":"a","managedFields":1,"managedFields":2,"uid":"u"}}`, `{"metadata":{"name":"a","uid":"u"}}`},
		"escaped keys":         {`{"met\u0061data":{"name":"a","managedF\u0069elds":[1]}}`, `{"met\u0061data":{"name":"a"}}`},
		"white space":          {"{ \"metadata\" :\n{ \"managedFields\" : [ ] ,\n \"name\" : \"a\" } }", `{ "metadata" :` + "\n" + `{ "name" : "a" } }`},
		"white space, last":    {`{"metadata": { "name": "a" , "managedFields": [ ] } }`, `{"metadata": { "name": "a" } }`},
		"white space, alone":   {`{"metadata": { "managedFields": [ ] } }`, `{"metadata": {  } }`},
		"elsewhere":            {`{"managedFields":[1],"spec":{"managedFields":[2]}}`, `{"managedFields":[1],"spec":{"managedFields":[2]}}`},
		"deeper":               {`{"metadata":{"annotations":{"managedFields":"x"}}}`, `{"metadata":{"annotations":{"managedFields":"x"}}}`},
		"as a value":           {`{"metadata":{"name":"managedFields"}}`, `{"metadata":{"name":"managedFields"}}`},
		"of another case":      {`{"metadata":{"managedfields":[1]}}`, `{"metadata":{"managedfields":[1]}}`},
		"after the other keys": {`{"kind":"A","metadata":{"labels":{"b":"c"},"managedFields":[1],"name":"a"},"z":1}`, `{"kind":"A","metadata":{"labels":{"b":"c"},"name":"a"},"z":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunked := range chunkings(1) {
				objects, _, err := readList(chunked(strings.NewReader(`{"items":[`+tt.object+`]}`)), wire.JSON, wire.Options{})
				if len(objects) != 1 {
					t.Fatal(err)
				}
				if got := string(objects[0].Data); got != tt.want {
					t.Fatalf("got  %s\nwant %s", got, tt.want)
				}
				compact(t, objects[0].Data)
				if strings.Contains(tt.object, `"name":"a"`) && objects[0].Meta.Name != "a" {
					t.Fatalf("the name is %q", objects[0].Meta.Name)
				}
			}
			kept, err := wire.ReadObject([]byte(tt.object), wire.JSON, wire.Options{KeepManagedFields: true})
			if err != nil || string(kept.Data) != tt.object {
				t.Fatalf("got  %s\nwant %s", kept.Data, tt.object)
			}
		})
	}
}

// Without managedFields, protobuf is what Kubernetes would have written for the object without them.
func TestManagedFieldsAreCutOutOfProtobuf(t *testing.T) {
	pods := append(randomPods(9, 50), *samplePod())
	for i := range pods {
		o, err := wire.ReadObject(body(t, wire.Protobuf, &pods[i]), wire.Protobuf, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		without := pods[i].DeepCopy()
		without.ManagedFields = nil
		// Marshal sorts maps, as it did when the object was written.
		want, err := without.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(o.Data, want) {
			t.Fatalf("pod %d:\n got %q\nwant %q", i, o.Data, want)
		}
	}
}

// managedFields are out of the way in protobuf wherever they stand in metadata, as many as there
// are, and the lengths around them are right.
func TestManagedFieldsBetweenOtherFieldsOfProtobuf(t *testing.T) {
	managed := append([]byte{0x8a, 0x01, 0xac, 0x02}, make([]byte, 300)...) // field 17
	name, namespace := protobufField(1, []byte("a")), protobufField(3, []byte("n"))
	metadata := bytes.Join([][]byte{managed, name, managed, managed, namespace, managed}, nil)
	spec := protobufField(2, nil)
	msg := append(append(bytes.Clone(spec), protobufField(1, metadata)...), spec...)
	o, err := wire.ReadObject(msg, wire.Protobuf, wire.Options{Kind: "Pod", APIVersion: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	want := append(append(bytes.Clone(spec), protobufField(1, append(name, namespace...))...), spec...)
	if !bytes.Equal(o.Data, want) {
		t.Fatalf("got %q, want %q", o.Data, want)
	}
	if o.Meta.Key() != "n/a" {
		t.Fatalf("the key is %q", o.Meta.Key())
	}
	if err := wire.Decode(o, new(corev1.Pod)); err != nil {
		t.Fatal(err)
	}
}
