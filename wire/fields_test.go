package wire_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand"
	"reflect"
	"slices"
	"testing"

	resourcev1 "k8s.io/api/resource/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/wire"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// droppable says whether NewDrop takes the path.
func droppable(p goPath) bool {
	if p[0].name == "apiVersion" || p[0].name == "kind" || len(p) == 1 && p[0].name == "metadata" {
		return false
	}
	return p[0].name != "metadata" || !slices.Contains([]string{"name", "namespace", "uid", "resourceVersion", "generation",
		"deletionTimestamp", "labels", "ownerReferences"}, p[1].name)
}

func texts(paths []goPath) []string {
	var all []string
	for _, p := range paths {
		all = append(all, p.String())
	}
	return all
}

// Every built-in type, filled at random, and random paths through it: to drop them when the object is
// read is to zero them in the Go object; to keep them is to zero all others; and their values are
// those that the object's JSON has.
func TestPathsMeanTheSameInBytesAndInGo(t *testing.T) {
	var changed, found, all int
	for _, typ := range objectTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			fill := filler(int64(len(typ.String())))
			rng := rand.New(rand.NewSource(int64(len(typ.String()))))
			for range 5 {
				obj := random(fill, typ)
				paths := make([]goPath, 1+rng.Intn(3))
				for i := range paths {
					paths[i] = randomPath(rng, reflect.ValueOf(obj).Elem())
				}
				for _, f := range formats {
					data := body(t, f, obj)
					if f == wire.JSON && rng.Intn(2) == 0 {
						data = indented(t, data)
					}
					all++
					if checkDrop(t, f, typ, data, paths) {
						changed++
					}
					checkKeep(t, f, typ, data, paths)
					if checkValues(t, f, typ, data, paths) {
						found++
					}
				}
			}
		})
	}
	if changed < all/3 || found < all/3 {
		t.Fatalf("of %d objects, %d had what was dropped, and %d had values: too few to tell", all, changed, found)
	}
}

func indented(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, data, "\t", " \r"); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// checkDrop says whether there was something to drop.
func checkDrop(t *testing.T, f wire.Format, typ reflect.Type, data []byte, paths []goPath) (changed bool) {
	t.Helper()
	paths = slices.DeleteFunc(slices.Clone(paths), func(p goPath) bool { return !droppable(p) })
	drop, err := wire.NewDrop(typ, texts(paths)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, keepManaged := range []bool{true, false} {
		want := decoded(t, f, data)
		before := want.DeepCopyObject()
		for _, p := range paths {
			zero(reflect.ValueOf(want).Elem(), p)
		}
		changed = !apiequality.Semantic.DeepEqual(before, want)
		meta := want.(metav1.ObjectMetaAccessor).GetObjectMeta()
		if !keepManaged {
			meta.SetManagedFields(nil)
		}
		options := wire.Options{KeepManagedFields: keepManaged, Drop: drop}
		if keepManaged {
			arena := wire.NewArena(len(data))
			options.Arena = func() *wire.Arena { return arena }
		}
		o, err := wire.ReadObject(data, f, options)
		if err != nil {
			t.Fatalf("%v, %v: %v", f, drop, err)
		}
		got := decodedInto(t, typ, o)
		if !apiequality.Semantic.DeepEqual(got, want) {
			t.Fatalf("%v without %v:\n got %+v\nwant %+v\nof %q", f, drop, got, want, o.Data)
		}
		if !reflect.DeepEqual(o.Meta, metaOf(meta)) {
			t.Fatalf("%v without %v: Meta\n got %+v\nwant %+v", f, drop, o.Meta, metaOf(meta))
		}
		if len(o.Data) != cap(o.Data) {
			t.Fatalf("%v: Data has %d bytes in %d", f, len(o.Data), cap(o.Data))
		}
	}
	return changed
}

func decodedInto(t *testing.T, typ reflect.Type, o wire.Object) runtime.Object {
	t.Helper()
	into := reflect.New(typ).Interface()
	if err := wire.Decode(o, into); err != nil {
		t.Fatalf("%v\n%q", err, o.Data)
	}
	return into.(runtime.Object)
}

func checkKeep(t *testing.T, f wire.Format, typ reflect.Type, data []byte, paths []goPath) {
	t.Helper()
	fields, err := fieldpath.New(typ, texts(paths)...)
	if err != nil {
		t.Fatal(err)
	}
	o, err := wire.ReadObject(data, f, wire.Options{KeepManagedFields: true})
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(o.Data)
	buf := make([]byte, 3, len(o.Data)+64)
	kept, err := o.Keep(fields, buf)
	if err != nil {
		t.Fatalf("%v, %v: %v", f, fields, err)
	}
	if !bytes.Equal(o.Data, before) {
		t.Fatalf("Keep changed the object")
	}
	if len(kept.Data) > 0 && &kept.Data[0] != &buf[0] {
		t.Fatalf("%v: %d bytes of %d are not in the buffer of %d", f, len(kept.Data), len(o.Data), cap(buf))
	}
	src := decoded(t, f, data)
	want := reflect.New(typ)
	for _, p := range paths {
		copyPath(want.Elem(), reflect.ValueOf(src).Elem(), p)
	}
	want.Interface().(runtime.Object).GetObjectKind().SetGroupVersionKind(src.GetObjectKind().GroupVersionKind())
	if got := decodedInto(t, typ, kept); !apiequality.Semantic.DeepEqual(got, want.Interface()) {
		t.Fatalf("%v with only %v:\n got %+v\nwant %+v\nof %q", f, fields, got, want, kept.Data)
	}
}

// checkValues says whether there were any.
func checkValues(t *testing.T, f wire.Format, typ reflect.Type, data []byte, paths []goPath) bool {
	t.Helper()
	o, err := wire.ReadObject(data, f, wire.Options{KeepManagedFields: true})
	if err != nil {
		t.Fatal(err)
	}
	obj := decoded(t, f, data)
	text, err := json.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, p := range paths {
		valuesAt(doc, p, "", want)
	}
	fields, err := fieldpath.New(typ, texts(paths)...)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(o.Values(fields)), slices.Sorted(maps.Values(want)); !slices.Equal(got, want) {
		t.Fatalf("%v %v: got %q, want %q", f, fields, got, want)
	}
	return len(want) > 0
}

// What is said of every key holds for one that is named too, and what is said of that one for no
// other; in maps of objects, in both formats.
func TestOneKeyAndEveryKey(t *testing.T) {
	slice := &resourcev1.ResourceSlice{Spec: resourcev1.ResourceSliceSpec{Devices: []resourcev1.Device{{Attributes: map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{
		"a": {StringValue: new("a-string"), VersionValue: new("a-version"), IntValue: new(int64(1))},
		"b": {StringValue: new("b-string"), VersionValue: new("b-version"), IntValue: new(int64(2))},
	}}}}}
	typ := reflect.TypeFor[resourcev1.ResourceSlice]()
	const attributes = "spec.devices[*].attributes"
	paths := []string{attributes + "['a'].string", attributes + "[*].int"}
	for _, f := range formats {
		data := body(t, f, slice)
		o, err := wire.ReadObject(data, f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		fields := mustFields(t, typ, paths...)
		if got, want := slices.Sorted(o.Values(fields)), []string{"1", "2", "a-string"}; !slices.Equal(got, want) {
			t.Errorf("%v: values %q, not %q", f, got, want)
		}
		dropped, err := wire.ReadObject(data, f, wire.Options{Drop: mustDrop(t, typ, paths...)})
		if err != nil {
			t.Fatal(err)
		}
		all := mustFields(t, typ, attributes+"[*].string", attributes+"[*].int", attributes+"[*].version")
		if got, want := slices.Sorted(dropped.Values(all)), []string{"a-version", "b-string", "b-version"}; !slices.Equal(got, want) {
			t.Errorf("%v: dropped, there is %q, not %q", f, got, want)
		}
		kept, err := o.Keep(fields, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := slices.Sorted(kept.Values(all)), []string{"1", "2", "a-string"}; !slices.Equal(got, want) {
			t.Errorf("%v: kept, there is %q, not %q", f, got, want)
		}
		// A key that is dropped whole takes its entry along, however much of the others is dropped.
		dropped, err = wire.ReadObject(data, f, wire.Options{Drop: mustDrop(t, typ, attributes+"['a']", attributes+"[*].int")})
		if err != nil {
			t.Fatal(err)
		}
		left := decodedInto(t, typ, dropped).(*resourcev1.ResourceSlice).Spec.Devices[0].Attributes
		if len(left) != 1 || left["b"].IntValue != nil || *left["b"].StringValue != "b-string" {
			t.Errorf("%v: there is left %+v", f, left)
		}
	}
}
