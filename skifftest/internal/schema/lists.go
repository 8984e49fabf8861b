package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// duplicates returns an error for each item of a list of type set or map in x whose value or keys
// another item has.
func duplicates(path *field.Path, x any, s *structural) field.ErrorList {
	if s == nil {
		return nil
	}
	var errs field.ErrorList
	switch x := x.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if p, ok := s.properties[key]; ok {
				errs = append(errs, duplicates(path.Child(key), x[key], p)...)
			} else {
				errs = append(errs, duplicates(path.Key(key), x[key], s.additional)...)
			}
		}
	case []any:
		switch s.listType {
		case "set":
			for _, i := range twice(x) {
				errs = append(errs, field.Duplicate(path.Index(i), x[i]))
			}
		case "map":
			errs = append(errs, sameKeys(path, x, s.listKeys)...)
		}
		for i, item := range x {
			errs = append(errs, duplicates(path.Index(i), item, s.items)...)
		}
	}
	return errs
}

func sameKeys(path *field.Path, list []any, names []string) field.ErrorList {
	keys := make([]any, len(list))
	for i, item := range list {
		m, ok := item.(map[string]any)
		if !ok && item != nil {
			return field.ErrorList{field.Invalid(path.Index(i), item, "must be an object for an array of list-type map")}
		}
		keys[i] = keysOf(m, names)
	}
	var errs field.ErrorList
	for _, i := range twice(keys) {
		errs = append(errs, field.Duplicate(path.Index(i), keys[i]))
	}
	return errs
}

// keysOf returns the keys of an item of a list of type map.
func keysOf(item map[string]any, names []string) map[string]any {
	key := map[string]any{}
	for _, name := range names {
		if v, ok := item[name]; ok {
			key[name] = v
		}
	}
	return key
}

// twice returns the index of the second item of each value that list has more than once.
func twice(list []any) []int {
	var second []int
	times := map[string]int{}
	for i, x := range list {
		data, err := json.Marshal(x)
		if err != nil {
			continue
		}
		times[string(data)]++
		if times[string(data)] == 2 {
			second = append(second, i)
		}
	}
	return second
}

// embeddedErrors returns what is wrong with the resources that are embedded in x.
func embeddedErrors(path *field.Path, x any, s *structural, root bool) field.ErrorList {
	if s == nil {
		return nil
	}
	var errs field.ErrorList
	switch x := x.(type) {
	case map[string]any:
		if s.embedded && !root {
			errs = append(errs, typeErrors(path, x)...)
		}
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if p, ok := s.properties[key]; ok {
				errs = append(errs, embeddedErrors(path.Child(key), x[key], p, false)...)
			} else {
				errs = append(errs, embeddedErrors(path.Key(key), x[key], s.additional, false)...)
			}
		}
	case []any:
		for i, item := range x {
			errs = append(errs, embeddedErrors(path.Index(i), item, s.items, false)...)
		}
	}
	return errs
}

func typeErrors(path *field.Path, x map[string]any) field.ErrorList {
	var errs field.ErrorList
	check := func(key string, valid func(string) error) {
		p := path.Child(key)
		v, ok := x[key]
		if !ok {
			errs = append(errs, field.Required(p, ""))
			return
		}
		text, ok := v.(string)
		switch {
		case !ok:
			errs = append(errs, field.Invalid(p, v, "must be a string"))
		case text == "":
			errs = append(errs, field.Invalid(p, text, "must not be empty"))
		default:
			if err := valid(text); err != nil {
				errs = append(errs, field.Invalid(p, text, err.Error()))
			}
		}
	}
	check("apiVersion", func(v string) error {
		_, err := apischema.ParseGroupVersion(v)
		return err
	})
	check("kind", func(v string) error {
		if faults := utilvalidation.IsDNS1035Label(strings.ToLower(v)); len(faults) > 0 {
			return textError("may have mixed case, but should otherwise match: " + strings.Join(faults, ","))
		}
		return nil
	})
	return errs
}

type textError string

func (e textError) Error() string { return string(e) }
