package client

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/overlay"
)

// fieldSet is what a field manager owns, as the FieldsV1 of managedFields encodes it (KEP-555, and
// the type FieldsV1 of apimachinery). A name leads from a value to what is in it: f:<name> to a
// member, k:<keys> to the element of a list that has these keys, v:<value> to the element of a set,
// i:<index> to an element by its place. The name "." is the value itself. A set that is empty, but
// for the outermost, is the value with all that is in it.
type fieldSet map[string]any

func fieldsOf(entry metav1.ManagedFieldsEntry) (fieldSet, error) {
	if entry.FieldsV1 == nil {
		return nil, nil
	}
	tree, err := overlay.Parse(entry.FieldsV1.GetRawBytes())
	set, ok := tree.(map[string]any)
	if err == nil && !ok {
		err = fmt.Errorf("it is no JSON object")
	}
	if err != nil {
		return nil, fmt.Errorf("read the fields of manager %q: %w", entry.Manager, err)
	}
	return set, nil
}

// union returns the fields that are in a or in b.
func (a fieldSet) union(b fieldSet) fieldSet {
	out := maps.Clone(a)
	if out == nil {
		out = fieldSet{}
	}
	for name, within := range b {
		mine, ok := out[name].(map[string]any)
		theirs, _ := within.(map[string]any)
		switch {
		case !ok:
			out[name] = within
		case len(mine) == 0 && len(theirs) > 0, len(mine) > 0 && len(theirs) == 0:
			u := fieldSet(mine).union(theirs)
			u["."] = map[string]any{}
			out[name] = map[string]any(u)
		default:
			out[name] = map[string]any(fieldSet(mine).union(theirs))
		}
	}
	return out
}

// without returns the fields of a that are not at the path, nor in it.
func (a fieldSet) without(path ...string) fieldSet {
	within, ok := a[path[0]].(map[string]any)
	if !ok {
		return a
	}
	out := maps.Clone(a)
	if len(path) > 1 {
		if rest := fieldSet(within).without(path[1:]...); len(rest) > 0 || len(within) == 0 {
			out[path[0]] = map[string]any(rest)
			return out
		}
	}
	delete(out, path[0])
	return out
}

// of returns the part of a document that is in the set, and the document itself for an empty set.
func (a fieldSet) of(v any) any {
	if len(a) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, within := range a {
			if name, ok := strings.CutPrefix(name, "f:"); ok {
				if value, ok := v[name]; ok {
					within, _ := within.(map[string]any)
					out[name] = fieldSet(within).of(value)
				}
			}
		}
		return out
	case []any:
		out := []any{}
		for i, element := range v {
			if part, ok := a.ofElement(i, element); ok {
				out = append(out, part)
			}
		}
		return out
	}
	return v
}

// ofElement returns the part of a list's element that is in the set, with the keys of the element,
// and reports whether any is.
func (a fieldSet) ofElement(i int, element any) (any, bool) {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		sort, text, _ := strings.Cut(name, ":")
		set, _ := a[name].(map[string]any)
		want, err := overlay.Parse([]byte(text))
		if err != nil {
			continue
		}
		switch sort {
		case "v":
			if overlay.Same(want, element, nil) {
				return element, true
			}
		case "i":
			if text == strconv.Itoa(i) {
				return fieldSet(set).of(element), true
			}
		case "k":
			keys, _ := want.(map[string]any)
			object, ok := element.(map[string]any)
			if !ok || !hasKeys(object, keys) {
				continue
			}
			part, _ := fieldSet(set).of(object).(map[string]any)
			part = maps.Clone(part)
			maps.Copy(part, keys)
			return part, true
		}
	}
	return nil, false
}

func hasKeys(object, keys map[string]any) bool {
	for name, value := range keys {
		if !overlay.Same(object[name], value, nil) {
			return false
		}
	}
	return len(keys) > 0
}
