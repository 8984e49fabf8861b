package kind

import (
	"fmt"
	"reflect"
	"strings"
)

// UnknownError says that a Go type has no known kind: it is not one of the built-in types and
// nobody has registered it.
type UnknownError struct {
	Type reflect.Type // the struct type; nil when there was none (a nil interface)
}

// Error says which type it was and what to do.
func (e *UnknownError) Error() string {
	t := e.Type
	if t == nil {
		return "no type to know the kind of: it was nil"
	}
	name := t.String()
	if t.PkgPath() != "" {
		name = t.PkgPath() + "." + t.Name()
	}
	unknown := "the kind of Go type " + name + " is not known: "
	switch {
	case t.Kind() == reflect.Pointer:
		return unknown + "it is a pointer to a pointer; name the struct"
	case t.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured":
		return unknown + "it can hold any kind; use package dynamic, which takes the resource beside it"
	case t.Kind() != reflect.Struct || t.Name() == "":
		return unknown + "only a struct type with a name has one"
	}
	if item, ok := strings.CutSuffix(t.Name(), "List"); ok {
		if _, ok := builtinType(t.PkgPath(), item); ok {
			return unknown + "it is a list; name the type of its items, " + item
		}
	}
	return unknown + "tell skiff which resource it is with kind.Register[" + t.String() + "](kind.Info{…})"
}

// MisuseError is the error of a call that cannot be right whatever the server answers: a name is
// missing, a namespace is given for a cluster-scoped resource, an option contradicts another one.
// No request was sent. Every package of skiff that can find such a mistake returns this type.
type MisuseError struct {
	Verb     string // what was called: "create", "get"
	Resource string // "deployments.apps"
	Name     string // of the object; may be empty
	Problem  string // what is wrong and what to do
}

// Error returns "verb resource "name": problem".
func (e *MisuseError) Error() string {
	what := e.Verb + " " + e.Resource
	if e.Name != "" {
		what += fmt.Sprintf(" %q", e.Name)
	}
	return what + ": " + e.Problem
}
