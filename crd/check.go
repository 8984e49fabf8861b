package crd

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"unicode/utf8"
)

// equal reports whether two values of JSON content are the same. 1 and 1.0 are: who writes and reads a
// definition makes one of the other.
func equal(a, b any) bool {
	switch a := a.(type) {
	case int64:
		if b, ok := b.(int64); ok {
			return a == b
		}
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	}
	if x, ok := asFloat(a); ok {
		y, ok := asFloat(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

// check reports the contradictions of a schema and of those within it.
func (b *builder) check(s schema, path string) {
	for _, problem := range contradictions(s) {
		b.fail(path, "%s", problem)
	}
	if items, ok := s["items"].(schema); ok {
		b.check(items, path+"[]")
	}
	if values, ok := s["additionalProperties"].(schema); ok {
		b.check(values, path+".*")
	}
	properties, _ := s["properties"].(schema)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		b.check(properties[name].(schema), path+"."+name)
	}
}

// ranges are the pairs of bounds of which the first is at most the second.
var ranges = [][2]string{{"minimum", "maximum"}, {"minLength", "maxLength"}, {"minItems", "maxItems"},
	{"minProperties", "maxProperties"}}

// contradictions returns what is wrong with a schema whatever the server answers, as far as words can
// make it so.
func contradictions(s schema) []string {
	var problems []string
	for _, r := range ranges {
		low, hasLow := asFloat(s[r[0]])
		high, hasHigh := asFloat(s[r[1]])
		if hasLow && hasHigh && low > high {
			problems = append(problems, fmt.Sprintf("%s %v is above %s %v: no value is valid", r[0], s[r[0]], r[1], s[r[1]]))
		}
	}
	for _, r := range [][2]string{{"exclusiveMinimum", "minimum"}, {"exclusiveMaximum", "maximum"}} {
		if s[r[0]] != nil && s[r[1]] == nil {
			problems = append(problems, fmt.Sprintf("%s needs %s", r[0], r[1]))
		}
	}
	keys, hasKeys := s["x-kubernetes-list-map-keys"].([]any)
	if isMap := s["x-kubernetes-list-type"] == "map"; isMap != hasKeys {
		problems = append(problems, "listType=map and listMapKey need each other")
	} else if hasKeys {
		problems = append(problems, wrongKeys(s, keys)...)
	}
	if values, ok := s["enum"].([]any); ok {
		for _, v := range values {
			if why := invalid(v, s); why != "" {
				problems = append(problems, fmt.Sprintf("enum value %v: %s", v, why))
			}
		}
	}
	if v, ok := s["default"]; ok {
		if why := invalid(v, s); why != "" {
			problems = append(problems, fmt.Sprintf("default %v: %s", v, why))
		}
	}
	return problems
}

// wrongKeys returns what is wrong with the keys of a list of objects.
func wrongKeys(s schema, keys []any) []string {
	var problems []string
	items, _ := s["items"].(schema)
	properties, _ := items["properties"].(schema)
	required, _ := items["required"].([]any)
	for _, key := range keys {
		property, ok := properties[key.(string)].(schema)
		switch kind := kindOf(property); {
		case !ok:
			problems = append(problems, fmt.Sprintf("listMapKey %v is no field of the list's elements", key))
		case kind == "object" || kind == "array" || kind == "any":
			problems = append(problems, fmt.Sprintf("listMapKey %v is of type %s, and keys are single values", key, kind))
		case !slices.Contains(required, key) && property["default"] == nil:
			problems = append(problems, fmt.Sprintf("listMapKey %v is optional and has no default: the server needs one of them", key))
		}
	}
	return problems
}

// invalid returns why a value is not valid in a schema, or "". It looks at types and bounds; CEL and
// formats are left to the server.
func invalid(v any, s schema) string {
	if v == nil {
		if s["nullable"] == true {
			return ""
		}
		return "it is null"
	}
	kind, got := kindOf(s), jsonType(v)
	switch {
	case kind == "any", kind == got, kind == "number" && got == "integer",
		kind == "int-or-string" && (got == "integer" || got == "string"):
	default:
		return fmt.Sprintf("it is of type %s, not %s", got, kind)
	}
	if values, ok := s["enum"].([]any); ok && !slices.ContainsFunc(values, func(e any) bool { return equal(v, e) }) {
		return "it is not in the enum"
	}
	var size float64
	names := [2]string{}
	switch v := v.(type) {
	case int64, float64:
		size, _ = asFloat(v)
		names = ranges[0]
	case string:
		size, names = float64(utf8.RuneCountInString(v)), ranges[1]
		if p, ok := s["pattern"].(string); ok {
			if re, err := regexp.Compile(p); err == nil && !re.MatchString(v) {
				return "it does not match the pattern " + p
			}
		}
	case []any:
		size, names = float64(len(v)), ranges[2]
		items, _ := s["items"].(schema)
		for i, item := range v {
			if why := invalid(item, items); items != nil && why != "" {
				return fmt.Sprintf("[%d]: %s", i, why)
			}
		}
	case map[string]any:
		return invalidObject(v, s)
	}
	return outOfRange(size, names, s)
}

func outOfRange(size float64, names [2]string, s schema) string {
	if low, ok := asFloat(s[names[0]]); ok && (size < low || size == low && s["exclusiveMinimum"] == true && names[0] == "minimum") {
		return fmt.Sprintf("it is below %s %v", names[0], s[names[0]])
	}
	if high, ok := asFloat(s[names[1]]); ok && (size > high || size == high && s["exclusiveMaximum"] == true && names[1] == "maximum") {
		return fmt.Sprintf("it is above %s %v", names[1], s[names[1]])
	}
	return ""
}

func invalidObject(v map[string]any, s schema) string {
	properties, _ := s["properties"].(schema)
	values, _ := s["additionalProperties"].(schema)
	for name, value := range v {
		inner, ok := properties[name].(schema)
		if !ok {
			inner = values
		}
		switch {
		case inner == nil && s["x-kubernetes-preserve-unknown-fields"] != true:
			return fmt.Sprintf("it has the unknown field %s", name)
		case inner != nil:
			if why := invalid(value, inner); why != "" {
				return fmt.Sprintf("%s: %s", name, why)
			}
		}
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		inner, _ := properties[name.(string)].(schema)
		if _, ok := v[name.(string)]; !ok && inner["default"] == nil {
			return fmt.Sprintf("it lacks the required field %s", name)
		}
	}
	return outOfRange(float64(len(v)), ranges[3], s)
}
