package wire

import (
	"errors"
	"fmt"
	"iter"

	"github.com/skiff-k8s/skiff/wire/fieldpath"
	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

var errKeepUntyped = errors.New("the fields were made without a type that has a protobuf form: " +
	"ask the server for wire.JSON, or make them for the object's type")

// Keep returns o with only the given fields in its Data, so that decoding it costs no more than
// decoding them. The objects and lists around them stay: a list keeps its length, and an element
// without the fields is empty. JSON also keeps apiVersion and kind. Meta is the complete Meta of o.
//
// Data is written to into[:0], or to new memory if that has no room. It shares no memory with
// o.Data. If o.Data is malformed, the error is a [SyntaxError]. It is also an error if the fields
// are those of another type, or if o is protobuf and they are of no type with a protobuf form.
func (o Object) Keep(fields *fieldpath.Set, into []byte) (Object, error) {
	var data []byte
	var err error
	switch {
	case o.Format == JSON:
		data, err = fields.Names().Keep(into[:0], o.Data, "apiVersion", "kind")
	case o.Format != Protobuf:
		return Object{}, fmt.Errorf("keep fields of %s: %v is no format", o.about(), o.Format)
	case !isOf(fields.TypeName(), o.Kind):
		return Object{}, fmt.Errorf("keep fields of %s: they are fields of a %s", o.about(),
			fields.TypeName())
	case fields.Numbers() == nil:
		return Object{}, fmt.Errorf("keep fields of %s: %w", o.about(), errKeepUntyped)
	default:
		data, err = fields.Numbers().Keep(into[:0], o.Data)
	}
	if fault, ok := err.(*scan.Fault); ok {
		return Object{}, explain(fault, o.Format, o.about())
	}
	o.Data = data
	return o, nil
}

// Values returns an iterator over the values of the given fields, as JSON text: strings without
// their quotes, numbers, true and false. They are in the order of o. A field that is null, a list,
// an object or absent has no value; use [*] to choose the elements of a list. A field that JSON
// leaves out because it is empty has no value in protobuf either.
//
// The strings are copies. If o.Data is malformed, or if o is protobuf and of another type, some
// values may be missing.
func (o Object) Values(fields *fieldpath.Set) iter.Seq[string] {
	return func(yield func(string) bool) {
		// What an object says of its type may be left to the list that it stands in.
		names := fields.Names()
		if names.Member([]byte("apiVersion")).Whole() && o.APIVersion != "" &&
			!yield(o.APIVersion) {
			return
		}
		if names.Member([]byte("kind")).Whole() && o.Kind != "" && !yield(o.Kind) {
			return
		}
		switch {
		case o.Format == JSON:
			names.Values(o.Data, yield, "apiVersion", "kind")
		case o.Format == Protobuf && isOf(fields.TypeName(), o.Kind):
			fields.Numbers().Values(o.Data, yield)
		}
	}
}
