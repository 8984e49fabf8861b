package schema

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// Set is the kinds that an API server knows: the built-in ones, and custom ones that are added. It
// is safe for concurrent use.
type Set struct {
	mu     sync.RWMutex
	custom map[apischema.GroupVersionKind]*Custom // guarded by mu
}

// Builtin returns a new set of the built-in kinds. All such sets share their types.
func Builtin() *Set {
	return &Set{custom: map[apischema.GroupVersionKind]*Custom{}}
}

// Custom returns the schema of a custom kind that was added.
func (s *Set) Custom(gvk apischema.GroupVersionKind) (*Custom, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.custom[gvk]
	return c, ok
}

// Type returns the type by which the objects of a kind are merged. runtime.IsNotRegisteredError
// recognises the error of a kind that the set has not.
func (s *Set) Type(gvk apischema.GroupVersionKind) (*typed.ParseableType, error) {
	if c, ok := s.Custom(gvk); ok {
		return c.merge()
	}
	return builtin(gvk)
}

// ObjectToTyped and TypedToObject make a Set a managedfields.TypeConverter. The object is an
// *unstructured.Unstructured, and shares its content with the typed value.
func (s *Set) ObjectToTyped(o runtime.Object, opts ...typed.ValidationOptions) (*typed.TypedValue, error) {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("the object is a %T, and not unstructured", o)
	}
	t, err := s.Type(u.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	return t.FromUnstructured(u.Object, opts...)
}

// TypedToObject returns a typed value as an *unstructured.Unstructured.
func (s *Set) TypedToObject(v *typed.TypedValue) (runtime.Object, error) {
	content, ok := v.AsValue().Unstructured().(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the value is a %T, and not an object", v.AsValue().Unstructured())
	}
	return &unstructured.Unstructured{Object: content}, nil
}

// Versions returns the versions of a kind, sorted.
func (s *Set) Versions(kind apischema.GroupKind) []string {
	var versions []string
	s.mu.RLock()
	for gvk := range s.custom {
		if gvk.GroupKind() == kind {
			versions = append(versions, gvk.Version)
		}
	}
	s.mu.RUnlock()
	for key := range embedded().Kinds {
		if group, rest, _ := strings.Cut(key, "/"); group == kind.Group {
			if version, name, _ := strings.Cut(rest, "/"); name == kind.Kind {
				versions = append(versions, version)
			}
		}
	}
	slices.Sort(versions)
	return versions
}
