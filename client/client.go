package client

import (
	"context"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Client reads and writes the objects of the Go type T. It is a small immutable value: safe for
// concurrent use, cheap to make, nothing to close.
type Client[T any] struct {
	r   verbs.Resource
	err error // why T cannot be used; every call returns it
}

// Of returns the client of T's objects, in all namespaces. T is the struct, not a pointer to it.
//
// Of itself does not fail. If the kind of T is not known, every call returns a
// [*kind.UnknownError]. If T is unstructured.Unstructured, which can hold an object of any kind,
// every call returns a [*kind.MisuseError]: package dynamic is the client for it.
func Of[T any, P kind.Object[T]](c *rest.Client, opts ...Option) *Client[T] {
	r, err := resourceOf(c, reflect.TypeFor[T](), P(new(T)), opts)
	return &Client[T]{r: r, err: err}
}

// resourceOf returns the resource of a type's objects; object is a pointer to one.
func resourceOf(c *rest.Client, t reflect.Type, object metav1.Object,
	opts []Option) (verbs.Resource, error) {
	var o options
	for _, option := range opts {
		option.option(&o)
	}
	if _, ok := object.(runtime.Unstructured); ok {
		return verbs.Resource{}, &kind.MisuseError{Verb: "use",
			Resource: fmt.Sprintf("client.Of[%v]", t),
			Problem: "the type can hold an object of any kind: use package dynamic, which takes " +
				"the resource"}
	}
	var k kind.Info
	if o.kind != nil {
		k = *o.kind
	} else {
		var err error
		if k, err = kind.OfType(t); err != nil {
			return verbs.Resource{}, fmt.Errorf("client.Of[%v]: %w", t, err)
		}
	}
	if _, ok := object.(typed); !ok {
		return verbs.Resource{}, fmt.Errorf("client.Of[%v]: the type has no apiVersion and kind: "+
			"embed metav1.TypeMeta as `json:\",inline\"`", t)
	}
	f := wire.JSON
	if k.Protobuf && wire.HasProtobuf(object) {
		f = wire.Protobuf
	}
	return verbs.Resource{Rest: c, Kind: k, Whole: true, Format: f,
		KeepManagedFields: o.keepManagedFields, Defaults: o.defaults}, nil
}

// typed is implemented by types that embed metav1.TypeMeta.
type typed interface{ GetObjectKind() schema.ObjectKind }

// In returns a client like c for one namespace; "" means all of them.
func (c *Client[T]) In(namespace string) *Client[T] {
	in := *c
	in.r.Namespace = namespace
	return &in
}

// Kind returns the kind of T. Its error is the one that every call returns.
func (c *Client[T]) Kind() (kind.Info, error) { return c.r.Kind, c.err }

// Namespace returns the namespace set by In; "" means all of them.
func (c *Client[T]) Namespace() string { return c.r.Namespace }

// Get returns the object of that name, which is the caller's own. If there is none,
// apierrors.IsNotFound holds for the error. subresources is the path of a subresource whose objects
// are of type T, such as "status" or "approval". [SubresourceOf] is for those of other types.
func (c *Client[T]) Get(ctx context.Context, name string, opts metav1.GetOptions,
	subresources ...string) (*T, error) {
	if c.err != nil {
		return nil, c.err
	}
	if err := ofOwnKind(c.r, "get", name, subresources); err != nil {
		return nil, err
	}
	o, err := c.r.Get(ctx, name, &opts, subresources)
	if err != nil {
		return nil, err
	}
	out := new(T)
	if err := decode(c.r, o, out); err != nil {
		return nil, err
	}
	return out, nil
}

// decode decodes an answer into a T.
func decode(r verbs.Resource, o wire.Object, into any) error {
	want := r.Answer()
	if o.Kind != want.Kind || o.APIVersion != want.GroupVersion().String() {
		return r.Rest.Redact(fmt.Errorf("%s: %w", r, &wire.KindError{
			APIVersion: o.APIVersion, Kind: o.Kind,
			WantAPIVersion: want.GroupVersion().String(), WantKind: want.Kind}))
	}
	if err := wire.Decode(o, into); err != nil {
		return r.Rest.Redact(fmt.Errorf("%s %q: %w", r, o.Meta.Key(), err))
	}
	return nil
}
