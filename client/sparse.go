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
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// What this file is for: a Go struct is a poor apply configuration. encoding/json leaves out an
// empty string or list that is tagged omitempty, but no other zero. So every Pod says resources: {}
// and status: {}, every NetworkPolicy podSelector: {}; and the applier of a field owns it, and takes
// it away from others who do. The encoder here writes what encoding/json writes, except that these
// are left out:
//
//   - a zero field, and a struct of which {} or null is written. Behind a pointer and in a list or
//     map only a struct that is tagged omitempty or omitzero: who has made the pointer or the element
//     has set it. These themselves are written, zero or not (emptyDir: {}).
//   - a nil pointer, list, map or interface without omitempty, which encoding/json writes as null,
//     and a struct that is written as null, such as a zero time: to apply null says nothing that
//     leaving it out does not.
//
// A zero that is to be sent is named: a path of the option Set leads to it.

// sparse encodes obj, or what it points to. zeros is where the paths of Set lead to.
func sparse(obj any, zeros *fieldpath.Names) ([]byte, error) {
	var b bytes.Buffer
	if err := writeSparse(&b, reflect.Indirect(reflect.ValueOf(obj)), at{zeros: zeros}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// at is the place of a value in the object.
type at struct {
	zeros *fieldpath.Names // where the paths of Set lead to from here
	made  bool             // behind a pointer, or in a list or map
}

// named reports whether a path of Set ends here or leads on from here.
func (a at) named() bool { return a.zeros != nil }

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// writeSparse writes v, which is not left out at this level.
func writeSparse(b *bytes.Buffer, v reflect.Value, a at) error {
	if !v.IsValid() {
		b.WriteString("null")
		return nil
	}
	if v.Kind() == reflect.Pointer && v.IsNil() && a.named() {
		return writeSparse(b, reflect.New(v.Type().Elem()).Elem(), a)
	}
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			b.WriteString("null")
			return nil
		}
		if !marshals(v.Type()) || marshals(v.Type().Elem()) {
			return writeSparse(b, v.Elem(), at{zeros: a.zeros, made: true})
		}
	}
	t := v.Type()
	switch {
	case marshals(t):
		return writeWhole(b, v, a)
	case v.CanAddr() && marshals(reflect.PointerTo(t)):
		return writeWhole(b, v.Addr(), a)
	}
	switch {
	case t.Kind() == reflect.Struct:
		return writeStruct(b, v, a)
	case t.Kind() == reflect.Map && (!v.IsNil() || a.named()) && t.Key().Kind() == reflect.String &&
		!marshals(t.Key()):
		return writeMap(b, v, a)
	case t.Kind() == reflect.Slice && (!v.IsNil() || a.named()) && t.Elem().Kind() != reflect.Uint8,
		t.Kind() == reflect.Array:
		return writeList(b, v, a)
	}
	return writeWhole(b, v, a)
}

// marshals reports whether a type has a method that encodes it as JSON or text.
func marshals(t reflect.Type) bool {
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler)
}

// writeWhole leaves a value to encoding/json.
func writeWhole(b *bytes.Buffer, v reflect.Value, a at) error {
	if a.named() && !a.zeros.Whole() {
		return &noZeroError{fmt.Sprintf("a %v is sent as it is: set the zero in it", v.Type())}
	}
	data, err := json.Marshal(v.Interface())
	if err != nil {
		return err
	}
	b.Write(data)
	return nil
}

func writeStruct(b *bytes.Buffer, v reflect.Value, a at) error {
	b.WriteByte('{')
	first := true
	fields := jsonfields.Of(v.Type())
	for i := range fields {
		f := &fields[i]
		here := at{zeros: a.zeros.Member([]byte(f.Name)), made: a.made}
		fv, ok := f.In(v)
		switch {
		case !ok && here.named(): // a struct that would be embedded by pointer is not there
			fv = reflect.New(f.Type).Elem()
		case !ok, !here.named() && omits(f, fv, a.made):
			continue
		}
		before := b.Len()
		if !first {
			b.WriteByte(',')
		}
		b.WriteString(f.Key)
		begin := b.Len()
		if err := writeField(b, f, fv, here); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		written, whole := string(b.Bytes()[begin:]), here.zeros.Whole()
		switch {
		case written == "null" && whole:
			return fmt.Errorf("%s: %w", f.Name,
				&noZeroError{fmt.Sprintf("a %v has no zero that can be sent", f.Type)})
		case written == "null" && fv.Kind() != reflect.Pointer,
			// A path that leads on from here has met nothing to send.
			(written == "{}" || written == "[]") && !whole && (here.named() && omits(f, fv, a.made) ||
				fv.Kind() == reflect.Struct && (!a.made || optional(f))):
			b.Truncate(before)
			continue
		}
		first = false
	}
	b.WriteByte('}')
	return nil
}

func writeMap(b *bytes.Buffer, v reflect.Value, a at) error {
	keys := v.MapKeys()
	for name := range a.zeros.Named() {
		if key := reflect.ValueOf(name).Convert(v.Type().Key()); !v.MapIndex(key).IsValid() {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(x, y reflect.Value) int {
		return strings.Compare(x.String(), y.String())
	})
	b.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeWhole(b, reflect.ValueOf(key.String()), at{}); err != nil {
			return err
		}
		b.WriteByte(':')
		value, inside := v.MapIndex(key), at{zeros: a.zeros.Member([]byte(key.String())), made: true}
		if !value.IsValid() {
			value, inside.made = reflect.New(v.Type().Elem()).Elem(), false
		}
		if err := writeSparse(b, value, inside); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	b.WriteByte('}')
	return nil
}

func writeList(b *bytes.Buffer, v reflect.Value, a at) error {
	inside := at{zeros: a.zeros.Element(), made: true}
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeSparse(b, v.Index(i), inside); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	b.WriteByte(']')
	return nil
}

// omits reports whether a field is left out without looking at what would be written. made is
// whether the struct stands behind a pointer, or in a list or map.
func omits(f *jsonfields.Field, v reflect.Value, made bool) bool {
	if !made && v.IsZero() {
		return true
	}
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
func writeField(b *bytes.Buffer, f *jsonfields.Field, v reflect.Value, a at) error {
	if !f.Quoted {
		return writeSparse(b, v, a)
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
