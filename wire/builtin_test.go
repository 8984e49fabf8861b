package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/wire"
)

// Every built-in type, filled at random: what Kubernetes writes, wire reads as Kubernetes does; what
// wire writes, Kubernetes reads; and Meta says what the ObjectMeta says.
func TestEveryBuiltInTypeIsReadAsKubernetesReadsIt(t *testing.T) {
	types := allTypes()
	if len(types) < 340 || len(objectTypes()) < 170 || len(listTypes()) < 145 {
		t.Fatalf("the scheme has %d types, %d with an ObjectMeta, %d with a list", len(types), len(objectTypes()), len(listTypes()))
	}
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			fill := filler(int64(len(typ.String())))
			for range 3 {
				obj := random(fill, typ)
				for _, f := range formatsOf(typ) {
					checkReadsAsKubernetes(t, f, typ, body(t, f, obj))
					checkKubernetesReads(t, f, obj)
				}
			}
		})
	}
}

func checkReadsAsKubernetes(t *testing.T, f wire.Format, typ reflect.Type, data []byte) {
	t.Helper()
	for _, keep := range []bool{true, false} {
		o, err := wire.ReadObject(data, f, wire.Options{KeepManagedFields: keep})
		if err != nil {
			t.Fatalf("%v: %v\n%q", f, err, data)
		}
		want := decoded(t, f, data)
		if !keep {
			dropManagedFields(want)
		}
		checkObjectIs(t, o, want)
	}
}

// dropManagedFields takes them out of an object that has an ObjectMeta.
func dropManagedFields(obj runtime.Object) {
	if o, ok := obj.(metav1.ObjectMetaAccessor); ok {
		o.GetObjectMeta().SetManagedFields(nil)
	}
}

// checkObjectIs checks that an object is what Kubernetes has decoded: all of it, and what Meta and the
// annotations say of it.
func checkObjectIs(t *testing.T, o wire.Object, want runtime.Object) {
	t.Helper()
	typ := reflect.TypeOf(want).Elem()
	got := reflect.New(typ).Interface()
	if err := wire.Decode(o, got); err != nil {
		t.Fatalf("%v: %v\n%q", o.Format, err, o.Data)
	}
	// The store decodes out of memory that it uses again.
	borrowed := o
	borrowed.Data = bytes.Clone(o.Data)
	again := reflect.New(typ).Interface()
	if err := wire.Decode(borrowed, again); err != nil {
		t.Fatal(err)
	}
	for i := range borrowed.Data {
		borrowed.Data[i] = '!'
	}
	if !apiequality.Semantic.DeepEqual(again, got) {
		t.Fatalf("%v: what was decoded shares memory with Data:\n%+v", o.Format, again)
	}
	if !apiequality.Semantic.DeepEqual(got, want) {
		t.Fatalf("%v:\n got %+v\nwant %+v", o.Format, got, want)
	}
	gvk := want.GetObjectKind().GroupVersionKind()
	if o.Kind != gvk.Kind || o.APIVersion != gvk.GroupVersion().String() {
		t.Fatalf("%v: %s %s is not %v", o.Format, o.APIVersion, o.Kind, gvk)
	}
	if len(o.Data) != cap(o.Data) {
		t.Fatalf("%v: Data has %d bytes in %d", o.Format, len(o.Data), cap(o.Data))
	}
	accessor, ok := want.(metav1.ObjectMetaAccessor)
	if !ok {
		return
	}
	meta := accessor.GetObjectMeta()
	if want := metaOf(meta); !reflect.DeepEqual(o.Meta, want) {
		t.Fatalf("%v: Meta\n got %+v\nwant %+v", o.Format, o.Meta, want)
	}
	if want := meta.GetAnnotations(); !sameAnnotations(o, want) {
		t.Fatalf("%v: annotations are not %q", o.Format, want)
	}
}

func sameAnnotations(o wire.Object, want map[string]string) bool {
	n := 0
	for key, value := range o.Annotations() {
		one, ok := o.Annotation(key)
		if want[key] != value || one != value || !ok {
			return false
		}
		n++
	}
	_, ok := o.Annotation("no such annotation")
	return n == len(want) && !ok
}

func checkKubernetesReads(t *testing.T, f wire.Format, obj runtime.Object) {
	t.Helper()
	gvk := kindOf(t, obj)
	before := obj.DeepCopyObject()
	data, err := wire.Encode(obj, f, gvk.GroupVersion().String(), gvk.Kind)
	if err != nil {
		t.Fatal(err)
	}
	if !apiequality.Semantic.DeepEqual(obj, before) {
		t.Fatalf("%v: Encode changed the object", f)
	}
	got, want := decoded(t, f, data), decoded(t, f, body(t, f, obj))
	if !apiequality.Semantic.DeepEqual(got, want) {
		t.Fatalf("%v: Kubernetes reads\n got %+v\nwant %+v", f, got, want)
	}
}

// Of which types field 1 is an ObjectMeta, wire knows by the names of their kinds.
func TestEveryKindWithAnObjectMetaIsKnownByItsName(t *testing.T) {
	for gvk, typ := range scheme.AllKnownTypes() {
		obj := reflect.New(typ).Interface()
		_, has := obj.(metav1.ObjectMetaAccessor)
		if gvk.Version == runtime.APIVersionInternal || !wire.HasProtobuf(obj) {
			continue
		}
		if got := wire.HasObjectMeta(gvk.Kind); got != has {
			t.Errorf("%v: HasObjectMeta says %v", gvk, got)
		}
	}
}
