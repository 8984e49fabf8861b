package crd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var errNoValue = errors.New("it takes no value")

// The functions below read the value of a word for a schema.

func flag(w word, _ schema) (any, error) {
	if w.set {
		return nil, errNoValue
	}
	return true, nil
}

func text(w word, _ schema) (any, error) {
	if w.value == "" {
		return nil, errors.New("it has no value")
	}
	return w.value, nil
}

func number(w word, s schema) (any, error) { return literal(w.value, schema{"type": kindOf(s)}) }

func count(w word, _ schema) (any, error) {
	n, err := strconv.ParseInt(w.value, 10, 64)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%q is no number from 0 on", w.value)
	}
	return n, nil
}

func pattern(w word, s schema) (any, error) {
	if _, err := regexp.Compile(w.value); err != nil {
		return nil, err
	}
	return text(w, s)
}

func list(w word, _ schema) (any, error) {
	var all []any
	for _, v := range w.values {
		if v == "" {
			return nil, errors.New("a value is empty")
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, errors.New("it has no value")
	}
	return all, nil
}

func oneOf(values ...string) func(word, schema) (any, error) {
	return func(w word, _ schema) (any, error) {
		if !slices.Contains(values, w.value) {
			return nil, fmt.Errorf("%q is none of: %s", w.value, strings.Join(values, ", "))
		}
		return w.value, nil
	}
}

func enum(w word, s schema) (any, error) {
	if !w.set {
		return nil, errors.New("it has no value")
	}
	var all []any
	for _, value := range w.values {
		v, err := literal(value, s)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other any) bool { return equal(v, other) }) {
			return nil, fmt.Errorf("%q is there twice", value)
		}
		all = append(all, v)
	}
	return all, nil
}

// literal returns the value of a text in a schema's type. Of a string it is the text itself, of the
// others its JSON.
func literal(value string, s schema) (any, error) {
	kind := kindOf(s)
	if kind == "string" {
		return value, nil
	}
	v, err := decodeJSON[any]([]byte(value))
	if err != nil {
		if kind == "int-or-string" {
			return value, nil
		}
		return nil, fmt.Errorf("%q is no JSON of type %s: %w", value, kind, err)
	}
	if v == nil && s["nullable"] == true {
		return nil, nil
	}
	if kind == "number" {
		if n, ok := v.(int64); ok {
			return n, nil
		}
	}
	if got := jsonType(v); got != kind && kind != "any" && !(kind == "int-or-string" && (got == "integer" || got == "string")) {
		return nil, fmt.Errorf("%s is of type %s, not %s", value, got, kind)
	}
	return v, nil
}

// jsonType returns the type of a decoded value as a schema names it.
func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// decodeJSON decodes one value. Whole numbers become int64, as in unstructured objects.
func decodeJSON[T any](data []byte) (T, error) {
	var raw any
	var out T
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return out, err
	}
	if d.More() {
		return out, errors.New("something follows the value")
	}
	raw, err := numbers(raw)
	if err != nil {
		return out, err
	}
	out, ok := raw.(T)
	if !ok && raw != nil {
		return out, fmt.Errorf("it is of type %s", jsonType(raw))
	}
	return out, nil
}

// numbers replaces each json.Number within a value.
func numbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		return v.Float64()
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = numbers(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// asFloat returns a number of a schema.
func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return math.NaN(), false
}
