package rest

import (
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// optionsOf returns the options for reading an answer into obj. They are strict as far as the type
// of the answer is known: by the Go type of obj, or by the group version of the request.
func (r Result) optionsOf(obj any) wire.Options {
	o := wire.Options{KeepManagedFields: true, MaxObjectBytes: -1}
	if _, ok := obj.(interface{ GetObjectKind() schema.ObjectKind }); !ok {
		return o // a type of the caller's own, such as a map
	}
	gvk := kindOf(reflect.TypeOf(obj))
	if gvk.Version == "" && r.call != nil && r.call.answersItsVersion(obj) {
		gvk.Group, gvk.Version = r.call.target.gv.Group, r.call.target.gv.Version
	}
	if gvk.Version != "" {
		o.Strict = true
		o.APIVersion, o.Kind = gvk.GroupVersion().String(), gvk.Kind
	}
	return o
}

// kindOf returns the kind that the objects of a Go type have, or none.
func kindOf(t reflect.Type) schema.GroupVersionKind {
	if k, err := kind.OfType(t); err == nil {
		return k.GVK()
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || !strings.HasSuffix(t.Name(), "List") {
		return schema.GroupVersionKind{}
	}
	items, ok := t.FieldByName("Items")
	if !ok || items.Type.Kind() != reflect.Slice {
		return schema.GroupVersionKind{}
	}
	k, err := kind.OfType(items.Type.Elem())
	if err != nil {
		return schema.GroupVersionKind{}
	}
	gvk := k.GVK()
	if gvk.Kind = k.ListKind(); gvk.Kind == "" { // a custom resource chooses it
		return schema.GroupVersionKind{Group: k.Group, Version: k.Version}
	}
	return gvk
}

// answersItsVersion reports whether the answer is of the request's group version. A subresource may
// be of another one, and so are the types of package metav1, which a request asks for by its Accept
// header.
func (c *call) answersItsVersion(obj any) bool {
	t := reflect.TypeOf(obj).Elem()
	sub := c.target.subresource
	return c.target.resource != "" && c.target.abs == "" && c.method != "DELETE" &&
		(len(sub) == 0 || len(sub) == 1 && sub[0] == "status") &&
		t.PkgPath() != reflect.TypeFor[metav1.Status]().PkgPath() &&
		!strings.Contains(c.header.Get("Accept"), ";as=")
}
