package wire_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/skiff-k8s/skiff/wire"
)

func TestKey(t *testing.T) {
	for want, m := range map[string]wire.Meta{
		"default/web": {Namespace: "default", Name: "web"},
		"node-1":      {Name: "node-1"},
		"":            {},
	} {
		if got := m.Key(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Strings of Meta that need no unquoting are parts of Data; those of a clone are not.
func TestMetaIsPartOfDataAndItsCloneIsNot(t *testing.T) {
	for _, f := range formats {
		o, err := wire.ReadObject(body(t, f, samplePod()), f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			meta   wire.Meta
			shares bool
		}{"itself": {o.Meta, true}, "Object.Clone": {o.Clone().Meta, false}, "Meta.Clone": {o.Meta.Clone(), false}} {
			if !reflect.DeepEqual(c.meta, o.Meta) {
				t.Errorf("%v: %s is another: %+v", f, name, c.meta)
			}
			for _, s := range []string{c.meta.Namespace, c.meta.Name, c.meta.UID, c.meta.ResourceVersion, c.meta.Owner.Name, c.meta.Labels.Slice()[1].Key, c.meta.Labels.Slice()[1].Value} {
				if within(s, o.Data) != c.shares {
					t.Errorf("%v: %s: %q is a part of Data: %v", f, name, s, !c.shares)
				}
			}
			if shared := &c.meta.Labels.Slice()[0] == &o.Meta.Labels.Slice()[0]; shared != c.shares {
				t.Errorf("%v: %s: the labels are shared: %v", f, name, shared)
			}
		}
		clone := o.Clone()
		if !reflect.DeepEqual(clone, o) || &clone.Data[0] == &o.Data[0] {
			t.Errorf("%v: the clone is not one", f)
		}
	}
	if empty := (wire.Object{}).Clone(); !reflect.DeepEqual(empty, wire.Object{}) {
		t.Errorf("the clone of nothing is %+v", empty)
	}
}

func within(s string, b []byte) bool {
	p, first := uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(unsafe.Pointer(&b[0]))
	return p >= first && p < first+uintptr(len(b))
}

// A body is one object, all of it, and nothing beside it.
func TestReadObjectReadsOneWholeObject(t *testing.T) {
	pods := smallPods()
	for _, f := range formats {
		data := bytes.TrimSpace(body(t, f, &pods[0]))
		complete := len(data)
		if f == wire.Protobuf {
			complete = bytes.LastIndex(data, []byte("\x1a\x00\x22\x00")) // empty contentEncoding and contentType
		}
		for cut := range complete {
			_, err := wire.ReadObject(data[:cut], f, wire.Options{})
			var syntax *wire.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset > int64(cut) {
				t.Fatalf("%v cut at %d: %v", f, cut, err)
			}
		}
		if _, err := wire.ReadObject(append(bytes.Clone(data), 'x'), f, wire.Options{}); err == nil {
			t.Errorf("%v: it was read with something after it", f)
		}
	}
	if _, err := wire.ReadObject([]byte(" {} \n"), wire.JSON, wire.Options{}); err != nil {
		t.Error(err)
	}
}

// Nothing of what a reader hands out changes when it reads on, or when the caller's bytes do.
func TestObjectsAreTheirOwn(t *testing.T) {
	for _, f := range formats {
		data := body(t, f, podList(8, 20))
		objects, _, _ := readList(bytes.NewReader(data), f, wire.Options{})
		again, _, _ := readList(bytes.NewReader(data), f, wire.Options{})
		if !reflect.DeepEqual(objects, again) {
			t.Errorf("%v: reading on has changed objects", f)
		}
		one := body(t, f, samplePod())
		o, err := wire.ReadObject(one, f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		before := o.Clone()
		clear(one)
		if !reflect.DeepEqual(o, before) {
			t.Errorf("%v: the object has changed with the caller's bytes", f)
		}
	}
}

// The Data of an object can be read again: that is how a store unpacks.
func TestDataReadsAgain(t *testing.T) {
	for _, f := range formats {
		o, err := wire.ReadObject(body(t, f, samplePod()), f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := wire.ReadObject(o.Data, f, wire.Options{APIVersion: o.APIVersion, Kind: o.Kind})
		if err != nil || !reflect.DeepEqual(again, o) {
			t.Errorf("%v: got %+v, %v", f, again, err)
		}
	}
}

// What is not UTF-8 does not stop a list: Data keeps it, Meta has what decoding would have.
func TestWrongUTF8(t *testing.T) {
	const object = "{\"metadata\":{\"name\":\"a\xff\",\"labels\":{\"\xc3\":\"\xe2\x82\"},\"annotations\":{\"k\":\"\xff\"}}}"
	o, err := wire.ReadObject([]byte(object), wire.JSON, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Meta.Name != "a\ufffd" || o.Meta.Labels.Slice()[0] != (wire.Label{Key: "\ufffd", Value: "\ufffd\ufffd"}) || string(o.Data) != object {
		t.Errorf("got %+v", o.Meta)
	}
	if value, _ := o.Annotation("k"); value != "\ufffd" {
		t.Errorf("got %q", value)
	}
}

// Of two members with one key the last counts, and null is as if it were not there: as when the
// object is decoded.
func TestSecondMemberWithAKey(t *testing.T) {
	o, err := wire.ReadObject([]byte(`{"kind":"A","kind":"B","metadata":{"name":"a","name":"b","name":null,"uid":null,"generation":1,"generation":2,
		"labels":{"a":"1"},"labels":null,"labels":{"b":"1","b":"2","b":null},"deletionTimestamp":"x","deletionTimestamp":null,
		"ownerReferences":[{"name":"a","controller":true}],"ownerReferences":[{"name":"b","name":"c","controller":false,"controller":true}]}}`),
		wire.JSON, wire.Options{})
	want := wire.Meta{Name: "b", Generation: 2, Labels: wire.NewLabels(wire.Label{Key: "b"}), Owner: wire.Owner{Name: "c"}}
	if err != nil || o.Kind != "B" || !reflect.DeepEqual(o.Meta, want) {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestOwnerIsTheOneInControl(t *testing.T) {
	o, err := wire.ReadObject([]byte(`{"metadata":{"ownerReferences":[
		{"apiVersion":"v1","kind":"A","name":"a","uid":"1"},
		null,
		{"apiVersion":"v1","kind":"B","name":"b","uid":"2","controller":false},
		{"x":[],"apiVersion":"v1","kind":"C","name":"c\n","uid":"3","controller":true},
		{"apiVersion":"v1","kind":"D","name":"d","uid":"4","controller":true}]}}`), wire.JSON, wire.Options{})
	if want := (wire.Owner{APIVersion: "v1", Kind: "C", Name: "c\n", UID: "3"}); err != nil || o.Meta.Owner != want {
		t.Errorf("got %+v, %v", o.Meta.Owner, err)
	}
}

// Annotations of an object whose Data nobody has read, and that may be anything.
func TestAnnotationsOfAnyData(t *testing.T) {
	for _, data := range []string{"", "{", "[]", "null", `{"metadata":null}`, `{"metadata":[]}`, `{"metadata":{"annotations":null}}`,
		`{"metadata":{"annotations":{"a":1}}}`, "\x0a", "\x0a\x05", "\x0a\x02\x62\x09", "\x0a\x02\x60\x09", "k8s\x00"} {
		for _, f := range append(formats, 0) {
			o := wire.Object{Format: f, Data: []byte(data)}
			if value, ok := o.Annotation("a"); ok {
				t.Errorf("%v %q: got %q", f, data, value)
			}
		}
	}
	o := wire.Object{Format: wire.JSON, Data: []byte(`{"metadata":{"name":"x","annotations":{"a":"1"},"z":[],"\u0061nnotations":{"b":"\u0032","a":null}}}`)}
	if value, ok := o.Annotation("b"); !ok || value != "2" {
		t.Errorf("got %q, %v", value, ok)
	}
	if value, ok := o.Annotation("a"); !ok || value != "" {
		t.Errorf("the last of two does not count: %q, %v", value, ok)
	}
	for key := range o.Annotations() {
		if key != "a" {
			t.Errorf("got %q first", key)
		}
		break
	}
}

func TestFormatOf(t *testing.T) {
	for contentType, want := range map[string]wire.Format{
		"application/json":                                 wire.JSON,
		"application/json; charset=utf-8":                  wire.JSON,
		"Application/JSON;stream=watch":                    wire.JSON,
		"application/vnd.kubernetes.protobuf":              wire.Protobuf,
		"application/vnd.kubernetes.protobuf;stream=watch": wire.Protobuf,
	} {
		if got, err := wire.FormatOf(contentType); got != want || err != nil {
			t.Errorf("%s: got %v, %v", contentType, got, err)
		}
	}
	for _, contentType := range []string{"", "text/plain", "application/cbor", "application/jsonl", ";", "application/json; ="} {
		if got, err := wire.FormatOf(contentType); err == nil || got != 0 || !strings.Contains(err.Error(), `"`) {
			t.Errorf("%q: got %v, %v", contentType, got, err)
		}
	}
	for _, f := range formats {
		if got, err := wire.FormatOf(f.ContentType()); got != f || err != nil {
			t.Errorf("%v: got %v, %v", f, got, err)
		}
	}
	if wire.Format(0).ContentType() != "" || wire.Format(7).String() != "wire.Format(7)" {
		t.Error("what is no format has a name")
	}
}
