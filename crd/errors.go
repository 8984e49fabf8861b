package crd

import (
	"fmt"
	"reflect"
)

// TypeError is the error of a Go type that has no schema, or whose tags contradict it. Of joins one
// for each mistake.
type TypeError struct {
	Type    reflect.Type // that Of was called with, or Version
	Path    string       // of the field in its JSON: ".spec.rules[].host"; "" is the object
	Problem string       // the mistake, and what to do
}

// Error returns "schema of type: path: problem".
func (e *TypeError) Error() string {
	path := e.Path
	if path == "" {
		path = "the object"
	}
	return fmt.Sprintf("schema of %v: %s: %s", e.Type, path, e.Problem)
}
