package dynamic

import (
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

// To makes a typed object of an unstructured one. The two share no memory. Fields that T does not
// have are dropped.
//
// Where the kind of T is known and u says another one, that is an error: an apps/v1 Deployment does
// not become an apps/v1beta1 Deployment by reading it as one. If u says none, the object gets T's.
func To[T any](u *unstructured.Unstructured) (*T, error) {
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
		return fmt.Errorf("the object is %s %s, and the type %s", u.GetAPIVersion(), u.GetKind(), k)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, out); err != nil {
		return err
	}
	if t, ok := out.(typed); ok && known {
		t.GetObjectKind().SetGroupVersionKind(k.GVK())
	}
	return nil
}

// typed is what embeds metav1.TypeMeta.
type typed interface{ GetObjectKind() schema.ObjectKind }

// From makes an unstructured object of a typed one, a pointer to a struct. The two share no memory.
// The result says its apiVersion and kind: those of obj, or if it says none those of its type, which
// must then be known to package kind.
//
// What encoding/json writes of an empty struct is in the result, such as status: {}.
func From(obj any) (*unstructured.Unstructured, error) {
	v := reflect.ValueOf(obj)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("dynamic.From: it takes a pointer to a struct, and this is a %T", obj)
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
			return nil, fmt.Errorf("dynamic.From: the object does not say its apiVersion and kind, and %w", err)
		}
		u.SetGroupVersionKind(k.GVK())
	}
	return u, nil
}
