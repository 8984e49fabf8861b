// Package message tells which Go types have a protobuf form.
package message

import (
	"reflect"
	"strings"
)

// Message is implemented by pointers to the types that Kubernetes generates protobuf methods for.
type Message interface {
	Size() int
	// MarshalToSizedBuffer writes the message to the end of the buffer. It returns how many bytes
	// it takes.
	MarshalToSizedBuffer([]byte) (int, error)
	Unmarshal([]byte) error
}

// Has reports whether obj, a pointer to an API type, has a protobuf form of its own.
//
// A type without one that embeds an ObjectMeta, say, and no other type that has one, has that
// ObjectMeta's methods for Go, and would be written as its metadata alone. So a type outside k8s.io
// has a protobuf form only if its methods cannot be those of one embedded field.
func Has(obj any) bool {
	if _, ok := obj.(Message); !ok {
		return false
	}
	t := reflect.TypeOf(obj)
	return t.Kind() == reflect.Pointer && !mayBorrow(t.Elem())
}

// mayBorrow reports whether the methods of t may be those of an embedded field.
func mayBorrow(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || strings.HasPrefix(t.PkgPath(), "k8s.io/") {
		return false
	}
	lenders := 0 // of two at the same depth, Go takes no methods
	for field := range t.Fields() {
		if field.Anonymous && Implements(field.Type) {
			lenders++
		}
	}
	return lenders == 1
}

// Implements reports whether t or a pointer to it has the methods of a Message.
func Implements(t reflect.Type) bool {
	methods := reflect.TypeFor[Message]()
	return t.Implements(methods) || reflect.PointerTo(t).Implements(methods)
}
