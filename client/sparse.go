package client

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// What this file is for: a Go struct is a poor apply configuration. encoding/json leaves out an
// empty string or list that is tagged omitempty, but not an empty struct, so every Pod says
// resources: {} and status: {}, every Deployment strategy: {} — and whoever applies a field owns it,
// and takes it away from others who do. The encoder here writes what encoding/json writes, except
// that these are left out:
//
//   - a struct tagged omitempty or omitzero that holds nothing: it is the zero value, or what is
//     written of it is {} or null. A pointer to one is a decision (emptyDir: {}) and is kept, as is
//     every element of a list or map.
//   - a nil pointer, list, map or interface without omitempty, which encoding/json writes as null:
//     to apply null says nothing that leaving it out does not.

// sparse encodes obj, a pointer to a struct.
func sparse(obj any) ([]byte, error) {
	var b bytes.Buffer
	if err := writeSparse(&b, reflect.ValueOf(obj)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// writeSparse writes v, which is not left out at this level.
func writeSparse(b *bytes.Buffer, v reflect.Value) error {
	if !v.IsValid() {
		b.WriteString("null")
		return nil
	}
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			b.WriteString("null")
			return nil
		}
		if !marshals(v.Type()) || marshals(v.Type().Elem()) {
			return writeSparse(b, v.Elem())
		}
	}
	t := v.Type()
	switch {
	case marshals(t):
		return writeWhole(b, v)
	case v.CanAddr() && marshals(reflect.PointerTo(t)):
		return writeWhole(b, v.Addr())
	}
	switch {
	case t.Kind() == reflect.Struct:
		return writeStruct(b, v)
	case t.Kind() == reflect.Map && !v.IsNil() && t.Key().Kind() == reflect.String && !marshals(t.Key()):
		return writeMap(b, v)
	case t.Kind() == reflect.Slice && !v.IsNil() && t.Elem().Kind() != reflect.Uint8, t.Kind() == reflect.Array:
		return writeList(b, v)
	}
	return writeWhole(b, v)
}

// marshals says that a type writes itself.
func marshals(t reflect.Type) bool { return t.Implements(jsonMarshaler) || t.Implements(textMarshaler) }

// writeWhole leaves a value to encoding/json.
func writeWhole(b *bytes.Buffer, v reflect.Value) error {
	data, err := json.Marshal(v.Interface())
	if err != nil {
		return err
	}
	b.Write(data)
	return nil
}

func writeStruct(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('{')
	first := true
	for _, f := range fieldsOf(v.Type()) {
		fv, ok := f.in(v)
		if !ok || f.omits(fv) {
			continue
		}
		before := b.Len()
		if !first {
			b.WriteByte(',')
		}
		b.Write(f.key)
		begin := b.Len()
		if err := f.write(b, fv); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if f.optional && fv.Kind() == reflect.Struct && nothing(b.Bytes()[begin:]) {
			b.Truncate(before)
			continue
		}
		first = false
	}
	b.WriteByte('}')
	return nil
}

func nothing(written []byte) bool { return string(written) == "{}" || string(written) == "null" }

func writeMap(b *bytes.Buffer, v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
	b.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeWhole(b, reflect.ValueOf(key.String())); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := writeSparse(b, v.MapIndex(key)); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	b.WriteByte('}')
	return nil
}

func writeList(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeSparse(b, v.Index(i)); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	b.WriteByte(']')
	return nil
}

// field is one field of a struct as JSON sees it.
type field struct {
	name     string
	key      []byte // "name":
	index    []int  // through embedded structs
	optional bool   // omitempty or omitzero
	empty    bool   // omitempty
	zero     bool   // omitzero
	quoted   bool   // string
	tagged   bool   // the name comes from the tag
}

// in finds the field in a struct; a nil embedded pointer on the way means that there is none.
func (f *field) in(v reflect.Value) (reflect.Value, bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// omits says that a field is left out without looking at what would be written.
func (f *field) omits(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.Map, reflect.Slice:
		return v.IsNil() || f.empty && v.Len() == 0
	case reflect.Array, reflect.String:
		return f.empty && v.Len() == 0 || f.zero && v.IsZero()
	case reflect.Struct:
		return f.optional && v.IsZero() || f.zero && saysZero(v)
	}
	return f.optional && v.IsZero()
}

// saysZero asks a value that has its own idea of zero, as encoding/json does for omitzero. It does not
// count for omitempty: a Quantity of "0" says that it is zero, and may well be meant.
func saysZero(v reflect.Value) bool {
	type zeroer interface{ IsZero() bool }
	if v.CanAddr() {
		v = v.Addr() // has the methods of both
	}
	z, ok := v.Interface().(zeroer)
	return ok && z.IsZero()
}

// write writes the field's value. The string option is rare enough to be left to encoding/json,
// which wants to see it on a struct.
func (f *field) write(b *bytes.Buffer, v reflect.Value) error {
	if !f.quoted {
		return writeSparse(b, v)
	}
	wrapper := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "V", Type: v.Type(), Tag: `json:"v,string"`}})).Elem()
	wrapper.Field(0).Set(v)
	data, err := json.Marshal(wrapper.Interface())
	if err != nil {
		return err
	}
	b.Write(data[len(`{"v":`) : len(data)-1])
	return nil
}

var fieldCache sync.Map // reflect.Type to []field

// fieldsOf returns the fields of a struct type as encoding/json would write them, embedded structs
// included, in the order of declaration.
func fieldsOf(t reflect.Type) []field {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]field)
	}
	all := collect(t, nil, map[reflect.Type]bool{})
	var fields []field
	for _, f := range all {
		if dominant(f, all) {
			fields = append(fields, f)
		}
	}
	cached, _ := fieldCache.LoadOrStore(t, fields)
	return cached.([]field)
}

// collect finds the fields of t and of what is embedded in it, including those that others hide.
func collect(t reflect.Type, path []int, inside map[reflect.Type]bool) (out []field) {
	if inside[t] {
		return nil // a struct that embeds a pointer to itself
	}
	inside[t] = true
	defer delete(inside, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		index := append(slices.Clone(path), i)
		embedded := sf.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		if sf.Anonymous && name == "" && embedded.Kind() == reflect.Struct {
			if sf.IsExported() || sf.Type.Kind() == reflect.Struct {
				out = append(out, collect(embedded, index, inside)...)
			}
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f := field{name: name, tagged: name != "", index: index}
		if name == "" {
			f.name = sf.Name
		}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "omitempty":
				f.empty, f.optional = true, true
			case "omitzero":
				f.zero, f.optional = true, true
			case "string":
				f.quoted = quotable(embedded.Kind())
			}
		}
		key, err := json.Marshal(f.name)
		if err != nil { // a string always marshals
			panic(err)
		}
		f.key = append(key, ':')
		out = append(out, f)
	}
	return out
}

func quotable(k reflect.Kind) bool {
	return k == reflect.Bool || k == reflect.String ||
		k >= reflect.Int && k <= reflect.Float64 && k != reflect.Uintptr
}

// dominant says that f is the field that its name means: the one least deep, of several the one
// whose tag says the name; if that is not one alone, none is.
func dominant(f field, all []field) bool {
	for _, other := range all {
		if other.name != f.name || slices.Equal(other.index, f.index) {
			continue
		}
		if len(other.index) < len(f.index) ||
			len(other.index) == len(f.index) && (other.tagged || !f.tagged) {
			return false
		}
	}
	return true
}
