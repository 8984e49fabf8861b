package kind

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// registry holds the registered kinds. A registry is replaced as a whole and never changed, so that
// readers need no lock.
type registry struct {
	byType map[reflect.Type]Info
	byGVK  map[schema.GroupVersionKind]Info
	byGVR  map[schema.GroupVersionResource]Info
}

var (
	registered  atomic.Pointer[registry] // nil until the first registration
	registering sync.Mutex               // held while the registry is replaced
)

func ofType(t reflect.Type) (Info, error) {
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || t.Name() == "" {
		return Info{}, &UnknownError{Type: t}
	}
	if k, ok := builtinType(t.PkgPath(), t.Name()); ok {
		return k, nil
	}
	if r := registered.Load(); r != nil {
		if k, ok := r.byType[t]; ok {
			return k, nil
		}
	}
	return Info{}, &UnknownError{Type: t}
}

func gvkOf(t reflect.Type) (schema.GroupVersionKind, bool) {
	k, err := ofType(t)
	if err == nil {
		return k.GVK(), true
	}
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || t.Name() == "" || strings.Contains(t.Name(), "[") {
		return schema.GroupVersionKind{}, false
	}
	p, ok := builtinPackage(t.PkgPath())
	if !ok {
		return schema.GroupVersionKind{}, false
	}
	return schema.GroupVersionKind{Group: p.group, Version: p.version, Kind: t.Name()}, true
}

func byGVK(gvk schema.GroupVersionKind) (Info, bool) {
	if p, ok := builtinGroupVersion(gvk.Group, gvk.Version); ok {
		if k, ok := p.find(gvk.Kind); ok {
			return k, true
		}
	}
	if r := registered.Load(); r != nil {
		k, ok := r.byGVK[gvk]
		return k, ok
	}
	return Info{}, false
}

func byGVR(gvr schema.GroupVersionResource) (Info, bool) {
	if p, ok := builtinGroupVersion(gvr.Group, gvr.Version); ok {
		for i := range p.kinds {
			if p.kinds[i].resource == gvr.Resource {
				return p.full(&p.kinds[i]), true
			}
		}
	}
	if r := registered.Load(); r != nil {
		k, ok := r.byGVR[gvr]
		return k, ok
	}
	return Info{}, false
}

func all(yield func(Info) bool) {
	for i := range builtins {
		p := &builtins[i]
		for j := range p.kinds {
			if !yield(p.full(&p.kinds[j])) {
				return
			}
		}
	}
	r := registered.Load()
	if r == nil {
		return
	}
	for _, k := range slices.SortedFunc(maps.Values(r.byGVK), compare) {
		if _, ok := builtinGVK(k.GVK()); !ok && !yield(k) {
			return
		}
	}
}

func compare(a, b Info) int {
	return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Version, b.Version), strings.Compare(a.Kind, b.Kind))
}

func builtinGVK(gvk schema.GroupVersionKind) (Info, bool) {
	p, ok := builtinGroupVersion(gvk.Group, gvk.Version)
	if !ok {
		return Info{}, false
	}
	return p.find(gvk.Kind)
}

func register(t reflect.Type, k Info) error {
	if t.Kind() != reflect.Struct || t.Name() == "" {
		return fmt.Errorf("kind: register %v as %v: only a struct type with a name can be a kind", t, k)
	}
	if err := k.valid(); err != nil {
		return fmt.Errorf("kind: register %v as %v: %w", t, k, err)
	}
	registering.Lock()
	defer registering.Unlock()

	if known, err := ofType(t); err == nil {
		if known == k {
			return nil
		}
		return fmt.Errorf("kind: register %v as %v: it is %s already", t, k, known.difference(k))
	}
	if known, ok := byGVK(k.GVK()); ok && known != k {
		return fmt.Errorf("kind: register %v as %v: that kind is %s already", t, k, known.difference(k))
	}
	if known, ok := byGVR(k.GVR()); ok && known != k {
		return fmt.Errorf("kind: register %v as %v: its resource %s is %s already", t, k, k.Resource, known.difference(k))
	}
	next := &registry{
		byType: map[reflect.Type]Info{},
		byGVK:  map[schema.GroupVersionKind]Info{},
		byGVR:  map[schema.GroupVersionResource]Info{},
	}
	if r := registered.Load(); r != nil {
		maps.Copy(next.byType, r.byType)
		maps.Copy(next.byGVK, r.byGVK)
		maps.Copy(next.byGVR, r.byGVR)
	}
	next.byType[t] = k
	next.byGVK[k.GVK()] = k
	next.byGVR[k.GVR()] = k
	registered.Store(next)
	return nil
}

// valid returns an error if k cannot be in a URL or an object.
func (k Info) valid() error {
	switch {
	case k.Version == "":
		return fmt.Errorf("its Version is empty: set it to v1 or v1alpha1, for example")
	case k.Kind == "":
		return fmt.Errorf("its Kind is empty: set it to the value of an object's kind field")
	case k.Resource == "":
		return fmt.Errorf("its Resource is empty: set it to the plural, lower-case name in URLs")
	case strings.ContainsAny(k.Group+k.Version+k.Kind, "/ %"):
		return fmt.Errorf("its Group, Version and Kind are fields of their own, without %q, a space or %q", "/", "%")
	case k.Resource != strings.ToLower(k.Resource) || strings.ContainsAny(k.Resource, "/ %"):
		return fmt.Errorf("its Resource %q is not the plural, lower-case name in URLs", k.Resource)
	}
	return nil
}

// difference returns k as text, with the fields in which other differs.
func (k Info) difference(other Info) string {
	what := k.String()
	add := func(differs bool, format string, args ...any) {
		if differs {
			what += fmt.Sprintf(", "+format, args...)
		}
	}
	add(k.Resource != other.Resource, "resource %s", k.Resource)
	add(k.Namespaced != other.Namespaced, "Namespaced: %t", k.Namespaced)
	add(k.Protobuf != other.Protobuf, "Protobuf: %t", k.Protobuf)
	return what
}
