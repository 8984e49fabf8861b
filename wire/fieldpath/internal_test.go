package fieldpath

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// Numbers of all types are the text that JSON has for them, though few occur in Kubernetes.
func TestNumbersOfProtobufAsText(t *testing.T) {
	varint := func(n uint64) []byte { return binary.AppendUvarint([]byte{1<<3 | scan.Varint}, n) }
	fixed64 := binary.LittleEndian.AppendUint64([]byte{1<<3 | scan.Fixed64}, math.Float64bits(-1.5e300))
	fixed32 := binary.LittleEndian.AppendUint32([]byte{1<<3 | scan.Fixed32}, math.Float32bits(0.1))
	bytes := []byte{1<<3 | scan.Bytes, 1, '7'}
	for _, tt := range []struct {
		t     reflect.Type
		field []byte
		want  string
	}{
		{reflect.TypeFor[int8](), varint(math.MaxUint64), "-1"},
		{reflect.TypeFor[int32](), varint(math.MaxUint64), "-1"},
		{reflect.TypeFor[int32](), varint(math.MaxUint32), "-1"}, // as it is decoded
		{reflect.TypeFor[int64](), varint(1 << 63), "-9223372036854775808"},
		{reflect.TypeFor[int](), varint(7), "7"},
		{reflect.TypeFor[uint8](), varint(255), "255"},
		{reflect.TypeFor[uint32](), varint(math.MaxUint64), "4294967295"},
		{reflect.TypeFor[uint64](), varint(math.MaxUint64), "18446744073709551615"},
		{reflect.TypeFor[bool](), varint(2), "true"},
		{reflect.TypeFor[float64](), fixed64, "-1.5e+300"},
		{reflect.TypeFor[float32](), fixed32, "0.1"},
		// What is of another wire type has no value.
		{reflect.TypeFor[int32](), bytes, ""}, {reflect.TypeFor[int32](), fixed64, ""}, {reflect.TypeFor[string](), varint(1), ""},
		{reflect.TypeFor[float64](), varint(1), ""}, {reflect.TypeFor[float64](), fixed32, ""}, {reflect.TypeFor[bool](), fixed32, ""},
	} {
		f := scan.NewProtobuf(tt.field, 0)
		if !f.Next() {
			t.Fatal(f.Err)
		}
		if got, ok := scalarOf(tt.t, false).text(&f); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%v %x: got %q, %v", tt.t, tt.field, got, ok)
		}
	}
}

// What is said of every key of a map and of one key of it holds for that one together, down to maps
// in it.
func TestTreesOfProtobufAreJoined(t *testing.T) {
	inner := func(key string, number int) []hop {
		return []hop{{number: 1}, {kind: stepKey, key: key}, {number: scan.MapValue}, {number: number}}
	}
	paths := []fieldPath{
		{hops: slices.Concat([]hop{{number: 5}, {kind: stepEach}, {number: scan.MapValue}}, inner("x", 7))},
		{hops: slices.Concat([]hop{{number: 5}, {kind: stepKey, key: "k"}, {number: scan.MapValue}}, inner("x", 8))},
		{hops: slices.Concat([]hop{{number: 5}, {kind: stepEach}, {number: scan.MapValue}}, inner("y", 9))},
	}
	all := &Numbers{}
	for _, p := range paths {
		all.add(p)
	}
	tree := all.resolved().Field(5)
	named := tree.entries[0].node.Field(scan.MapValue).Field(1)
	if len(named.entries) != 2 {
		t.Fatalf("below the key there are %d keys, not x and y", len(named.entries))
	}
	for _, e := range named.entries {
		value := e.node.Field(scan.MapValue)
		if got, want := value.Field(7) != nil, e.key == "x"; got != want {
			t.Errorf("%s: field 7, said of every key: %v", e.key, got)
		}
		if got, want := value.Field(8) != nil, e.key == "x"; got != want {
			t.Errorf("%s: field 8, said of the key: %v", e.key, got)
		}
		if got, want := value.Field(9) != nil, e.key == "y"; got != want {
			t.Errorf("%s: field 9, said of every key: %v", e.key, got)
		}
	}
	other := tree.each.Field(scan.MapValue).Field(1)
	if len(other.entries) != 2 || other.entries[0].node.Field(scan.MapValue).Field(8) != nil {
		t.Error("what is said of one key is said of the others")
	}
}

// A type that embeds a pointer to itself is as long as encoding/json finds it to be.
func TestATypeThatEmbedsItself(t *testing.T) {
	type Node struct {
		*Node
		Name string `json:"name"`
	}
	if names := fieldNames(reflect.TypeFor[Node]()); !slices.Equal(names, []string{"name"}) {
		t.Errorf("its fields are %q", names)
	}
	if _, err := New(reflect.TypeFor[Node](), "name"); err != nil {
		t.Error(err)
	}
	if _, err := New(reflect.TypeFor[Node](), "size"); err == nil {
		t.Error("it has a field that it does not have")
	}
}
