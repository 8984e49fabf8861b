package wire

import (
	"errors"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/skiff-k8s/skiff/wire/internal/message"
)

// Decode decodes an object into the value that into points to: an API type such as corev1.Pod, or
// any type that encoding/json decodes into. The value is reset first, and is its zero value after
// an error. If it has a TypeMeta, that is set to the object's APIVersion and Kind, for protobuf
// too. The result shares no memory with the object.
//
// JSON is decoded as API servers do it: field names are case-sensitive, and numbers without a
// fraction in untyped values become int64. An unstructured.Unstructured can be decoded from JSON
// only, and so can a type for which [HasProtobuf] returns false: decoding protobuf into one is an
// error.
func Decode(o Object, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("decode %s: %T is no pointer to decode into", o.about(), into)
	}
	v.Elem().SetZero()
	var err error
	switch o.Format {
	case JSON:
		err = decodeJSON(o, into)
	case Protobuf:
		err = decodeProtobuf(o, into)
	default:
		err = fmt.Errorf("%v is no format", o.Format)
	}
	if err != nil {
		v.Elem().SetZero()
		return fmt.Errorf("decode %s into %T: %w", o.about(), into, err)
	}
	if typed, ok := into.(interface{ GetObjectKind() schema.ObjectKind }); ok && o.Kind != "" {
		typed.GetObjectKind().SetGroupVersionKind(schema.FromAPIVersionAndKind(o.APIVersion,
			o.Kind))
	}
	return nil
}

func decodeJSON(o Object, into any) error {
	data := o.Data
	if _, ok := into.(runtime.Unstructured); ok {
		// Its decoder refuses an object without a kind.
		var err error
		if data, err = withType(data, o.APIVersion, o.Kind); err != nil {
			return err
		}
	}
	return kjson.UnmarshalCaseSensitivePreserveInts(data, into)
}

func decodeProtobuf(o Object, into any) error {
	if _, ok := into.(runtime.Unstructured); ok {
		return errors.New(
			"only JSON can be decoded without knowing the type: ask the server for wire.JSON")
	}
	m, ok := into.(message.Message)
	if !ok || !HasProtobuf(into) {
		return errNoProtobuf
	}
	return m.Unmarshal(o.Data)
}

// about returns the object's kind and key, for errors.
func (o Object) about() string {
	kind := o.Kind
	if kind == "" {
		kind = "object"
	}
	if o.Meta.Name == "" {
		return kind
	}
	return kind + " " + o.Meta.Key()
}
