package client

import (
	"context"
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
	if err := decode(c.r, o, out); err != nil {
		return nil, fmt.Errorf("the write succeeded, but its answer cannot be read: %w", err)
	}
	return out, nil
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
func (c *Client[T]) Update(ctx context.Context, obj *T, opts metav1.UpdateOptions) (*T, error) {
	return c.update(ctx, obj, &opts, nil)
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
	return c.written(c.r.Update(ctx, s, opts, sub))
}

// Patch changes an object by a patch of type pt: types.JSONPatchType, types.MergePatchType,
// types.StrategicMergePatchType (built-in types only) or types.ApplyPatchType, for which opts need
// a FieldManager. subresources is the path of a subresource, such as "status", whose answer is the
// object. The answer of "scale" is a Scale: use package rest for it.
func (c *Client[T]) Patch(ctx context.Context, name string, pt types.PatchType, data []byte,
	opts metav1.PatchOptions, subresources ...string) (*T, error) {
	if c.err != nil {
		return nil, c.err
	}
	if len(subresources) > 0 && subresources[0] == "scale" {
		return nil, &kind.MisuseError{Verb: "patch", Resource: c.r.String(), Name: name,
			Problem: "the scale subresource is no " + c.r.Kind.Kind +
				" but a Scale: use rest.Client.Patch, or patch spec.replicas"}
	}
	return c.written(c.r.Patch(ctx, name, pt, data, &opts, subresources))
}

// Apply sets the fields of obj, makes the field manager their owner, and creates the object if
// there is none (server-side apply,
// https://kubernetes.io/docs/reference/using-api/server-side-apply/). A field that the field
// manager applied before and that obj does not have is removed, unless another manager owns it too.
// opts need a FieldManager. If obj has another value for a field than a manager who owns it,
// apierrors.IsConflict holds for the error, unless opts.Force is set.
//
// So obj has only the fields that the caller wants to own, and is not an object that was read.
// These fields are not sent:
//   - empty fields with the tag omitempty or omitzero, and empty structs with it, which
//     encoding/json would send (resources: {}, strategy: {});
//   - nil pointers, lists and maps;
//   - the status, and the metadata that the server writes (managedFields, creationTimestamp and so
//     on).
//
// A zero field without such a tag is sent, so a type for Apply tags its optional fields. A pointer
// to an empty struct is sent (emptyDir: {}). If obj has a resourceVersion and the object has
// changed since, the server refuses the request.
func (c *Client[T]) Apply(ctx context.Context, obj *T, opts metav1.ApplyOptions) (*T, error) {
	return c.apply(ctx, obj, &opts, nil)
}

// ApplyStatus is Apply for the status: it sends the identity and the status of obj only.
func (c *Client[T]) ApplyStatus(ctx context.Context, obj *T, opts metav1.ApplyOptions) (*T, error) {
	return c.apply(ctx, obj, &opts, status)
}

func (c *Client[T]) apply(ctx context.Context, obj *T, opts *metav1.ApplyOptions,
	sub []string) (*T, error) {
	s, err := c.sent("apply", obj)
	if err != nil {
		return nil, err
	}
	body, err := applyBody(obj, c.r, len(sub) > 0)
	if err != nil {
		return nil, fmt.Errorf("apply %s %q: %w", c.r, s.Name, err)
	}
	return c.written(c.r.Apply(ctx, s, body, opts, sub))
}

// applyBody returns the part of an object that Apply sends.
func applyBody(obj any, r verbs.Resource, status bool) ([]byte, error) {
	data, err := sparse(obj)
	if err != nil {
		return nil, err
	}
	return verbs.TrimApply(data, r.Kind.APIVersion(), r.Kind.Kind, status)
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
