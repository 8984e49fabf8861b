package dynamic

import (
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

// To converts an unstructured object to a typed one, and leaves out the fields that T does not
// have. T is a struct with an object's metadata; P is inferred. The two share no memory.
//
// If the kind of T is known and u has another one, To returns an error: it does not convert between
// versions. If u has no kind, the result has the kind of T.
func To[T any, P kind.Object[T]](u *unstructured.Unstructured) (*T, error) {
	if u == nil {
		return nil, fmt.Errorf("dynamic.To[%v]: the object is nil", reflect.TypeFor[T]())
	}
	out := new(T)
	if err := to(u, out); err != nil {
		return nil, fmt.Errorf("dynamic.To[%v]: %w", reflect.TypeFor[T](), err)
	}
	return out, nil
}

func to(u *unstructured.Unstructured, out any) error {
	k, err := kind.OfType(reflect.TypeOf(out))
	known := err == nil
	said := u.GroupVersionKind()
	if known && said != (schema.GroupVersionKind{}) && said != k.GVK() {
		return fmt.Errorf("the object is %s %s, and the type is %s", u.GetAPIVersion(), u.GetKind(),
			k)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, out); err != nil {
		return err
	}
	if t, ok := out.(typed); ok && known {
		t.GetObjectKind().SetGroupVersionKind(k.GVK())
	}
	return nil
}

// typed is implemented by types that embed metav1.TypeMeta.
type typed interface{ GetObjectKind() schema.ObjectKind }

// From converts a typed object, a pointer to a struct, to an unstructured one. The two share no
// memory. The result has the apiVersion and kind of obj. If obj has none, it has those of its type,
// which is then built in or registered with package kind.
//
// As with encoding/json, the result has empty structs, such as status: {}.
func From(obj any) (*unstructured.Unstructured, error) {
	v := reflect.ValueOf(obj)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("dynamic.From: want a pointer to a struct, got %T", obj)
	}
	if u, ok := obj.(*unstructured.Unstructured); ok {
		return u.DeepCopy(), nil
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("dynamic.From: %T: %w", obj, err)
	}
	u := &unstructured.Unstructured{Object: object}
	if u.GetAPIVersion() == "" || u.GetKind() == "" {
		k, err := kind.OfType(v.Type())
		if err != nil {
			return nil, fmt.Errorf("dynamic.From: the object has no apiVersion and kind, and %w",
				err)
		}
		u.SetGroupVersionKind(k.GVK())
	}
	return u, nil
}
