//lint:file-ignore SA5008 Malformed and odd tags are what is tested.
//lint:file-ignore U1000 Unexported fields are what encoding/json leaves out.

package jsonfields_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/internal/jsonfields"
)

// even is zero when it is even, whatever Go calls zero.
type even int

func (e even) IsZero() bool { return e%2 == 0 }

// far is zero when it is far from zero; only a pointer to it can tell.
type far struct{ N int }

func (f *far) IsZero() bool { return f.N > 100 }

type (
	Plain  struct{ A, B int }
	Tagged struct {
		A string `json:"B"`
		C string `json:"a,omitempty"`
	}
	Deeper struct {
		Plain
		C bool
	}
	Itself struct {
		*Itself
		A int
	}
	Twice struct {
		Left
		Right
	}
	Left   struct{ Shared }
	Right  struct{ Shared }
	Shared struct {
		S int
		Below
	}
	Below      struct{ X int }
	unexported struct {
		A int `json:"inner"`
		b int
	}
	number int
	Named  interface{ IsZero() bool }
)

// written are struct types whose fields are decided by a rule that is easy to get wrong.
var written = []any{
	struct{}{},
	Plain{},
	Tagged{},
	struct {
		Plain
		Tagged
	}{},
	struct {
		Plain
		A int
	}{},
	struct {
		Plain  `json:"plain"`
		Tagged `json:",inline"`
	}{},
	struct {
		Deeper
		Plain
	}{},
	Itself{},
	struct {
		*Itself
		B int
	}{},
	Twice{},
	struct {
		*Twice
		*Left
	}{},
	struct {
		unexported
		*Plain
	}{},
	struct {
		number
		Named
		N Named `json:",omitzero"`
	}{},
	struct {
		A int `json:"-"`
		B int `json:"-,"`
		C int `json:",omitempty"`
		D int `json:"d\"e"`
		E int `json:"é"`
		F int `json:"<&>"`
		G int `json:"g,unknown,string"`
		h int
	}{},
	struct {
		A int `json:"x"`
		C int `json:"X"`
		X int
	}{},
	struct {
		A even  `json:",omitzero"`
		B *even `json:",omitzero"`
		C far   `json:",omitzero"`
		D *far  `json:",omitzero"`
		E even  `json:",omitempty"`
		F [0]int
		G [0]int    `json:",omitempty"`
		H [1]int    `json:",omitzero"`
		I time.Time `json:",omitzero"`
		J any       `json:",omitzero"`
		K uintptr   `json:",string"`
		L *string   `json:",string"`
		M []string  `json:",string"`
		N **string  `json:",string"`
	}{},
	corev1.PodSpec{},
	corev1.Volume{},
	corev1.Service{},
}

func TestFieldsAreThoseOfEncodingJSON(t *testing.T) {
	for _, v := range written {
		check(t, reflect.TypeOf(v))
	}
}

// Any struct type: with few names, so that they collide, embedded to any depth.
func TestFieldsOfRandomTypesAreThoseOfEncodingJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var embedded, hidden int
	for range 3000 {
		typ := randomStruct(rng, 3)
		check(t, typ)
		for f := range typ.Fields() {
			if f.Anonymous {
				embedded++
			}
		}
		if len(jsonfields.Of(typ)) < typ.NumField() {
			hidden++
		}
	}
	if embedded < 1000 || hidden < 200 {
		t.Errorf("%d structs were embedded, %d types had fields hidden: too few to tell", embedded, hidden)
	}
}

var leaves = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[bool](), reflect.TypeFor[float64](), reflect.TypeFor[*string](),
	reflect.TypeFor[*int](), reflect.TypeFor[[]string](), reflect.TypeFor[map[string]int](), reflect.TypeFor[[2]int](), reflect.TypeFor[Plain](),
	reflect.TypeFor[*Plain](), reflect.TypeFor[any](), reflect.TypeFor[even](), reflect.TypeFor[far](), reflect.TypeFor[uint8](),
}

// randomStruct makes a struct type that embeds others down to a depth.
func randomStruct(rng *rand.Rand, depth int) reflect.Type {
	var fields []reflect.StructField
	for _, name := range []string{"A", "B", "C", "D"} {
		if rng.IntN(4) == 0 {
			continue
		}
		f := reflect.StructField{Name: name, Type: leaves[rng.IntN(len(leaves))]}
		if depth > 0 && rng.IntN(3) == 0 {
			f.Anonymous, f.Type = true, randomStruct(rng, depth-1)
			if rng.IntN(3) == 0 {
				f.Type = reflect.PointerTo(f.Type)
			}
		}
		if !f.Anonymous && rng.IntN(2) == 0 || f.Anonymous && rng.IntN(5) == 0 {
			names := []string{"", "A", "B", "a", "b", "-", "é", "in valid", `in\\valid`}
			options := []string{"", ",omitempty", ",omitzero", ",string", ",omitempty,omitzero", ",inline", ",omitempty,string"}
			f.Tag = reflect.StructTag(fmt.Sprintf("json:\"%s%s\"", names[rng.IntN(len(names))], options[rng.IntN(len(options))]))
		}
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

// check compares the fields of a type with what encoding/json writes and reads.
func check(t *testing.T, typ reflect.Type) {
	t.Helper()
	fields := jsonfields.Of(typ)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, chance := range []int{0, 1, 2, 3} { // of four, to be set
		v := reflect.New(typ).Elem()
		fill(rng, v, chance, 2)
		checkWritten(t, fields, v)
		if chance == 3 {
			checkRead(t, fields, v)
		}
	}
	for i := range fields {
		f := &fields[i]
		if found, ok := jsonfields.ByName(typ, f.Name); !ok || found.Name != f.Name || !slices.Equal(found.Index, f.Index) {
			t.Errorf("%v: %s is found as %+v", typ, f.Name, found)
		}
		var last reflect.StructField
		for last = range f.Chain(typ) {
		}
		if want := typ.FieldByIndex(f.Index); last.Name != want.Name || last.Type != f.Type {
			t.Errorf("%v: to %s leads %+v", typ, f.Name, last)
		}
	}
	if _, ok := jsonfields.ByName(typ, "no such name"); ok {
		t.Errorf("%v has a field of no such name", typ)
	}
}

// checkWritten checks which fields encoding/json writes of v, in which order and with what value.
func checkWritten(t *testing.T, fields []jsonfields.Field, v reflect.Value) {
	t.Helper()
	want, err := json.Marshal(v.Addr().Interface())
	if err != nil {
		t.Fatalf("%v: %v", v.Type(), err)
	}
	var members []string
	for i := range fields {
		f := &fields[i]
		value, ok := f.In(v)
		if !ok || f.Omits(value) {
			continue
		}
		data, err := json.Marshal(value.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if f.Quoted && string(data) != "null" {
			if data, err = json.Marshal(string(data)); err != nil {
				t.Fatal(err)
			}
		}
		members = append(members, f.Key+string(data))
	}
	if got := "{" + strings.Join(members, ",") + "}"; got != string(want) {
		t.Fatalf("%v:\n got %s\nwant %s", v.Type(), got, want)
	}
}

// checkRead checks that encoding/json reads a member into the field of that name, and into no other.
func checkRead(t *testing.T, fields []jsonfields.Field, v reflect.Value) {
	t.Helper()
	for i := range fields {
		f := &fields[i]
		value, ok := f.In(v)
		if !ok || f.Quoted || f.Type.Kind() == reflect.Interface || f.Type == reflect.TypeFor[time.Time]() {
			continue
		}
		data, err := json.Marshal(value.Interface())
		if err != nil {
			t.Fatal(err)
		}
		got, want := reflect.New(v.Type()), reflect.New(v.Type())
		if err := json.Unmarshal([]byte("{"+f.Key+string(data)+"}"), got.Interface()); err != nil {
			t.Fatalf("%v: %s: %v", v.Type(), f.Name, err)
		}
		into := want.Elem()
		for _, i := range f.Index {
			if into.Kind() == reflect.Pointer {
				into.Set(reflect.New(into.Type().Elem()))
				into = into.Elem()
			}
			into = into.Field(i)
		}
		if err := json.Unmarshal(data, into.Addr().Interface()); err != nil {
			t.Fatal(err)
		}
		if string(data) == "null" && bytes.Equal(marshal(t, got), marshal(t, want)) {
			continue // a pointer on the way may be set or not
		}
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			t.Fatalf("%v: %s is read into\n%+v, not\n%+v", v.Type(), f.Name, got, want)
		}
	}
}

func marshal(t *testing.T, v reflect.Value) []byte {
	t.Helper()
	data, err := json.Marshal(v.Interface())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// fill sets fields at random, and of a struct that embeds a pointer to itself some levels.
func fill(rng *rand.Rand, v reflect.Value, chance, depth int) {
	if !v.CanSet() || v.Kind() != reflect.Struct && rng.IntN(4) >= chance {
		return
	}
	n := 1 + rng.IntN(200)
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(n), 0).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(rng, v.Field(i), chance, depth)
		}
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(rng, v.Elem(), chance, depth-1)
		}
	case reflect.String:
		v.SetString(fmt.Sprint("s<", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint8, reflect.Uintptr:
		v.SetUint(uint64(n))
	case reflect.Float64:
		v.SetFloat(float64(n) / 2)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rng.IntN(3), 3))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Array:
		for i := range v.Len() {
			fill(rng, v.Index(i), chance, depth)
		}
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[any]() {
			v.Set(reflect.ValueOf(n))
		} else if v.Type() == reflect.TypeFor[Named]() {
			v.Set(reflect.ValueOf(even(n)))
		}
	}
}

func TestFieldsAreFoundOnce(t *testing.T) {
	typ := reflect.TypeFor[corev1.PodSpec]()
	jsonfields.Of(typ)
	if n := testing.AllocsPerRun(100, func() { jsonfields.Of(typ) }); n != 0 {
		t.Errorf("to find the fields again takes %v allocations", n)
	}
}
