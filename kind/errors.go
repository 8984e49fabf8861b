package kind

import (
	"fmt"
	"reflect"
	"strings"
)

// UnknownError is the error for a Go type whose kind is not known: it is neither built in nor
// registered.
type UnknownError struct {
	Type reflect.Type // the struct type; nil when there was none (a nil interface)
}

// Error returns the type, why its kind is not known, and what to do.
func (e *UnknownError) Error() string {
	t := e.Type
	if t == nil {
		return "the kind of a nil type is not known"
	}
	name := t.String()
	if t.PkgPath() != "" {
		name = t.PkgPath() + "." + t.Name()
	}
	unknown := "the kind of Go type " + name + " is not known: "
	switch {
	case t.Kind() == reflect.Pointer:
		return unknown + "it is a pointer to a pointer: use the struct"
	case t.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured":
		return unknown + "it can hold any kind: use package dynamic, which takes the resource"
	case t.Kind() != reflect.Struct || t.Name() == "":
		return unknown + "only a struct type with a name has one"
	}
	if item, ok := strings.CutSuffix(t.Name(), "List"); ok {
		if _, ok := builtinType(t.PkgPath(), item); ok {
			return unknown + "it is a list: use the type of its items, " + item
		}
	}
	return unknown + "register it with kind.Register[" + t.String() + "](kind.Info{…})"
}

// MisuseError is the error of a call that cannot be right whatever the server answers: a name is
// missing, a namespace is given for a cluster-scoped resource, an option contradicts another one.
// No request was sent. All packages of skiff return this type for such mistakes.
type MisuseError struct {
	Verb     string // the call: "create", "get"
	Resource string // "deployments.apps"
	Name     string // of the object; may be empty
	Problem  string // the mistake, and what to do
}

// Error returns "verb resource "name": problem".
func (e *MisuseError) Error() string {
	what := e.Verb + " " + e.Resource
	if e.Name != "" {
		what += fmt.Sprintf(" %q", e.Name)
	}
	return what + ": " + e.Problem
}
