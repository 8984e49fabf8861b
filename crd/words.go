package crd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// meaning is what a word writes into a schema.
type meaning struct {
	types string // of the schemas that it is said of, separated by spaces; "" means all
	key   string // in the schema
	value func(w word, s schema) (any, error)
}

// meanings are the words with a key of the schema. The others are in places and ruleWords.
var meanings = map[string]meaning{
	"min":          {"integer number", "minimum", number},
	"max":          {"integer number", "maximum", number},
	"exclusiveMin": {"integer number", "exclusiveMinimum", flag},
	"exclusiveMax": {"integer number", "exclusiveMaximum", flag},
	"multipleOf":   {"integer number", "multipleOf", number},

	"minLength": {"string", "minLength", count},
	"maxLength": {"string", "maxLength", count},
	"pattern":   {"string int-or-string", "pattern", pattern},
	"format":    {"string integer number", "format", text},

	"minItems":   {"array", "minItems", count},
	"maxItems":   {"array", "maxItems", count},
	"listType":   {"array", "x-kubernetes-list-type", oneOf("atomic", "set", "map")},
	"listMapKey": {"array", "x-kubernetes-list-map-keys", list},

	"minProperties": {"object", "minProperties", count},
	"maxProperties": {"object", "maxProperties", count},
	"mapType":       {"object", "x-kubernetes-map-type", oneOf("granular", "atomic")},

	"preserveUnknownFields": {"object any", "x-kubernetes-preserve-unknown-fields", flag},
	"embeddedResource":      {"object", "x-kubernetes-embedded-resource", flag},

	"enum":     {"", "enum", enum},
	"default":  {"", "default", func(w word, s schema) (any, error) { return literal(w.value, s) }},
	"nullable": {"", "nullable", flag},
	"doc":      {"", "description", text},
	"title":    {"", "title", text},
}

// places are the words that are read where the field is looked at: see structOf and typeOf.
var places = []string{"type", "optional", "required"}

// apply writes what words say into a schema.
func (b *builder) apply(s schema, path string, words []word) {
	for _, w := range words {
		at, in := itemsOf(s, path, w.items)
		if at == nil {
			b.fail(in, "word %s: it is no list and no map, so that it has no items", w.name)
		} else if err := w.apply(at); err != nil {
			b.fail(in, "word %s: %v", w.name, err)
		}
	}
}

// itemsOf returns the schema of the elements of a list or of the values of a map, n levels down, and
// its path. If a level is neither, the schema is nil.
func itemsOf(s schema, path string, n int) (schema, string) {
	for ; n > 0; n-- {
		key, at := "items", "[]"
		if s["type"] == "object" {
			key, at = "additionalProperties", ".*"
		}
		inner, ok := s[key].(schema)
		if !ok {
			return nil, path
		}
		s, path = inner, path+at
	}
	return s, path
}

// kindOf returns the type of a schema, as the word type has it.
func kindOf(s schema) string {
	switch typ, _ := s["type"].(string); {
	case s["x-kubernetes-int-or-string"] == true:
		return "int-or-string"
	case typ == "":
		return "any"
	default:
		return typ
	}
}

func (w word) apply(s schema) error {
	switch {
	case slices.Contains(places, w.name):
		if w.items > 0 {
			return errors.New("it is said of a field or a type, not of items")
		}
		if w.name != "type" && w.set {
			return errNoValue
		}
		return nil
	case slices.Contains(ruleWords, w.name):
		return w.applyRule(s)
	}
	m, ok := meanings[w.name]
	if !ok {
		return errors.New("it is unknown: the documentation of package crd has the words; a value with a comma stands in single quotes")
	}
	if typ := kindOf(s); m.types != "" && !slices.Contains(strings.Fields(m.types), typ) {
		return fmt.Errorf("it is not said of type %s, but of: %s", typ, strings.ReplaceAll(m.types, " ", ", "))
	}
	v, err := m.value(w, s)
	if err == nil {
		s[m.key] = v
	}
	return err
}

// ruleWords make a rule in CEL. A rule begins with the word rule; the others belong to the last one.
var ruleWords = []string{"rule", "message", "messageExpression", "reason", "fieldPath", "optionalOldSelf"}

// reasons are those that the API server takes.
var reasons = []string{"FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"}

const rulesKey = "x-kubernetes-validations"

func (w word) applyRule(s schema) error {
	rules, _ := s[rulesKey].([]any)
	if w.name == "optionalOldSelf" {
		if w.set {
			return errNoValue
		}
	} else if w.value == "" {
		return errors.New("it has no value")
	}
	switch {
	case w.name == "rule":
		s[rulesKey] = append(rules, schema{"rule": w.value})
		return nil
	case len(rules) == 0:
		return errors.New("there is no rule before it that it could belong to")
	case w.name == "reason" && !slices.Contains(reasons, w.value):
		return fmt.Errorf("%q is none of: %s", w.value, strings.Join(reasons, ", "))
	}
	last := rules[len(rules)-1].(schema)
	if _, twice := last[w.name]; twice {
		return fmt.Errorf("the rule %s has it already", last["rule"])
	}
	last[w.name] = w.value
	if w.name == "optionalOldSelf" {
		last[w.name] = true
	}
	return nil
}
