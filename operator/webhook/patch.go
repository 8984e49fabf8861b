package webhook

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// operation is one of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"` // "add", "replace", "remove" or "test"
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// difference returns a JSON patch that makes to of from. The documents are trees as
// overlay.Parse makes them.
//
// It is written here because package overlay has done the larger part, and compares what a Go type
// knows. What is left is smaller than any module. A list is compared by position behind what is
// equal at its beginning and its end: the patch is right, and not always the shortest.
func difference(from, to any, path string, ops []operation) []operation {
	if reflect.DeepEqual(from, to) {
		return ops
	}
	switch to := to.(type) {
	case map[string]any:
		if from, ok := from.(map[string]any); ok {
			return differentMembers(from, to, path, ops)
		}
	case []any:
		if from, ok := from.([]any); ok {
			return differentElements(from, to, path, ops)
		}
	}
	return append(ops, operation{"replace", path, valueOf(to)})
}

func differentMembers(from, to map[string]any, path string, ops []operation) []operation {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[name]; !ok {
			ops = append(ops, operation{Op: "remove", Path: path + "/" + escaped.Replace(name)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(to)) {
		at := path + "/" + escaped.Replace(name)
		if was, ok := from[name]; ok {
			ops = difference(was, to[name], at, ops)
		} else {
			ops = append(ops, operation{"add", at, valueOf(to[name])})
		}
	}
	return ops
}

func differentElements(from, to []any, path string, ops []operation) []operation {
	begin := 0
	for begin < min(len(from), len(to)) && reflect.DeepEqual(from[begin], to[begin]) {
		begin++
	}
	end := 0 // how many are equal at the end
	for end < min(len(from), len(to))-begin &&
		reflect.DeepEqual(from[len(from)-1-end], to[len(to)-1-end]) {
		end++
	}
	both := min(len(from), len(to)) - end
	for i := begin; i < both; i++ {
		ops = difference(from[i], to[i], path+"/"+strconv.Itoa(i), ops)
	}
	for i := len(from) - end - 1; i >= both; i-- {
		ops = append(ops, operation{Op: "remove", Path: path + "/" + strconv.Itoa(i)})
	}
	for i := both; i < len(to)-end; i++ {
		ops = append(ops, operation{"add", path + "/" + strconv.Itoa(i), valueOf(to[i])})
	}
	return ops
}

// escaped escapes a name in a JSON pointer (RFC 6901).
var escaped = strings.NewReplacer("~", "~0", "/", "~1")

// null is the value null, which omitempty does not leave out.
type null struct{}

func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func valueOf(v any) any {
	if v == nil {
		return null{}
	}
	return v
}
