package fieldpath

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/skiff-k8s/skiff/wire/internal/message"
)

// Set is a set of field paths, made ready for one Go type. Sets never change, and are safe for
// concurrent use. The zero Set has no paths.
type Set struct {
	typeName string
	paths    []fieldPath // sorted, each once
	names    *Names
	numbers  *Numbers
}

// New returns the set of the given paths for the struct type t, such as
// reflect.TypeFor[corev1.Pod](). A path that is malformed, or that t does not have, is an [*Error].
// Where t holds JSON of any form, as a RawExtension does, paths go on unchecked; but not if t has a
// protobuf form, in which such JSON is only bytes.
//
// If t is nil, or a type without fields of its own such as unstructured.Unstructured, the paths are
// for JSON objects of any type. They are not checked, and .name and ['name'] are the same. A
// pointer type stands for the type that it points to; any other type is an error.
func New(t reflect.Type, paths ...string) (*Set, error) {
	t = deref(t)
	s := &Set{names: &Names{}}
	switch {
	case t == nil:
	case t.Kind() != reflect.Struct:
		return nil, fmt.Errorf("find fields of %v: it is neither a struct type nor nil", t)
	case isOpaque(t):
		t = nil
	default:
		s.typeName = t.Name()
	}
	for _, path := range paths {
		p, err := resolve(t, path)
		if err != nil {
			return nil, err
		}
		s.paths = append(s.paths, p)
	}
	slices.SortStableFunc(s.paths, fieldPath.compare)
	s.paths = slices.CompactFunc(s.paths, func(p, q fieldPath) bool { return p.compare(q) == 0 })
	if t != nil && message.Has(reflect.New(t).Interface()) {
		s.numbers = &Numbers{}
	}
	for _, p := range s.paths {
		s.names.add(p.steps)
		if s.numbers != nil {
			s.numbers.add(p)
		}
	}
	s.names, s.numbers = s.names.resolved(), s.numbers.resolved()
	return s, nil
}

// String returns the paths in a form that is the same for the same fields: sorted, each once,
// joined by ", ".
func (s *Set) String() string {
	texts := make([]string, len(s.paths))
	for i, p := range s.paths {
		texts[i] = canonical(p.steps)
	}
	return strings.Join(texts, ", ")
}

// TypeName returns the name of the Go type that the set was made for, without its package; "" if
// the set is for objects of any type.
func (s *Set) TypeName() string { return s.typeName }

// Names returns where the paths lead to in an object's JSON.
func (s *Set) Names() *Names { return s.names }

// Numbers returns where the paths lead to in an object's protobuf message. It is nil if the set was
// made for no type, or for one that has no protobuf form.
func (s *Set) Numbers() *Numbers { return s.numbers }

// NeedValues returns an [*Error] if a path of the set leads to a list, a map or an object, so that
// there are no values to read. What has a JSON form of its own may be one value, and so may what has
// no type: paths to that are no error.
func (s *Set) NeedValues() error {
	for _, p := range s.paths {
		if p.above != nil {
			return p.above
		}
	}
	return nil
}

// Forbid returns an [*Error] with the given reason if a path of the set leads to one of the given
// paths, into it or around it: to something that it is a part of.
func (s *Set) Forbid(reason string, paths ...string) error {
	return s.forbid(reason, paths, func(p, forbidden []step) bool {
		for i := range min(len(p), len(forbidden)) {
			if p[i].kind != stepEach && p[i].name != forbidden[i].name {
				return false
			}
		}
		return true
	})
}

// ForbidInside is as Forbid, but allows paths that lead around the given ones.
func (s *Set) ForbidInside(reason string, paths ...string) error {
	return s.forbid(reason, paths, func(p, forbidden []step) bool {
		return len(p) >= len(forbidden) &&
			slices.EqualFunc(p[:len(forbidden)], forbidden, func(a, b step) bool {
				return a.name == b.name
			})
	})
}

func (s *Set) forbid(reason string, paths []string, meets func(p, forbidden []step) bool) error {
	for _, path := range paths {
		forbidden, err := parse(path)
		if err != nil {
			return err
		}
		for _, p := range s.paths {
			if meets(p.steps, forbidden) {
				last := p.steps[min(len(p.steps), len(forbidden))-1]
				return &Error{Path: p.text, Offset: last.place, Reason: reason}
			}
		}
	}
	return nil
}
