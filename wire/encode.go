package wire

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/wire/internal/message"
	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// Encode returns an object as the body of a request. obj is a pointer to an API type. It is not
// changed.
//
// The body contains the object's type: the apiVersion and kind of obj's TypeMeta, or else the
// arguments. In protobuf the type is in the envelope. In JSON it precedes the fields of obj,
// because Go values of built-in types mostly have an empty TypeMeta.
//
// Encoding a type to protobuf for which [HasProtobuf] returns false is an error.
func Encode(obj any, f Format, apiVersion, kind string) ([]byte, error) {
	if v := reflect.ValueOf(obj); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("encode %T: there is no object", obj)
	}
	var body []byte
	var err error
	switch f {
	case JSON:
		body, err = encodeJSON(obj, apiVersion, kind)
	case Protobuf:
		body, err = encodeProtobuf(obj, apiVersion, kind)
	default:
		err = fmt.Errorf("%v is no format", f)
	}
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", obj, err)
	}
	return body, nil
}

func encodeJSON(obj any, apiVersion, kind string) ([]byte, error) {
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	return withType(data, apiVersion, kind)
}

// encodeProtobuf returns the envelope with the message in it, in one allocation.
func encodeProtobuf(obj any, apiVersion, kind string) ([]byte, error) {
	m, ok := obj.(message.Message)
	if !ok || !HasProtobuf(obj) {
		return nil, errNoProtobuf
	}
	if typed, ok := obj.(interface{ GetObjectKind() schema.ObjectKind }); ok {
		ownAPIVersion, ownKind := typed.GetObjectKind().GroupVersionKind().ToAPIVersionAndKind()
		apiVersion, kind = cmp.Or(ownAPIVersion, apiVersion), cmp.Or(ownKind, kind)
	}
	typeMeta := appendField(nil, typeMetaAPIVersion, apiVersion)
	typeMeta = appendField(typeMeta, typeMetaKind, kind)

	size := m.Size()
	body := make([]byte, 0, len(envelopeMagic)+2*(1+scan.MaxVarintLen)+len(typeMeta)+size)
	body = append(body, envelopeMagic...)
	body = appendField(body, unknownTypeMeta, string(typeMeta))
	body = append(body, unknownRaw<<3|scan.Bytes)
	body = binary.AppendUvarint(body, uint64(size))
	n, err := m.MarshalToSizedBuffer(body[len(body) : len(body)+size])
	if err != nil {
		return nil, err
	}
	if n != size {
		return nil, fmt.Errorf("the object was changed while it was written: %d bytes became %d",
			size, n)
	}
	return body[:len(body)+size], nil
}

// appendField appends a field with a number below 16 and the wire type for bytes.
func appendField(b []byte, num byte, value string) []byte {
	b = append(b, num<<3|scan.Bytes)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}
