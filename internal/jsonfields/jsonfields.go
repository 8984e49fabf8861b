// Package jsonfields finds the fields of a Go struct by the rules of encoding/json: which fields
// have a JSON form, under which names, in which order, and when they are left out.
//
// The rules in short. Only exported fields count. The tag `json:"name,options"` gives a field its
// name; without one the name is the Go name; "-" leaves the field out. The fields of an embedded
// struct without a name in its tag count as fields of the struct around it. (Kubernetes writes that
// as `json:",inline"`; encoding/json ignores the word.) Of several fields with one name the least
// deeply embedded one counts, among those the one whose tag gives the name; if that leaves more
// than one, none counts.
//
// Names are compared with case, as Kubernetes decodes JSON. encoding/json also takes names that
// differ in case only.
package jsonfields

import (
	"cmp"
	"encoding/json"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Field is one field of a struct type.
type Field struct {
	Name string

	// Index leads to the field from the struct, through embedded structs and pointers to them. All
	// holders of the Field share it: it must not be changed.
	Index []int

	// Key begins the field's member as encoding/json writes it: the name in quotes, and a colon.
	Key string

	// Type is the type of the Go field.
	Type reflect.Type

	OmitEmpty bool // the tag has the option omitempty
	OmitZero  bool // the tag has the option omitzero
	Quoted    bool // the tag has the option string and it applies: written as a string

	tagged bool                     // the name comes from the tag
	isZero func(reflect.Value) bool // what omitzero asks
}

// Of returns the fields of the struct type t, in the order in which encoding/json writes them. All
// callers share the slice, which must not be changed. Of is safe for concurrent use; it panics if t
// is not a struct.
func Of(t reflect.Type) []Field {
	if cached, ok := cache.Load(t); ok {
		return cached.([]Field)
	}
	cached, _ := cache.LoadOrStore(t, find(t))
	return cached.([]Field)
}

var cache sync.Map // reflect.Type to []Field

// ByName returns the field of the struct type t that has the given name. It reports whether there
// is one.
func ByName(t reflect.Type, name string) (*Field, bool) {
	fields := Of(t)
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return nil, false
	}
	return &fields[i], true
}

// In returns the field's value in v, a struct of the type that the field was found in. It reports
// whether there is one: a nil pointer to an embedded struct has no fields.
func (f *Field) In(v reflect.Value) (reflect.Value, bool) {
	for _, i := range f.Index {
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

// Chain returns an iterator over the Go fields that lead to f in the struct type t: the embedded
// structs, and in the end f itself.
func (f *Field) Chain(t reflect.Type) iter.Seq[reflect.StructField] {
	return func(yield func(reflect.StructField) bool) {
		for _, i := range f.Index {
			if t.Kind() == reflect.Pointer {
				t = t.Elem()
			}
			field := t.Field(i)
			if !yield(field) {
				return
			}
			t = field.Type
		}
	}
}

// Omits reports whether encoding/json leaves the field out because its value is v.
func (f *Field) Omits(v reflect.Value) bool {
	return f.OmitEmpty && isEmpty(v) || f.OmitZero && f.isZero(v)
}

// isEmpty reports whether omitempty leaves v out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Bool, reflect.Interface, reflect.Pointer:
		return v.IsZero()
	}
	return reflect.Int <= v.Kind() && v.Kind() <= reflect.Float64 && v.IsZero()
}

// found are the fields of one struct type while they are collected.
type found struct {
	fields []Field
	next   []embedded // structs that are embedded one level deeper
}

// embedded is a struct type that is embedded in others.
type embedded struct {
	t     reflect.Type
	index []int // of the first field that embeds it
	twice bool  // another field of the same level embeds it too, so that its fields hide each other
}

// find collects the fields of t, level by level. Each type is looked at once: where it is embedded
// more deeply again, its own fields hide those. That ends structs that embed pointers to
// themselves.
func find(t reflect.Type) []Field {
	var found found
	seen := map[reflect.Type]bool{}
	for level := []embedded{{t: t}}; len(level) > 0; level = found.next {
		found.next = nil
		for _, e := range level {
			if seen[e.t] {
				continue
			}
			seen[e.t] = true
			for i := range e.t.NumField() {
				found.add(e, i)
			}
		}
	}
	fields := slices.DeleteFunc(slices.Clone(found.fields),
		func(f Field) bool { return found.hides(f) })
	slices.SortFunc(fields, func(a, b Field) int { return slices.Compare(a.Index, b.Index) })
	return slices.Clip(fields)
}

// add collects the field i of the struct e, or notes the struct that it embeds.
func (found *found) add(e embedded, i int) {
	sf := e.t.Field(i)
	inner := sf.Type // what it embeds, if it does
	if inner.Kind() == reflect.Pointer && (sf.Anonymous || inner.Name() == "") {
		inner = inner.Elem()
	}
	isStruct := inner.Kind() == reflect.Struct
	if !sf.IsExported() && !(sf.Anonymous && isStruct) {
		return // an unexported struct that is embedded may have exported fields
	}
	tag := sf.Tag.Get("json")
	if tag == "-" {
		return
	}
	name, options, _ := strings.Cut(tag, ",")
	if !isName(name) {
		name = ""
	}
	index := append(slices.Clone(e.index), i)
	if sf.Anonymous && name == "" && isStruct {
		isInner := func(e embedded) bool { return e.t == inner }
		if at := slices.IndexFunc(found.next, isInner); at >= 0 {
			found.next[at].twice = true
		} else {
			found.next = append(found.next, embedded{t: inner, index: index})
		}
		return
	}
	f := Field{Name: cmp.Or(name, sf.Name), Index: index, Type: sf.Type, tagged: name != ""}
	f.Key = keyOf(f.Name)
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.OmitEmpty = true
		case "omitzero":
			f.OmitZero, f.isZero = true, zeroOf(sf.Type)
		case "string":
			f.Quoted = quotable(inner.Kind())
		}
	}
	found.fields = append(found.fields, f)
	if e.twice {
		found.fields = append(found.fields, f)
	}
}

// hides reports whether f does not count because of other fields with its name.
func (found *found) hides(f Field) bool {
	asGood := 0 // fields with at least as good a claim to the name, f among them
	for _, other := range found.fields {
		shallower, level := len(other.Index) < len(f.Index), len(other.Index) == len(f.Index)
		if other.Name == f.Name && (shallower || level && (other.tagged || !f.tagged)) {
			asGood++
		}
	}
	return asGood > 1
}

func keyOf(name string) string {
	quoted, err := json.Marshal(name)
	if err != nil { // a string always has a JSON form
		panic(err)
	}
	return string(quoted) + ":"
}

// isName reports whether a tag gives a name. What is not valid as one is ignored.
func isName(s string) bool {
	for _, c := range s {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) &&
			!unicode.IsDigit(c) {
			return false
		}
	}
	return s != ""
}

// quotable reports whether the option string applies to values of a kind.
func quotable(k reflect.Kind) bool {
	return reflect.Bool <= k && k <= reflect.Float64 || k == reflect.String
}

// zeroer is implemented by types that decide for themselves what zero is.
type zeroer interface{ IsZero() bool }

// zeroOf returns the function that omitzero asks about values of t.
func zeroOf(t reflect.Type) func(reflect.Value) bool {
	asks := reflect.TypeFor[zeroer]()
	switch {
	case t.Implements(asks):
		return func(v reflect.Value) bool {
			switch {
			case v.Kind() == reflect.Pointer && v.IsNil():
				return true
			case v.Kind() == reflect.Interface &&
				(v.IsNil() || v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil()):
				return true
			}
			return v.Interface().(zeroer).IsZero()
		}
	case reflect.PointerTo(t).Implements(asks):
		return func(v reflect.Value) bool {
			if !v.CanAddr() {
				boxed := reflect.New(t).Elem()
				boxed.Set(v)
				v = boxed
			}
			return v.Addr().Interface().(zeroer).IsZero()
		}
	}
	return reflect.Value.IsZero
}
