package kind

import (
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func ofType(t reflect.Type) (Kind, error)                { return Kind{}, &UnknownError{Type: t} }
func register(t reflect.Type, k Kind) error              { return nil }
func byGVK(gvk schema.GroupVersionKind) (Kind, bool)     { return Kind{}, false }
func byGVR(gvr schema.GroupVersionResource) (Kind, bool) { return Kind{}, false }
func all(yield func(Kind) bool)                          {}
func builtinType(pkgPath, name string) (Kind, bool)      { return Kind{}, false }
