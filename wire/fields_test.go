package wire_test

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/wire"
)

// What paths do to bytes is held against what the same paths do to the Go object, by reflection.

// goStep is a step of a path through a Go object.
type goStep struct {
	kind byte // '.' for a field, 'k' for a key, '*' for each
	name string
}

func (s goStep) each() bool { return s.kind == '*' }

type goPath []goStep

func (p goPath) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.each():
			b.WriteString("[*]")
		case s.kind == 'k':
			b.WriteString("['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s.name) + "']")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.name)
		}
	}
	return b.String()
}

// goFields are the fields of a struct by the names they have in JSON, with those of the structs that
// it embeds.
func goFields(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for f := range t.Fields() {
		switch name, _, _ := strings.Cut(f.Tag.Get("json"), ","); {
		case name != "" && name != "-":
			fields[name] = f.Index
		case name == "" && f.Anonymous:
			for inner, index := range goFields(f.Type) {
				fields[inner] = slices.Concat(f.Index, index)
			}
		}
	}
	return fields
}

func isLeaf(v reflect.Value) bool {
	_, marshals := reflect.New(v.Type()).Interface().(json.Marshaler)
	return marshals || v.Type() == reflect.TypeFor[[]byte]() ||
		!slices.Contains([]reflect.Kind{reflect.Struct, reflect.Map, reflect.Slice, reflect.Pointer}, v.Kind())
}

// randomPath is a path through v, which goes where there is something, as a rule.
func randomPath(rng *rand.Rand, v reflect.Value) goPath {
	var path goPath
	for !isLeaf(v) {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() {
				v = reflect.New(v.Type().Elem())
			}
			v = v.Elem()
			continue
		case reflect.Struct:
			fields := goFields(v.Type())
			if len(fields) == 0 {
				return path
			}
			names := slices.Sorted(mapKeys(fields))
			name := names[rng.Intn(len(names))]
			for range 5 {
				if f, err := v.FieldByIndexErr(fields[name]); err == nil && !f.IsZero() {
					break
				}
				name = names[rng.Intn(len(names))]
			}
			path = append(path, goStep{'.', name})
			f, err := v.FieldByIndexErr(fields[name])
			if err != nil {
				return path
			}
			v = f
		case reflect.Map:
			keys := v.MapKeys()
			slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
			if len(keys) == 0 {
				if rng.Intn(2) == 0 {
					path = append(path, goStep{'k', "no such key"})
				}
				return path
			}
			if rng.Intn(4) == 0 {
				return path
			}
			key := keys[rng.Intn(len(keys))]
			if rng.Intn(2) == 0 {
				path = append(path, goStep{kind: '*'})
			} else {
				path = append(path, goStep{'k', key.String()})
			}
			v = v.MapIndex(key)
		case reflect.Slice:
			if v.Len() == 0 || rng.Intn(4) == 0 {
				return path
			}
			path = append(path, goStep{kind: '*'})
			v = v.Index(rng.Intn(v.Len()))
		}
		if len(path) > 1 && rng.Intn(6) == 0 {
			return path
		}
	}
	return path
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// matches are the keys of a map that a step means.
func matches(v reflect.Value, s goStep) []reflect.Value {
	var keys []reflect.Value
	for _, key := range v.MapKeys() {
		if s.each() || key.String() == s.name {
			keys = append(keys, key)
		}
	}
	return keys
}

// zero makes what is at the path in v as if it had never been set.
func zero(v reflect.Value, path goPath) {
	switch {
	case len(path) == 0:
		v.SetZero()
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			zero(v.Elem(), path)
		}
	case v.Kind() == reflect.Struct:
		if f, err := v.FieldByIndexErr(goFields(v.Type())[path[0].name]); err == nil {
			zero(f, path[1:])
		}
	case v.Kind() == reflect.Map:
		for _, key := range matches(v, path[0]) {
			if len(path) == 1 {
				v.SetMapIndex(key, reflect.Value{})
				continue
			}
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			zero(value, path[1:])
			v.SetMapIndex(key, value)
		}
	case v.Kind() == reflect.Slice && len(path) == 1:
		v.SetZero()
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			zero(v.Index(i), path[1:])
		}
	}
}

// copyPath sets what is at the path in src in dst too, and what leads to it.
func copyPath(dst, src reflect.Value, path goPath) {
	switch {
	case len(path) == 0:
		dst.Set(src)
	case src.Kind() == reflect.Pointer:
		if src.IsNil() {
			return
		}
		if dst.IsNil() {
			dst.Set(reflect.New(src.Type().Elem()))
		}
		copyPath(dst.Elem(), src.Elem(), path)
	case src.Kind() == reflect.Struct:
		index := goFields(src.Type())[path[0].name]
		copyPath(dst.FieldByIndex(index), src.FieldByIndex(index), path[1:])
	case src.Kind() == reflect.Map:
		if dst.IsNil() {
			dst.Set(reflect.MakeMap(src.Type()))
		}
		for _, key := range matches(src, path[0]) {
			value := reflect.New(src.Type().Elem()).Elem()
			if old := dst.MapIndex(key); old.IsValid() {
				value.Set(old)
			}
			copyPath(value, src.MapIndex(key), path[1:])
			dst.SetMapIndex(key, value)
		}
	case src.Kind() == reflect.Slice:
		if dst.IsNil() {
			dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()))
		}
		for i := range src.Len() {
			copyPath(dst.Index(i), src.Index(i), path[1:])
		}
	}
}

// valuesAt are the scalars at the path in a JSON document.
func valuesAt(doc any, path goPath) []string {
	if len(path) == 0 {
		switch doc := doc.(type) {
		case string:
			return []string{doc}
		case json.Number:
			return []string{doc.String()}
		case bool:
			if doc {
				return []string{"true"}
			}
			return []string{"false"}
		}
		return nil
	}
	var values []string
	switch doc := doc.(type) {
	case []any:
		for _, element := range doc {
			values = append(values, valuesAt(element, path[1:])...)
		}
	case map[string]any:
		for key, value := range doc {
			if path[0].each() || key == path[0].name {
				values = append(values, valuesAt(value, path[1:])...)
			}
		}
	}
	return values
}

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
	for _, typ := range objectTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			fill := filler(int64(len(typ.String())))
			rng := rand.New(rand.NewSource(int64(len(typ.String()))))
			for range 25 {
				obj := random(fill, typ)
				paths := make([]goPath, 1+rng.Intn(3))
				for i := range paths {
					paths[i] = randomPath(rng, reflect.ValueOf(obj).Elem())
				}
				for _, f := range formats {
					data := body(t, f, obj)
					checkDrop(t, f, typ, data, paths)
					checkKeep(t, f, typ, data, paths)
					checkValues(t, f, typ, data, paths)
				}
			}
		})
	}
}

func checkDrop(t *testing.T, f wire.Format, typ reflect.Type, data []byte, paths []goPath) {
	t.Helper()
	paths = slices.DeleteFunc(slices.Clone(paths), func(p goPath) bool { return !droppable(p) })
	drop, err := wire.NewDrop(typ, texts(paths)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, keepManaged := range []bool{true, false} {
		want := decoded(t, f, data)
		for _, p := range paths {
			zero(reflect.ValueOf(want).Elem(), p)
		}
		meta := want.(metav1.ObjectMetaAccessor).GetObjectMeta()
		if !keepManaged {
			meta.SetManagedFields(nil)
		}
		o, err := wire.ReadObject(data, f, wire.Options{KeepManagedFields: keepManaged, Drop: drop})
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
	fields, err := wire.NewFields(typ, texts(paths)...)
	if err != nil {
		t.Fatal(err)
	}
	o, err := wire.ReadObject(data, f, wire.Options{KeepManagedFields: true})
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(o.Data)
	buf := make([]byte, 3, len(o.Data)+64)
	kept, err := fields.Keep(o, buf)
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

func checkValues(t *testing.T, f wire.Format, typ reflect.Type, data []byte, paths []goPath) {
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
	for _, p := range paths {
		fields, err := wire.NewFields(typ, p.String())
		if err != nil {
			t.Fatal(err)
		}
		got, want := slices.Sorted(fields.Values(o)), valuesAt(doc, p)
		for i := range got {
			got[i] = strings.ToValidUTF8(got[i], "\ufffd")
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%v %v: got %q, want %q", f, fields, got, want)
		}
	}
}
