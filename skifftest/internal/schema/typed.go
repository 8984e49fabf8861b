package schema

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
)

// IsBuiltin reports whether a kind has a Go type in k8s.io/api.
func IsBuiltin(gvk apischema.GroupVersionKind) bool { return Scheme().Recognizes(gvk) }

// New returns an empty object of a built-in kind's Go type.
func New(gvk apischema.GroupVersionKind) (runtime.Object, error) { return Scheme().New(gvk) }

// Decode returns the JSON object in data as its built-in kind's Go type has it: fields that the type
// has not are left out, and named in unknown, as are those that data has twice.
func Decode(gvk apischema.GroupVersionKind, data []byte) (object map[string]any, unknown []error, err error) {
	into, err := New(gvk)
	if err != nil {
		return nil, nil, err
	}
	if unknown, err = kjson.UnmarshalStrict(data, into); err != nil {
		return nil, nil, err
	}
	object, err = content(gvk, into)
	return object, unknown, err
}

// Convert returns object as Decode does.
func Convert(gvk apischema.GroupVersionKind, object map[string]any) (_ map[string]any, unknown []error, err error) {
	into, err := New(gvk)
	if err != nil {
		return nil, nil, err
	}
	err = runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, into, true)
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		unknown = strict.Errors()
	} else if err != nil {
		return nil, nil, err
	}
	converted, err := content(gvk, into)
	return converted, unknown, err
}

// Encode returns object as JSON, its fields in the order of the built-in kind's Go type.
func Encode(gvk apischema.GroupVersionKind, object map[string]any) ([]byte, error) {
	into, err := New(gvk)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, into); err != nil {
		return nil, err
	}
	into.GetObjectKind().SetGroupVersionKind(gvk)
	return json.Marshal(into)
}

// content returns the fields of an object of a Go type, which has to be of the kind.
func content(gvk apischema.GroupVersionKind, typed runtime.Object) (map[string]any, error) {
	has := typed.GetObjectKind().GroupVersionKind()
	if !has.Empty() && has != gvk {
		return nil, fmt.Errorf("the object is of kind %s, and not %s", has, gvk)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return nil, err
	}
	object["apiVersion"], object["kind"] = gvk.GroupVersion().String(), gvk.Kind
	// An empty list asks to forget the owners of all fields. As JSON it would be left out.
	if m, err := meta.Accessor(typed); err == nil && m.GetManagedFields() != nil && len(m.GetManagedFields()) == 0 {
		if metadata := at(object, "metadata"); metadata != nil {
			metadata["managedFields"] = []any{}
		}
	}
	return object, nil
}
