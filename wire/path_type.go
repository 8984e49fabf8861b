package wire

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// fieldPath is a path that exists in its type, as each format has it.
type fieldPath struct {
	text  string // as it was given
	steps []step // JSON: by name

	// Protobuf: by number. A list has no step of its own there, its elements are fields of the same
	// number; a map has an entry for each key; and what a type embeds is a message of its own.
	hops   []hop
	absent bool    // protobuf has no such field, only what leads to it
	scalar *scalar // what the path leads to, if that is one value
}

func (p fieldPath) compare(q fieldPath) int {
	return strings.Compare(canonical(p.steps), canonical(q.steps))
}
func (p fieldPath) equal(q fieldPath) bool { return p.compare(q) == 0 }

// What an object says of its type is no part of its message in protobuf, and in JSON it may be left to
// the list.
var (
	apiVersionPath = fieldPath{steps: []step{{name: "apiVersion"}}, absent: true}
	kindPath       = fieldPath{steps: []step{{name: "kind"}}, absent: true}
)

func (p fieldPath) isType() bool {
	return len(p.steps) == 1 && (p.steps[0].name == "apiVersion" || p.steps[0].name == "kind")
}

// hop is one step of a path in protobuf.
type hop struct {
	kind   stepKind
	number int    // of a field
	key    string // of an entry
}

// resolvePath finds a path in the struct type t. t == nil stands for any JSON object.
func resolvePath(t reflect.Type, path string) (fieldPath, *PathError) {
	steps, err := parsePath(path)
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
	r := resolver{fieldPath: fieldPath{text: path, steps: steps}, t: t, typed: HasProtobuf(reflect.New(t).Interface())}
	for _, s := range steps {
		if err := r.step(s); err != nil {
			err.Path, err.Offset = path, s.place
			return fieldPath{}, err
		}
	}
	if r.t != nil {
		r.scalar = scalarOf(deref(r.t), r.omits)
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

func (r *resolver) step(s step) *PathError {
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
	return &PathError{Reason: fmt.Sprintf("a %v is one value, with nothing below it", t)}
}

func (r *resolver) field(t reflect.Type, s step) *PathError {
	names := jsonNames(t)
	if s.kind != stepField {
		return &PathError{Reason: fmt.Sprintf("a %v is an object, whose fields are named after a dot", t), Exists: names}
	}
	chain := jsonField(t, s.name)
	if chain == nil {
		return &PathError{Reason: fmt.Sprintf("a %v has no field %s", t, s.name), Exists: names}
	}
	for _, f := range chain {
		number, ok := protobufNumber(f)
		if !ok {
			r.absent = true // as apiVersion and kind, which the envelope says
		}
		r.hop(hop{kind: stepField, number: number})
	}
	last := chain[len(chain)-1]
	r.omits = omitsZero(last)
	r.t = last.Type
	return nil
}

func (r *resolver) entry(t reflect.Type, s step) *PathError {
	switch {
	case t.Key().Kind() != reflect.String:
		return &PathError{Reason: fmt.Sprintf("the keys of a %v are no strings, so paths do not go into it", t)}
	case s.kind == stepField:
		return &PathError{Reason: fmt.Sprintf("a %v is a map", t), Exists: []string{canonical([]step{{kind: stepKey, name: s.name}}), "[*]"}}
	}
	r.hop(hop{kind: s.kind, key: s.name})
	r.hop(hop{kind: stepField, number: mapValue})
	r.t = t.Elem()
	return nil
}

func (r *resolver) element(t reflect.Type, s step) *PathError {
	if s.kind != stepEach {
		return &PathError{Reason: fmt.Sprintf("a %v is a list", t), Exists: []string{"[*]"}}
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[message]()) {
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

// isBytes says whether a value of t is base64 in JSON.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// isOpaque says whether a type has its own way to be JSON, so that its Go fields tell nothing: times,
// quantities, IntOrString, raw extensions.
func isOpaque(t reflect.Type) bool {
	return implements[json.Marshaler](t) || implements[json.Unmarshaler](t) || implements[encoding.TextMarshaler](t)
}

func implements[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}

// holdsJSON says whether a type keeps JSON of any form as it is: RawExtension, and the JSON of
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

// jsonField finds the field that JSON calls name, as encoding/json does: before it, the fields that
// are embedded and that it stands in. inside are the types that t is embedded in, so that one which
// embeds a pointer to itself has an end.
func jsonField(t reflect.Type, name string, inside ...reflect.Type) []reflect.StructField {
	if slices.Contains(inside, t) {
		return nil
	}
	var embedded []reflect.StructField
	for f := range t.Fields() {
		own, embeds := jsonName(f)
		switch {
		case embeds:
			embedded = append(embedded, f)
		case own == name && name != "":
			return []reflect.StructField{f}
		}
	}
	for _, f := range embedded {
		if chain := jsonField(deref(f.Type), name, append(inside, t)...); chain != nil {
			return append([]reflect.StructField{f}, chain...)
		}
	}
	return nil
}

// jsonNames are the names that JSON has for the fields of t, sorted. inside is as in jsonField.
func jsonNames(t reflect.Type, inside ...reflect.Type) []string {
	if slices.Contains(inside, t) {
		return nil
	}
	var names []string
	for f := range t.Fields() {
		if name, embeds := jsonName(f); embeds {
			names = append(names, jsonNames(deref(f.Type), append(inside, t)...)...)
		} else if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// jsonName is what JSON calls a field, "" if it has none; or it says that the field's own fields
// stand in its place.
func jsonName(f reflect.StructField) (name string, embeds bool) {
	tag := f.Tag.Get("json")
	name, _, _ = strings.Cut(tag, ",")
	switch {
	case tag == "-" || !f.IsExported() && !f.Anonymous:
		return "", false
	case name != "":
		return name, false
	case f.Anonymous && deref(f.Type).Kind() == reflect.Struct:
		return "", true
	}
	return f.Name, false
}

// omitsZero says whether JSON leaves a field out when it is zero; a pointer is not, to whatever it
// points.
func omitsZero(f reflect.StructField) bool {
	options := strings.Split(f.Tag.Get("json"), ",")[1:]
	return f.Type.Kind() != reflect.Pointer && (slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero"))
}

// protobufNumber reads the number of a field in the message of its struct.
func protobufNumber(f reflect.StructField) (int, bool) {
	parts := strings.Split(f.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return 0, false
	}
	number, err := strconv.Atoi(parts[1])
	return number, err == nil && number >= 1 && number <= maxFieldNumber
}
