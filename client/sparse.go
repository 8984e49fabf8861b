package client

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/skiff-k8s/skiff/internal/jsonfields"
)

// What this file is for: a Go struct is a poor apply configuration. encoding/json leaves out an
// empty string or list that is tagged omitempty, but not an empty struct, so every Pod says
// resources: {} and status: {}, every Deployment strategy: {} — and the applier of a field owns
// it, and takes it away from others who do. The encoder here writes what encoding/json writes,
// except that these are left out:
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
	case t.Kind() == reflect.Map && !v.IsNil() && t.Key().Kind() == reflect.String &&
		!marshals(t.Key()):
		return writeMap(b, v)
	case t.Kind() == reflect.Slice && !v.IsNil() && t.Elem().Kind() != reflect.Uint8,
		t.Kind() == reflect.Array:
		return writeList(b, v)
	}
	return writeWhole(b, v)
}

// marshals reports whether a type has a method that encodes it as JSON or text.
func marshals(t reflect.Type) bool {
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler)
}

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
	fields := jsonfields.Of(v.Type())
	for i := range fields {
		f := &fields[i]
		fv, ok := f.In(v)
		if !ok || omits(f, fv) {
			continue
		}
		before := b.Len()
		if !first {
			b.WriteByte(',')
		}
		b.WriteString(f.Key)
		begin := b.Len()
		if err := writeField(b, f, fv); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if optional(f) && fv.Kind() == reflect.Struct && nothing(b.Bytes()[begin:]) {
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
	slices.SortFunc(keys, func(x, y reflect.Value) int {
		return strings.Compare(x.String(), y.String())
	})
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

// omits reports whether a field is left out without looking at what would be written.
func omits(f *jsonfields.Field, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		if v.IsNil() {
			return true
		}
	case reflect.Struct:
		if optional(f) && v.IsZero() {
			return true
		}
	}
	return f.Omits(v)
}

func optional(f *jsonfields.Field) bool { return f.OmitEmpty || f.OmitZero }

// writeField writes the value of a field. The string option is rare enough to be left to
// encoding/json, which reads it from the tag of a struct.
func writeField(b *bytes.Buffer, f *jsonfields.Field, v reflect.Value) error {
	if !f.Quoted {
		return writeSparse(b, v)
	}
	wrapper := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "V", Type: v.Type(),
		Tag: `json:"v,string"`}})).Elem()
	wrapper.Field(0).Set(v)
	data, err := json.Marshal(wrapper.Interface())
	if err != nil {
		return err
	}
	b.Write(data[len(`{"v":`) : len(data)-1])
	return nil
}
