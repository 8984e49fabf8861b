package fieldpath

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/skiff-k8s/skiff/internal/jsonfields"
	"github.com/skiff-k8s/skiff/wire/internal/message"
	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// fieldPath is a path that exists in its type, in the form of each format.
type fieldPath struct {
	text  string // as it was given
	steps []step // JSON: by name

	// Protobuf: by number. A list has no step of its own there, its elements are fields of the same
	// number; a map has an entry for each key; and what a type embeds is a message of its own.
	hops   []hop
	absent bool    // protobuf has no such field, only what leads to it
	scalar *scalar // what the path leads to, if that is one value
	above  *Error  // why it is not: the path leads to a list or an object, and so above its values
}

func (p fieldPath) compare(q fieldPath) int {
	return strings.Compare(canonical(p.steps), canonical(q.steps))
}

// hop is one step of a path in protobuf.
type hop struct {
	kind   stepKind
	number int    // of a field
	key    string // of an entry
}

// resolve finds a path in the struct type t. If t is nil, it stands for any JSON object.
func resolve(t reflect.Type, path string) (fieldPath, *Error) {
	steps, err := parse(path)
	if err != nil {
		return fieldPath{}, err
	}
	if t == nil {
		for i, s := range steps { // of which a field and a key are the same
			if s.kind == stepKey && isName(s.name) {
				steps[i].kind = stepField
			}
		}
		return fieldPath{text: path, steps: steps}, nil
	}
	r := resolver{fieldPath: fieldPath{text: path, steps: steps}, t: t,
		typed: message.Has(reflect.New(t).Interface())}
	for _, s := range steps {
		if err := r.step(s); err != nil {
			err.Path, err.Offset = path, s.place
			return fieldPath{}, err
		}
	}
	if r.t != nil {
		r.end(deref(r.t))
	}
	return r.fieldPath, nil
}

// resolver goes along a path through types.
type resolver struct {
	fieldPath
	t     reflect.Type // of what the steps so far lead to; nil: anything
	typed bool         // the whole type has a protobuf form, so that nothing in it is just anything
	omits bool         // JSON leaves the field out where it is zero
}

func (r *resolver) step(s step) *Error {
	r.omits = false
	if r.t == nil {
		return nil
	}
	t := deref(r.t)
	switch {
	case t.Kind() == reflect.Interface || !r.typed && holdsJSON(t):
		r.t, r.absent = nil, true
		return nil
	case isOpaque(t):
	case t.Kind() == reflect.Struct:
		return r.field(t, s)
	case t.Kind() == reflect.Map:
		return r.entry(t, s)
	case isList(t):
		return r.element(t, s)
	}
	return &Error{Reason: fmt.Sprintf("a %v is one value, with nothing below it", t)}
}

// end notes what the path leads to, a t.
func (r *resolver) end(t reflect.Type) {
	if r.scalar = scalarOf(t, r.omits); r.scalar != nil {
		return
	}
	r.above = &Error{Path: r.text, Offset: len(r.text)}
	switch {
	case isList(t):
		r.above.Reason, r.above.Exists = fmt.Sprintf("a %v is a list", t), []string{"[*]"}
	case t.Kind() == reflect.Map:
		r.above.Reason, r.above.Exists = fmt.Sprintf("a %v is a map", t), []string{"[*]"}
	case t.Kind() == reflect.Struct:
		r.above.Reason, r.above.Exists = fmt.Sprintf("a %v is an object", t), fieldNames(t)
	default: // an interface may hold anything
		r.above = nil
	}
}

func (r *resolver) field(t reflect.Type, s step) *Error {
	names := fieldNames(t)
	if s.kind != stepField {
		return &Error{Exists: names,
			Reason: fmt.Sprintf("a %v is an object, whose fields are named after a dot", t)}
	}
	f, ok := jsonfields.ByName(t, s.name)
	if !ok {
		// A name in the wrong case needs no list of all the others.
		if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, s.name) }); i >= 0 {
			names = names[i : i+1]
		}
		return &Error{Reason: fmt.Sprintf("a %v has no field %s", t, s.name), Exists: names}
	}
	for f := range f.Chain(t) {
		number, ok := protobufNumber(f)
		if !ok {
			r.absent = true // such as apiVersion and kind, which stand beside the message
		}
		r.hop(hop{kind: stepField, number: number})
	}
	r.omits = omitsZero(f)
	r.t = f.Type
	return nil
}

// fieldNames returns the names of the fields of t, sorted.
func fieldNames(t reflect.Type) []string {
	var names []string
	for _, f := range jsonfields.Of(t) {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

func (r *resolver) entry(t reflect.Type, s step) *Error {
	switch {
	case t.Key().Kind() != reflect.String:
		return &Error{Reason: fmt.Sprintf(
			"the keys of a %v are no strings, so paths do not go into it", t)}
	case s.kind == stepField:
		return &Error{Reason: fmt.Sprintf("a %v is a map", t),
			Exists: []string{canonical([]step{{kind: stepKey, name: s.name}}), "[*]"}}
	}
	r.hop(hop{kind: s.kind, key: s.name})
	r.hop(hop{kind: stepField, number: scan.MapValue})
	r.t = t.Elem()
	return nil
}

func (r *resolver) element(t reflect.Type, s step) *Error {
	if s.kind != stepEach {
		return &Error{Reason: fmt.Sprintf("a %v is a list", t), Exists: []string{"[*]"}}
	}
	if message.Implements(t) {
		// A list that is a message of its own, so that it can be the value of a map: ExtraValue.
		r.hop(hop{kind: stepField, number: 1})
	}
	r.t = t.Elem()
	return nil
}

// hop goes one step in protobuf, as long as there is something to go to.
func (r *resolver) hop(h hop) {
	if !r.absent {
		r.hops = append(r.hops, h)
	}
}

func deref(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func isList(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && !isBytes(t)
}

// isBytes reports whether a value of t is base64 in JSON.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// isOpaque reports whether a type has methods of its own for JSON, so that its Go fields tell
// nothing: times, quantities, IntOrString, raw extensions.
func isOpaque(t reflect.Type) bool {
	return implements[json.Marshaler](t) || implements[json.Unmarshaler](t) ||
		implements[encoding.TextMarshaler](t)
}

func implements[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}

// holdsJSON reports whether a type keeps JSON of any form as it is: RawExtension, and the JSON of
// apiextensions. In JSON, paths go on in it unchecked.
func holdsJSON(t reflect.Type) bool {
	if t == reflect.TypeFor[json.RawMessage]() {
		return true
	}
	if !isOpaque(t) || t.Kind() != reflect.Struct {
		return false
	}
	raw, ok := t.FieldByName("Raw")
	return ok && isBytes(raw.Type)
}

// omitsZero reports whether JSON leaves a field out when it is zero. A pointer is not zero,
// whatever it points to.
func omitsZero(f *jsonfields.Field) bool {
	return f.Type.Kind() != reflect.Pointer && (f.OmitEmpty || f.OmitZero)
}

// protobufNumber reads the number of a field in the message of its struct.
func protobufNumber(f reflect.StructField) (int, bool) {
	parts := strings.Split(f.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return 0, false
	}
	number, err := strconv.Atoi(parts[1])
	return number, err == nil && number >= 1 && number <= scan.MaxFieldNumber
}
