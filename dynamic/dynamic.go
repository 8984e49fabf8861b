package dynamic

import (
	"context"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Client makes clients of resources. It is safe for concurrent use.
type Client struct {
	rest              *rest.Client
	keepManagedFields bool
}

// An Option changes how a Client works. None is needed.
type Option func(*Client)

// KeepManagedFields makes List, All and Watch return metadata.managedFields. By default they leave
// it out.
func KeepManagedFields() Option { return func(c *Client) { c.keepManagedFields = true } }

// New returns the dynamic client of c's server.
func New(c *rest.Client, opts ...Option) *Client {
	out := &Client{rest: c}
	for _, option := range opts {
		option(out)
	}
	return out
}

// Resource reads and writes the objects of one resource. It is a small immutable value: safe for
// concurrent use, cheap to make, nothing to close.
type Resource struct{ r verbs.Resource }

// Resource returns the client of a resource, in all namespaces.
func (c *Client) Resource(gvr schema.GroupVersionResource) *Resource {
	k, whole := kind.ByGVR(gvr)
	if !whole {
		k = kind.Info{Group: gvr.Group, Version: gvr.Version, Resource: gvr.Resource}
	}
	return &Resource{verbs.Resource{
		Rest: c.rest, Kind: k, Whole: whole, Format: wire.JSON,
		KeepManagedFields: c.keepManagedFields,
	}}
}

// In returns a client like d for one namespace; "" means all of them, or none. It is the method
// that clients of package client have.
func (d *Resource) In(namespace string) *Resource {
	in := *d
	in.r.Namespace = namespace
	return &in
}

// Namespace is the same as In. It is the name that the method has in client-go's dynamic client.
func (d *Resource) Namespace(namespace string) *Resource { return d.In(namespace) }

// Get returns one object, or a subresource of it.
func (d *Resource) Get(ctx context.Context, name string, opts metav1.GetOptions,
	subresources ...string) (*unstructured.Unstructured, error) {
	return d.decoded(d.r.Get(ctx, name, &opts, subresources))
}

// decoded decodes an answer, unless err is set.
func (d *Resource) decoded(o wire.Object, err error) (*unstructured.Unstructured, error) {
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	if err := wire.Decode(o, u); err != nil {
		return nil, d.r.Rest.Redact(err)
	}
	return u, nil
}

// List returns the objects that opts select, each with its apiVersion and kind. opts.Limit is the
// largest number of objects returned: 0 and negative mean no limit. If there are more, the list's
// continue is the value for opts.Continue that returns the next ones.
func (d *Resource) List(ctx context.Context,
	opts metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{Object: map[string]any{}}
	meta, err := d.r.List(ctx, opts,
		func() { list.Items = []unstructured.Unstructured{} },
		func(o wire.Object) error {
			u, err := d.decoded(o, nil)
			if err == nil {
				list.Items = append(list.Items, *u)
			}
			return err
		})
	if err != nil {
		return nil, err
	}
	list.SetAPIVersion(meta.APIVersion)
	list.SetKind(meta.Kind)
	if meta.ResourceVersion != "" {
		list.SetResourceVersion(meta.ResourceVersion)
	}
	if meta.Continue != "" {
		list.SetContinue(meta.Continue)
	}
	list.SetRemainingItemCount(meta.RemainingItemCount)
	return list, nil
}

// All returns an iterator over every object that opts select. It lists the objects by pages. The
// page size is opts.Limit: 0 means 500, and negative means one page of all objects. An error ends
// the iteration and is yielded with a nil object. See All of package client, which does the same.
func (d *Resource) All(ctx context.Context,
	opts metav1.ListOptions) iter.Seq2[*unstructured.Unstructured, error] {
	return func(yield func(*unstructured.Unstructured, error) bool) {
		for o, err := range d.r.All(ctx, opts) {
			u, err := d.decoded(o, err)
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}
