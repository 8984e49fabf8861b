package wire

import (
	"errors"
	"reflect"
	"strings"
)

// message is what the generated types of Kubernetes implement, all of it on the pointer.
type message interface {
	Size() int
	// MarshalToSizedBuffer writes the message to the end of the buffer, and says how many bytes it
	// takes.
	MarshalToSizedBuffer([]byte) (int, error)
	Unmarshal([]byte) error
}

var errNoProtobuf = errors.New("the type has no protobuf form of its own: use wire.JSON")

// HasProtobuf says whether obj, a pointer to an API type, has a protobuf form of its own.
//
// A type without one that embeds an ObjectMeta, say, and no other type that has one, has that
// ObjectMeta's methods for Go, and would be written as its metadata alone. So a type outside k8s.io
// is not believed to have a protobuf form if its methods can be those of one embedded field.
func HasProtobuf(obj any) bool {
	if _, ok := obj.(message); !ok {
		return false
	}
	t := reflect.TypeOf(obj)
	return t.Kind() == reflect.Pointer && !mayBorrowProtobuf(t.Elem())
}

func mayBorrowProtobuf(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || strings.HasPrefix(t.PkgPath(), "k8s.io/") {
		return false
	}
	lenders := 0 // of two at the same depth, Go takes no methods
	for field := range t.Fields() {
		if field.Anonymous && lendsProtobuf(field.Type) {
			lenders++
		}
	}
	return lenders == 1
}

func lendsProtobuf(t reflect.Type) bool {
	protobuf := reflect.TypeFor[message]()
	return t.Implements(protobuf) || reflect.PointerTo(t).Implements(protobuf)
}
