package owners

import (
	"errors"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// converter is what a field manager needs to know of objects. It treats all versions of a kind
// alike: a conversion changes the apiVersion only.
type converter struct{ set *schema.Set }

// ConvertToVersion returns the object in the version that target asks for. The two share content.
func (c converter) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	u, ok := in.(*unstructured.Unstructured)
	if !ok {
		return nil, errors.New("the object is not unstructured")
	}
	gvk := u.GroupVersionKind()
	to, ok := target.KindForGroupVersionKinds([]apischema.GroupVersionKind{gvk})
	if !ok {
		return nil, runtime.NewNotRegisteredGVKErrForTarget("skifftest", gvk, target)
	}
	if to == gvk {
		return in, nil
	}
	if _, err := c.set.Type(to); err != nil {
		return nil, err
	}
	object := maps.Clone(u.Object)
	object["apiVersion"] = to.GroupVersion().String()
	return &unstructured.Unstructured{Object: object}, nil
}

// Convert and ConvertFieldLabel complete runtime.ObjectConvertor. Field managers do not call them.
func (c converter) Convert(in, out, context any) error { return errors.ErrUnsupported }

// ConvertFieldLabel is not called.
func (c converter) ConvertFieldLabel(apischema.GroupVersionKind, string, string) (string, string, error) {
	return "", "", errors.ErrUnsupported
}

// Default sets the defaults of a custom kind's schema.
func (c converter) Default(in runtime.Object) {
	u, ok := in.(*unstructured.Unstructured)
	if !ok {
		return
	}
	if custom, ok := c.set.Custom(u.GroupVersionKind()); ok {
		custom.Default(u.Object)
	}
}

// New returns an empty object.
func (c converter) New(gvk apischema.GroupVersionKind) (runtime.Object, error) {
	return empty(gvk), nil
}
