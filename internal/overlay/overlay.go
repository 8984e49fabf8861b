// Package overlay finds out how to change a stored object when only its known part was changed.
//
// A server stores an object as JSON, raw. A program decodes raw into a Go type, which does not know
// every field, encodes that (before), changes the Go value, and encodes it again (after). [Lay]
// returns raw with the differences between before and after made in it. What the Go type does not
// know is in neither of the two, and so stays as it is. [MergePatch] returns the difference between
// two documents as a JSON merge patch (RFC 7386).
//
// Documents are trees as encoding/json makes them: map[string]any, []any, string, json.Number, bool
// and nil. The functions change none of the trees that they get; what they return shares parts with
// them.
package overlay

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/skiff-k8s/skiff/internal/jsonfields"
)

// Parse returns a JSON document as a tree. Numbers keep their digits.
func Parse(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is something after the document")
	}
	return tree, nil
}

// Lay returns raw with the differences between before and after made in it. t is the Go type that
// before and after were encoded from. It is needed for three things: the keys by which elements of
// lists are matched (keys.go), quantities, which are compared by their meaning, and structs that
// a tag leaves out of after because all that they know is zero. t may be nil.
//
// A member that is in before and not in after, or is null there, is removed with all that is in it.
// In free-form JSON, of which t says nothing, null stays: it is a value.
func Lay(raw, before, after any, t reflect.Type) any {
	if Same(before, after, t) {
		return raw
	}
	switch after := after.(type) {
	case map[string]any:
		if raw, ok := raw.(map[string]any); ok {
			before, _ := before.(map[string]any)
			return layObject(raw, before, after, typeOf(t))
		}
	case []any:
		raw, ok := raw.([]any)
		before, _ := before.([]any)
		// If a type that encodes itself does not keep each element, elements cannot be matched.
		if ok && len(raw) == len(before) {
			return layList(raw, before, after, typeOf(t), nil)
		}
	}
	return after
}

func layObject(raw, before, after map[string]any, t reflect.Type) any {
	out := maps.Clone(raw)
	for name, now := range after {
		was, known := before[name]
		m := memberOf(t, name)
		switch {
		case known && Same(was, now, m.t):
		case now == nil && m.known():
			delete(out, name)
		default:
			out[name] = m.lay(raw[name], was, now)
		}
	}
	for name, was := range before {
		if _, ok := after[name]; ok {
			continue
		}
		m := memberOf(t, name)
		delete(out, name)
		if m.always { // all of its known fields are zero
			rest, _ := m.lay(raw[name], was, map[string]any{}).(map[string]any)
			if len(rest) > 0 {
				out[name] = rest
			}
		}
	}
	return out
}

func layList(raw, before, after []any, t reflect.Type, keys []string) any {
	var elem reflect.Type
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		elem = t.Elem()
	}
	if keys == nil {
		keys = keysOfElement(elem)
	}
	out := make([]any, len(after))
	for j, i := range match(before, after, keys) {
		if out[j] = after[j]; i >= 0 {
			out[j] = Lay(raw[i], before[i], after[j], elem)
		}
	}
	return out
}

// member is the place of one member of an object in its Go type.
type member struct {
	t    reflect.Type // nil if it is not known
	keys []string     // of a list, from the tag of the field

	// always reports whether it is a struct that the Go type cannot be without.
	always bool
}

// known reports whether the Go type says what the member is. In free-form JSON it does not, and null
// is a value there.
func (m member) known() bool { return m.t != nil && m.t.Kind() != reflect.Interface }

func (m member) lay(raw, before, after any) any {
	if after, ok := after.([]any); ok && m.keys != nil {
		raw, ok := raw.([]any)
		before, _ := before.([]any)
		if ok && len(raw) == len(before) {
			return layList(raw, before, after, typeOf(m.t), m.keys)
		}
	}
	return Lay(raw, before, after, m.t)
}

// memberOf returns the place of a member of t, which typeOf returned.
func memberOf(t reflect.Type, name string) member {
	switch {
	case t == nil:
	case t.Kind() == reflect.Map:
		return member{t: t.Elem()}
	case t.Kind() == reflect.Struct:
		if f, ok := jsonfields.ByName(t, name); ok {
			return member{t: f.Type, keys: keysOfField(t, f),
				always: f.Type.Kind() == reflect.Struct && !marshals(f.Type)}
		}
	}
	return member{}
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	quantity      = reflect.TypeFor[resource.Quantity]()
)

// typeOf returns the type behind pointers, and nil if the type encodes itself: then its Go fields
// say nothing about its JSON.
func typeOf(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || marshals(t) {
		return nil
	}
	return t
}

func marshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonMarshaler) || p.Implements(textMarshaler)
}

// Same reports whether two documents mean the same to the Go type t, which may be nil.
func Same(a, b any, t reflect.Type) bool {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == quantity {
		return sameQuantity(a, b)
	}
	t = typeOf(t)
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			other, ok := b[name]
			if !ok || !Same(value, other, memberOf(t, name).t) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		var elem reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			elem = t.Elem()
		}
		for i := range a {
			if !Same(a[i], b[i], elem) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

// sameQuantity reports whether two quantities are equal in their meaning: 1Gi and 1073741824.
func sameQuantity(a, b any) bool {
	x, ok := a.(string)
	y, ok2 := b.(string)
	if !ok || !ok2 || x == y {
		return a == b
	}
	m, err := resource.ParseQuantity(x)
	n, err2 := resource.ParseQuantity(y)
	return err == nil && err2 == nil && m.Cmp(n) == 0
}
