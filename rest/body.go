package rest

import (
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/wire"
)

// encode sets the body of c to the bytes of the request's, and returns their content type. Only
// Body refers to it, so that a program that sends no body, such as one of informers, does not link
// the encoders of all API types: half a megabyte.
func encode(r *Request, c *call) (string, error) {
	if data, ok := r.body.([]byte); ok {
		c.body = data
		switch {
		case r.patch != "":
			return string(r.patch), nil
		case r.format != 0:
			return r.format.ContentType(), nil
		}
		return wire.JSON.ContentType(), nil
	}
	gvk, err := r.bodyKind()
	if err != nil {
		return "", err
	}
	f, contentType := wire.JSON, string(r.patch) // every patch of an object is JSON
	if r.patch == "" {
		if c.format == wire.Protobuf && wire.HasProtobuf(r.body) {
			f = wire.Protobuf
		}
		contentType = f.ContentType()
	}
	c.body, err = wire.Encode(r.body, f, gvk.GroupVersion().String(), gvk.Kind)
	if err != nil {
		return "", fmt.Errorf("encode the body %T: %w", r.body, err)
	}
	return contentType, nil
}

// bodyKind returns the kind of the body: that of its TypeMeta, that of Request.Kind, or that of its
// Go type.
func (r *Request) bodyKind() (schema.GroupVersionKind, error) {
	object, ok := r.body.(interface{ GetObjectKind() schema.ObjectKind })
	if !ok {
		return schema.GroupVersionKind{}, fmt.Errorf(
			"the body %T is neither []byte nor an API object", r.body)
	}
	if gvk := object.GetObjectKind().GroupVersionKind(); gvk.Kind != "" && gvk.Version != "" {
		return gvk, nil
	}
	if r.kind.Kind != "" && r.kind.Version != "" {
		return r.kind, nil
	}
	t := reflect.TypeOf(r.body).Elem()
	if t.PkgPath() == reflect.TypeFor[metav1.DeleteOptions]().PkgPath() {
		return metav1.SchemeGroupVersion.WithKind(t.Name()), nil
	}
	sub := r.target.subresource
	if r.target.abs == "" && (len(sub) == 0 || len(sub) == 1 && sub[0] == "status") && !generic(t) {
		return r.target.gv.WithKind(t.Name()), nil
	}
	return schema.GroupVersionKind{}, fmt.Errorf(
		"the body %T has no apiVersion and kind: set its TypeMeta or call Kind", r.body)
}

// generic reports whether the name of a type is not the name of a kind.
func generic(t reflect.Type) bool {
	return t.Kind() != reflect.Struct || strings.ContainsAny(t.Name(), "[") ||
		strings.HasSuffix(t.PkgPath(), "/unstructured")
}
