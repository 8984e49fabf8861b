package schema

import (
	"reflect"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ratchet returns errs without those of values that were the same before an update: an object that a
// stricter schema would refuse can still be changed elsewhere (KEP-4008).
func (c *Custom) ratchet(errs field.ErrorList, object, old map[string]any) field.ErrorList {
	if old == nil || len(errs) == 0 {
		return errs
	}
	var left field.ErrorList
	for _, err := range errs {
		if !c.unchanged(err, object, old) {
			left = append(left, err)
		}
	}
	return left
}

// unchanged reports whether the value that an error is about, or one around it, is in both objects.
// What is around a required field is the object that lacks it.
func (c *Custom) unchanged(err *field.Error, object, old map[string]any) bool {
	var now, before any = object, old
	s := c.root
	path := tokens(err.Field)
	if err.Type == field.ErrorTypeRequired && len(path) > 0 {
		path = path[:len(path)-1]
	}
	for _, token := range path {
		var ok bool
		if now, before, s, ok = step(now, before, s, token); !ok {
			return false
		}
		if reflect.DeepEqual(now, before) {
			return true
		}
	}
	return false
}

// step returns the values below a key or an index. Items of a list of type map correspond by their
// keys; those of other lists do not correspond.
func step(now, before any, s *structural, token string) (any, any, *structural, bool) {
	switch n := now.(type) {
	case map[string]any:
		b, ok := before.(map[string]any)
		if !ok {
			return nil, nil, nil, false
		}
		x, ok1 := n[token]
		y, ok2 := b[token]
		var sub *structural
		if s != nil {
			sub, _ = s.of(token)
		}
		return x, y, sub, ok1 && ok2
	case []any:
		b, ok := before.([]any)
		i, err := strconv.Atoi(token)
		if !ok || err != nil || i >= len(n) || s == nil || s.listType != "map" {
			return nil, nil, nil, false
		}
		item, _ := n[i].(map[string]any)
		key := keysOf(item, s.listKeys)
		for _, other := range b {
			if other, ok := other.(map[string]any); ok && reflect.DeepEqual(keysOf(other, s.listKeys), key) {
				return item, other, s.items, true
			}
		}
	}
	return nil, nil, nil, false
}

// tokens splits the path of a field into keys and indexes.
func tokens(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}
