package wire_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"reflect"
	"slices"
	"strings"
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
			names := slices.Sorted(maps.Keys(fields))
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

// valuesAt collects the scalars at the path in a JSON document by where they stand.
func valuesAt(doc any, path goPath, place string, found map[string]string) {
	if len(path) == 0 {
		switch doc := doc.(type) {
		case string:
			found[place] = doc
		case json.Number, bool:
			found[place] = fmt.Sprint(doc)
		}
		return
	}
	switch doc := doc.(type) {
	case []any:
		for i, element := range doc {
			valuesAt(element, path[1:], fmt.Sprint(place, "/", i), found)
		}
	case map[string]any:
		for key, value := range doc {
			if path[0].each() || key == path[0].name {
				valuesAt(value, path[1:], fmt.Sprintf("%s/%q", place, key), found)
			}
		}
	}
}
