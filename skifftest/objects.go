package skifftest

import (
	"encoding/json"
	"reflect"

	"github.com/skiff-k8s/skiff/kind"
)

func typeOf(v any) reflect.Type { return reflect.TypeOf(v) }

// kindFor returns the kind of T, and fails the test if it has none.
func kindFor[T any, P kind.Object[T]](s *Server) kind.Info {
	s.t.Helper()
	k, err := kind.Of[T, P]()
	if err != nil {
		s.t.Fatalf("skifftest: %v", err)
	}
	return k
}

// decodeInto returns an object of the server as a Go value, and fails the test if it does not fit.
func decodeInto[T any](s *Server, o map[string]any) *T {
	s.t.Helper()
	v := new(T)
	data, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		s.t.Fatalf("skifftest: decode a %T: %v", v, err)
	}
	return v
}

// Get returns an object as the server has it now. The namespace of a cluster-scoped kind is "". An
// object that is not there fails the test: see [Has].
func Get[T any, P kind.Object[T]](s *Server, namespace, name string) *T {
	s.t.Helper()
	k := kindFor[T, P](s)
	o, err := s.api.Get(k.GVK(), namespace, name)
	if err != nil {
		s.t.Fatalf("skifftest: get %s %q: %v", k.Resource, name, err)
	}
	return decodeInto[T](s, o)
}

// Has reports whether the server has an object.
func Has[T any, P kind.Object[T]](s *Server, namespace, name string) bool {
	s.t.Helper()
	o, _ := s.api.Get(kindFor[T, P](s).GVK(), namespace, name)
	return o != nil
}

// Objects returns the objects of a kind, of all namespaces, in the order of their namespaces and names.
func Objects[T any, P kind.Object[T]](s *Server) []*T {
	s.t.Helper()
	k := kindFor[T, P](s)
	all, err := s.api.Objects(k.GVK())
	if err != nil {
		s.t.Fatalf("skifftest: list %s: %v", k.Resource, err)
	}
	typed := make([]*T, 0, len(all))
	for _, o := range all {
		typed = append(typed, decodeInto[T](s, o))
	}
	return typed
}

// Delete deletes an object at once, whatever its finalizers, and reports whether it was there.
func Delete[T any, P kind.Object[T]](s *Server, namespace, name string) bool {
	s.t.Helper()
	k := kindFor[T, P](s)
	was, err := s.api.Remove(k.GVK(), namespace, name)
	if err != nil {
		s.t.Fatalf("skifftest: delete %s %q: %v", k.Resource, name, err)
	}
	return was
}
