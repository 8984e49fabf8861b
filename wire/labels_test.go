package wire_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/wire"
)

var _ labels.Labels = wire.Labels{}

func TestLabelsAreSortedWhateverTheirOrder(t *testing.T) {
	o, err := wire.ReadObject([]byte(`{"metadata":{"labels":{"c":"1","a":"2","b":null,"a":"3","\u0061\/":"4"}}}`), wire.JSON, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := wire.NewLabels(wire.Label{Key: "a", Value: "3"}, wire.Label{Key: "a/", Value: "4"}, wire.Label{Key: "b", Value: ""}, wire.Label{Key: "c", Value: "1"})
	if !reflect.DeepEqual(o.Meta.Labels, want) {
		t.Errorf("got %v, want %v", o.Meta.Labels, want)
	}
}

func TestLabelsAnswerAsASet(t *testing.T) {
	set := labels.Set{"app": "web", "tier": "front", "zone": ""}
	l := wire.NewLabels(wire.Label{Key: "app", Value: "web"}, wire.Label{Key: "tier", Value: "front"}, wire.Label{Key: "zone", Value: ""})
	for _, key := range append(slices.Collect(maps.Keys(set)), "", "ap", "appx", "zz") {
		got, gotOK := l.Lookup(key)
		want, wantOK := set.Lookup(key)
		if got != want || gotOK != wantOK || l.Has(key) != set.Has(key) || l.Get(key) != set.Get(key) {
			t.Errorf("%q: got %q, %v", key, got, gotOK)
		}
	}
	for _, s := range []string{"app=web", "app!=web", "tier in (front,back)", "!zone", "zone", "nope notin (a)"} {
		selector, err := labels.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if selector.Matches(l) != selector.Matches(set) {
			t.Errorf("%s matches one and not the other", s)
		}
	}
}

// Siblings share labels, so nothing that a caller can reach leads to their memory.
func TestLabelsCannotBeChanged(t *testing.T) {
	opaque := reflect.TypeFor[wire.Labels]()
	if opaque.Kind() != reflect.Struct {
		t.Fatalf("Labels is a %v, whose elements can be assigned to", opaque.Kind())
	}
	for f := range opaque.Fields() {
		if f.IsExported() {
			t.Errorf("the field %s can be assigned to", f.Name)
		}
	}
	for m := range opaque.Methods() {
		if m.Name == "Slice" {
			continue // of export_test.go
		}
		for out := range m.Type.Outs() {
			switch out.Kind() {
			case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface, reflect.Chan:
				t.Errorf("%s returns a %v, which may lead to the labels", m.Name, out)
			}
		}
	}
}

func TestLabelsGoOverThemselvesInOrder(t *testing.T) {
	l := wire.NewLabels(wire.Label{Key: "b", Value: "1"}, wire.Label{Key: "a", Value: "2"}, wire.Label{Key: "b", Value: "3"})
	var all []wire.Label
	for key, value := range l.All() {
		all = append(all, wire.Label{Key: key, Value: value})
	}
	if want := []wire.Label{{Key: "a", Value: "2"}, {Key: "b", Value: "3"}}; !slices.Equal(all, want) || l.Len() != 2 {
		t.Errorf("got %v, %d", all, l.Len())
	}
	for key := range l.All() {
		if key != "a" {
			t.Errorf("went on to %s", key)
		}
		break
	}
	if got := l.String(); got != "a=2,b=3" {
		t.Errorf("got %s", got)
	}
	var none wire.Labels
	for range none.All() {
		t.Error("no label is one")
	}
	if none.Len() != 0 || none.Has("") || none.String() != "" || !reflect.DeepEqual(wire.NewLabels(), none) {
		t.Errorf("no labels are %v", none)
	}
}

func TestLabelsAreEqual(t *testing.T) {
	ab := wire.NewLabels(wire.Label{Key: "a", Value: "1"}, wire.Label{Key: "b", Value: "2"})
	for _, c := range []struct {
		other wire.Labels
		want  bool
	}{
		{wire.NewLabels(wire.Label{Key: "b", Value: "2"}, wire.Label{Key: "a", Value: "1"}), true},
		{wire.NewLabels(wire.Label{Key: "a", Value: "1"}), false},
		{wire.NewLabels(wire.Label{Key: "a", Value: "1"}, wire.Label{Key: "b", Value: "3"}), false},
		{wire.NewLabels(wire.Label{Key: "a", Value: "1"}, wire.Label{Key: "c", Value: "2"}), false},
		{wire.Labels{}, false},
	} {
		if ab.Equal(c.other) != c.want || c.other.Equal(ab) != c.want {
			t.Errorf("%v and %v are equal: %v", ab, c.other, !c.want)
		}
	}
}

// Opaque labels cost what a slice does.
func TestLabelsAreNoLargerThanASlice(t *testing.T) {
	if got, want := unsafe.Sizeof(wire.Labels{}), unsafe.Sizeof([]wire.Label{}); got != want {
		t.Errorf("Labels take %d bytes, a slice %d", got, want)
	}
	labels := wire.NewLabels(wire.Label{Key: "a", Value: "1"}, wire.Label{Key: "b", Value: "2"})
	n := testing.AllocsPerRun(100, func() {
		length := 0
		for key, value := range labels.All() {
			length += len(key) + len(value)
		}
		if length != 4 || !labels.Has("a") || !labels.Equal(labels) {
			t.Error("these are other labels")
		}
	})
	if n != 0 {
		t.Errorf("reading labels takes %v allocations", n)
	}
}
