package client

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// sent checks an object to be written. No verb changes or keeps obj.
func (c *Client[T]) sent(verb string, obj *T) (verbs.Sent, error) {
	if c.err != nil {
		return verbs.Sent{}, c.err
	}
	if obj == nil {
		return verbs.Sent{}, &kind.MisuseError{Verb: verb, Resource: c.r.String(),
			Problem: "the object is nil"}
	}
	if c.r.As != "" {
		return verbs.Sent{}, &kind.MisuseError{Verb: verb, Resource: c.r.String(),
			Problem: "the client has the objects' metadata only: use Patch"}
	}
	return sentOf(obj), nil
}

func sentOf(obj any) verbs.Sent {
	meta := obj.(metav1.Object) // Of has seen to both
	return verbs.Sent{
		Value:        obj,
		Namespace:    meta.GetNamespace(),
		Name:         meta.GetName(),
		GenerateName: meta.GetGenerateName(),
		GVK:          obj.(typed).GetObjectKind().GroupVersionKind(),
	}
}

// written decodes the answer to a write that succeeded.
func (c *Client[T]) written(o wire.Object, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	out := new(T)
	if err := decodeWritten(c.r, o, out); err != nil {
		return nil, err
	}
	return out, nil
}

// decodeWritten decodes the answer to a write into a T.
func decodeWritten(r verbs.Resource, o wire.Object, into any) error {
	err := decode(r, o, into)
	var other *wire.KindError
	if errors.As(err, &other) {
		return fmt.Errorf("%w; the server may have carried out the write", err)
	}
	if err != nil {
		return fmt.Errorf("the write succeeded, but its answer cannot be read: %w", err)
	}
	return nil
}

// Create creates an object and returns it as the server stores it. obj has a name, or a
// generateName that the server makes a name from. If there is an object of that name,
// apierrors.IsAlreadyExists holds for the error.
func (c *Client[T]) Create(ctx context.Context, obj *T, opts metav1.CreateOptions) (*T, error) {
	s, err := c.sent("create", obj)
	if err != nil {
		return nil, err
	}
	o, err := c.r.Create(ctx, s, &opts, nil)
	if err == nil && o.Kind == "Status" { // of a Binding, which the server keeps nothing of
		out := *obj
		return &out, nil
	}
	return c.written(o, err)
}

// Update replaces an object and returns it as the server stores it. If obj has a resourceVersion
// and the object has changed since, apierrors.IsConflict holds for the error: read the object
// again, and make the change again. If the type has a status subresource, as most have, changes to
// the status are ignored.
//
// subresources is the path of a subresource whose objects are of type T: "status", "approval" of a
// CertificateSigningRequest, "resize" and "ephemeralcontainers" of a Pod, "finalize" of a Namespace.
// Changes to fields that do not belong to it are ignored. [SubresourceOf] is for those of other
// types.
func (c *Client[T]) Update(ctx context.Context, obj *T, opts metav1.UpdateOptions,
	subresources ...string) (*T, error) {
	return c.update(ctx, obj, &opts, subresources)
}

// UpdateStatus is Update for the status: changes to other fields are ignored.
func (c *Client[T]) UpdateStatus(ctx context.Context, obj *T,
	opts metav1.UpdateOptions) (*T, error) {
	return c.update(ctx, obj, &opts, status)
}

var status = []string{"status"}

func (c *Client[T]) update(ctx context.Context, obj *T, opts *metav1.UpdateOptions,
	sub []string) (*T, error) {
	s, err := c.sent("update", obj)
	if err != nil {
		return nil, err
	}
	if err := ofOwnKind(c.r, "update", s.Name, sub); err != nil {
		return nil, err
	}
	return c.written(c.r.Update(ctx, s, opts, sub))
}

// Patch changes an object by a patch of type pt: types.JSONPatchType, types.MergePatchType,
// types.StrategicMergePatchType (built-in types only) or types.ApplyPatchType, for which opts need
// a FieldManager. subresources is the path of a subresource whose objects are of type T, as in
// [Client.Update].
func (c *Client[T]) Patch(ctx context.Context, name string, pt types.PatchType, data []byte,
	opts metav1.PatchOptions, subresources ...string) (*T, error) {
	if c.err != nil {
		return nil, c.err
	}
	if err := ofOwnKind(c.r, "patch", name, subresources); err != nil {
		return nil, err
	}
	return c.written(c.r.Patch(ctx, name, pt, data, &opts, subresources))
}

// Delete deletes one object. If the object has finalizers or a grace period, the server sets its
// deletionTimestamp, and deletes it when those have ended.
func (c *Client[T]) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	if c.err != nil {
		return c.err
	}
	return c.r.Delete(ctx, name, opts)
}

// DeleteCollection deletes every object that list selects; empty list options select every object
// in the namespace. A namespaced type needs a namespace: the API cannot delete across all of them.
func (c *Client[T]) DeleteCollection(ctx context.Context, opts metav1.DeleteOptions,
	list metav1.ListOptions) error {
	if c.err != nil {
		return c.err
	}
	return c.r.DeleteCollection(ctx, opts, list)
}
