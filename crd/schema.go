package crd

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/skiff-k8s/skiff/internal/jsonfields"
)

// schema is a JSONSchemaProps of apiextensions.k8s.io/v1 as JSON content: strings, int64, float64,
// bool, []any and map[string]any.
type schema = map[string]any

// builder makes the schema of one Go type.
type builder struct {
	root   reflect.Type
	types  map[reflect.Type]string // the words of ForType
	within []step                  // the types around what is looked at, from the outside
	errs   []*TypeError
}

// step is a named type, and where it stands.
type step struct {
	t    reflect.Type
	path string
}

func (b *builder) fail(path, format string, args ...any) {
	b.errs = append(b.errs, &TypeError{Type: b.root, Path: path, Problem: fmt.Sprintf(format, args...)})
}

// The methods by which a type says what Go's syntax cannot. The last two are kube-openapi's.
type (
	worded     interface{ CRDSchema() string }
	documented interface{ SwaggerDoc() map[string]string }
	openAPI    interface{ OpenAPISchemaType() []string }
	formatted  interface{ OpenAPISchemaFormat() string }
)

// as returns a value of t, or a pointer to one, that implements I.
func as[I any](t reflect.Type) (I, bool) {
	var none I
	if t.Kind() == reflect.Interface {
		return none, false
	}
	if i, ok := reflect.Zero(t).Interface().(I); ok && t.Kind() != reflect.Pointer {
		return i, true
	}
	i, ok := reflect.New(t).Interface().(I)
	return i, ok
}

// of returns the schema of a Go type. words are those of the field or the list that it stands in;
// with the word type they replace what the Go type says.
func (b *builder) of(t reflect.Type, path string, words []word) schema {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := b.ofType(t, path, words)
	b.apply(s, path, words)
	return s
}

// ofType returns the schema of a type without the words of its place.
func (b *builder) ofType(t reflect.Type, path string, words []word) schema {
	if s, ok := b.typeOf(words, path); ok {
		return s
	}
	own := b.ownWords(t, path)
	s, ok := b.typeOf(own, path)
	if !ok {
		if known, ok := knownTypes[typeName{t.PkgPath(), t.Name()}]; ok {
			s = known()
		} else {
			s = b.look(t, path)
		}
	}
	b.enumOf(t, s, path)
	b.apply(s, path, own)
	if d, ok := as[documented](t); ok && isOwn(t) {
		if text := d.SwaggerDoc()[""]; text != "" && !isPromoted(t, text) {
			s["description"] = text
		}
	}
	return s
}

// isOwn reports whether a type's documentation goes into the schema. The types of k8s.io have theirs
// too, which would make a definition with a PodTemplateSpec in it half a megabyte.
func isOwn(t reflect.Type) bool { return !strings.HasPrefix(t.PkgPath(), "k8s.io/") }

// isPromoted reports whether the documentation of t is that of a struct that t embeds.
func isPromoted(t reflect.Type, text string) bool {
	return slices.ContainsFunc(embeddedIn(t), func(e embedded) bool {
		d, ok := as[documented](e.t)
		return ok && d.SwaggerDoc()[""] == text
	})
}

// embedded is a struct that another one embeds.
type embedded struct {
	t      reflect.Type
	inline bool // its fields count as those of the other; otherwise it has a name in JSON
}

func embeddedIn(t reflect.Type) []embedded {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var all []embedded
	for f := range t.Fields() {
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && inner.Kind() == reflect.Struct {
			all = append(all, embedded{inner, name == ""})
		}
	}
	return all
}

// ownWords returns the words of a type's method CRDSchema, of those that it embeds, and of ForType.
func (b *builder) ownWords(t reflect.Type, path string) []word {
	texts := wordsOf(t, map[reflect.Type]bool{})
	if text, ok := b.types[t]; ok {
		texts = append(texts, text)
	}
	var all []word
	for _, text := range texts {
		words, err := parseWords(text)
		if err != nil {
			b.fail(path, "the words of type %v: %v", t, err)
		}
		all = append(all, words...)
	}
	return all
}

// wordsOf returns what a type and the structs whose fields are its own say. The method CRDSchema may
// be promoted from an embedded struct: then it says nothing new.
func wordsOf(t reflect.Type, seen map[reflect.Type]bool) []string {
	if seen[t] {
		return nil
	}
	seen[t] = true
	var texts []string
	promoted := map[string]bool{}
	for _, e := range embeddedIn(t) {
		if e.inline {
			texts = append(texts, wordsOf(e.t, seen)...)
		}
		if w, ok := as[worded](e.t); ok {
			promoted[w.CRDSchema()] = true
		}
	}
	if text := foreignWords[typeName{t.PkgPath(), t.Name()}][""]; text != "" {
		texts = append(texts, text)
	}
	if w, ok := as[worded](t); ok && !promoted[w.CRDSchema()] {
		texts = append(texts, w.CRDSchema())
	}
	return texts
}

// typeOf returns the schema of the word type, if it is among words.
func (b *builder) typeOf(words []word, path string) (schema, bool) {
	i := slices.IndexFunc(words, func(w word) bool { return w.name == "type" && w.items == 0 })
	if i < 0 {
		return nil, false
	}
	switch name := words[i].value; name {
	case "any":
		return schema{"x-kubernetes-preserve-unknown-fields": true}, true
	case "int-or-string":
		return intOrString(), true
	case "string", "integer", "number", "boolean", "object":
		return schema{"type": name}, true
	default:
		b.fail(path, "word type: %q is no type: use any, string, integer, number, boolean, object "+
			"or int-or-string", name)
		return schema{}, true
	}
}

// look returns the schema that follows from a type's syntax and its methods.
func (b *builder) look(t reflect.Type, path string) schema {
	if o, ok := as[openAPI](t); ok {
		s := schema{}
		if types := o.OpenAPISchemaType(); len(types) == 1 {
			s["type"] = types[0]
			if f, ok := o.(formatted); ok && f.OpenAPISchemaFormat() != "" {
				s["format"] = f.OpenAPISchemaFormat()
			}
			return s
		}
	}
	if _, ok := as[json.Marshaler](t); ok {
		b.fail(path, "Go type %v writes its JSON itself: give its type by the tag `crd:\"type=…\"`, "+
			"by a method CRDSchema() string of it, or by crd.ForType[%[1]v](\"type=…\")", t)
		return schema{}
	}
	if _, ok := as[encoding.TextMarshaler](t); ok {
		return schema{"type": "string"}
	}
	if t.Name() != "" && t.PkgPath() != "" {
		isSame := func(s step) bool { return s.t == t }
		if i := slices.IndexFunc(b.within, isSame); i >= 0 {
			b.fail(path, "Go type %v is recursive: it stands in itself at %s, and a schema has no "+
				"references: end it by the tag `crd:\"type=object,preserveUnknownFields\"`",
				t, orObject(b.within[i].path))
			return schema{}
		}
		b.within = append(b.within, step{t, path})
		defer func() { b.within = b.within[:len(b.within)-1] }()
	}
	return b.syntax(t, path)
}

func orObject(path string) string {
	if path == "" {
		return "the object"
	}
	return path
}

// syntax returns the schema of a type by its kind.
func (b *builder) syntax(t reflect.Type, path string) schema {
	switch t.Kind() {
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int32, reflect.Uint32:
		return schema{"type": "integer", "format": "int32"}
	case reflect.Int64, reflect.Uint64:
		return schema{"type": "integer", "format": "int64"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Uint, reflect.Uint8, reflect.Uint16:
		return schema{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && !writesItself(t.Elem()) {
			return schema{"type": "string", "format": "byte"}
		}
		return schema{"type": "array", "items": b.of(t.Elem(), path+"[]", nil)}
	case reflect.Array:
		n := int64(t.Len())
		return schema{"type": "array", "items": b.of(t.Elem(), path+"[]", nil), "minItems": n, "maxItems": n}
	case reflect.Map:
		if _, ok := as[encoding.TextMarshaler](t.Key()); !ok && t.Key().Kind() != reflect.String {
			b.fail(path, "the keys of %v are no strings", t)
		}
		return schema{"type": "object", "additionalProperties": b.of(t.Elem(), path+".*", nil)}
	case reflect.Struct:
		return b.structOf(t, path)
	case reflect.Interface:
		b.fail(path, "the interface %v says nothing of what is in it: use a type, or keep any JSON by "+
			"the tag `crd:\"type=any\"`", t)
	default:
		b.fail(path, "Go type %v has no JSON form", t)
	}
	return schema{}
}

// writesItself reports whether values of t have a JSON form of their own.
func writesItself(t reflect.Type) bool {
	_, isJSON := as[json.Marshaler](t)
	_, isText := as[encoding.TextMarshaler](t)
	return isJSON || isText
}

// structOf returns the schema of a struct.
func (b *builder) structOf(t reflect.Type, path string) schema {
	properties, required := schema{}, []any{}
	for _, f := range jsonfields.Of(t) {
		at := path + "." + f.Name
		words, doc, behindPointer := b.place(t, &f, at)
		s := b.of(f.Type, at, words)
		if f.Quoted {
			s = schema{"type": "string"}
			b.apply(s, at, words)
		}
		optional := f.OmitEmpty || f.OmitZero || behindPointer
		if f.Type.Kind() == reflect.Pointer && !optional {
			s["nullable"] = true
		}
		switch {
		case slices.ContainsFunc(words, func(w word) bool { return w.name == "optional" }):
			optional = true
		case slices.ContainsFunc(words, func(w word) bool { return w.name == "required" }):
			optional = false
		}
		if doc != "" && s["description"] == nil {
			s["description"] = doc
		}
		if path == "" && at == ".metadata" {
			s = schema{"type": "object"} // the server knows its fields
		}
		properties[f.Name] = s
		if !optional {
			required = append(required, f.Name)
		}
	}
	s := schema{"type": "object"}
	if len(properties) > 0 {
		s["properties"] = properties
	}
	if len(required) > 0 {
		slices.SortFunc(required, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		s["required"] = required
	}
	return s
}

// place returns what a field's place in the struct t says: the words of its tag, its documentation,
// and whether it is left out where a pointer to an embedded struct is nil.
func (b *builder) place(t reflect.Type, f *jsonfields.Field, path string) (words []word, doc string, behindPointer bool) {
	chain := slices.Collect(f.Chain(t))
	field, holder := chain[len(chain)-1], t
	for _, outer := range chain[:len(chain)-1] {
		if holder = outer.Type; holder.Kind() == reflect.Pointer {
			holder, behindPointer = holder.Elem(), true
		}
	}
	text, err := tagOf(field)
	if foreign := foreignWords[typeName{holder.PkgPath(), holder.Name()}][f.Name]; foreign != "" {
		text = foreign + "," + text
	}
	if err == nil {
		words, err = parseWords(text)
	}
	if err != nil {
		b.fail(path, "%v", err)
	}
	if d, ok := as[documented](holder); ok && isOwn(holder) {
		doc = d.SwaggerDoc()[f.Name]
	}
	return words, doc, behindPointer
}

// enumOf adds the values that a type's method Enum returns.
func (b *builder) enumOf(t reflect.Type, s schema, path string) {
	if t.Kind() == reflect.Struct || t.Kind() == reflect.Interface {
		return
	}
	method := reflect.New(t).MethodByName("Enum")
	if !method.IsValid() {
		return
	}
	mt := method.Type()
	if mt.NumIn() != 0 || mt.NumOut() != 1 || mt.Out(0) != reflect.SliceOf(t) {
		b.fail(path, "the method Enum of %v is %v; to list the values it is func() []%[1]v", t, mt)
		return
	}
	data, err := json.Marshal(method.Call(nil)[0].Interface())
	var values []any
	if err == nil {
		values, err = decodeJSON[[]any](data)
	}
	if err != nil || len(values) == 0 {
		b.fail(path, "the method Enum of %v returns no values: %v", t, err)
		return
	}
	s["enum"] = values
}
