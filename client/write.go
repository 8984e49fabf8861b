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

// sent looks at an object that is to be written. obj is not changed by any verb, nor kept.
func (c *Client[T]) sent(verb string, obj *T) (verbs.Sent, error) {
	if c.err != nil {
		return verbs.Sent{}, c.err
	}
	if obj == nil {
		return verbs.Sent{}, &kind.MisuseError{Verb: verb, Resource: c.r.String(), Problem: "the object is nil"}
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

// written reads the answer to a write that succeeded.
func (c *Client[T]) written(o wire.Object, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	out := new(T)
	if err := decode(c.r, o, out); err != nil {
		return nil, fmt.Errorf("the write was carried out, but its answer cannot be read: %w", err)
	}
	return out, nil
}

// Create makes a new object and returns it as the server has it. obj has a name, or a generateName
// for the server to make one from. apierrors.IsAlreadyExists holds for the error if there is one of
// that name.
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

// Update replaces an object and returns it as the server has it. With a resourceVersion in obj it
// replaces only the object of that version, and apierrors.IsConflict holds for the error when it has
// changed since: read it again, and do the change again. Changes to the status are ignored where
// the type has a status subresource, as most have.
func (c *Client[T]) Update(ctx context.Context, obj *T, opts metav1.UpdateOptions) (*T, error) {
	return c.update(ctx, obj, &opts, nil)
}

// UpdateStatus is Update for the status alone: changes to anything else are ignored.
func (c *Client[T]) UpdateStatus(ctx context.Context, obj *T, opts metav1.UpdateOptions) (*T, error) {
	return c.update(ctx, obj, &opts, status)
}

var status = []string{"status"}

func (c *Client[T]) update(ctx context.Context, obj *T, opts *metav1.UpdateOptions, sub []string) (*T, error) {
	s, err := c.sent("update", obj)
	if err != nil {
		return nil, err
	}
	return c.written(c.r.Update(ctx, s, opts, sub))
}

// Patch changes an object by a patch of type pt: types.JSONPatchType, types.MergePatchType,
// types.StrategicMergePatchType (built-in types only) or types.ApplyPatchType, for which opts must
// say the FieldManager. Subresources direct it to one, such as "status"; it must be one whose
// answer is the object (that of "scale" is a Scale, and package rest is the way to it).
func (c *Client[T]) Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, subresources ...string) (*T, error) {
	if c.err != nil {
		return nil, c.err
	}
	if len(subresources) > 0 && subresources[0] == "scale" {
		return nil, &kind.MisuseError{Verb: "patch", Resource: c.r.String(), Name: name,
			Problem: "the scale subresource is no " + c.r.Kind.Kind + " but a Scale: use rest.Client.Patch, or patch spec.replicas"}
	}
	return c.written(c.r.Patch(ctx, name, pt, data, &opts, subresources))
}

// Apply makes the fields that obj says the caller's own, with the values it says, and creates the
// object if there is none (server-side apply,
// https://kubernetes.io/docs/reference/using-api/server-side-apply/). Fields that the same field
// manager has applied before and obj does not say any more are removed, if nobody else owns them;
// others' fields stay. opts must say the FieldManager. apierrors.IsConflict holds for the error when
// obj says another value for a field than the manager who owns it, unless opts.Force.
//
// So obj is made of nothing but what the caller wants to own; an object that was read owns it all.
// Of its fields these are not sent: empty ones tagged omitempty or omitzero, empty structs among
// them, which encoding/json would send (resources: {}, strategy: {}) though nobody meant them; nil
// pointers, lists and maps; the status; and the metadata that the server writes (managedFields,
// creationTimestamp and so on). A field that is not tagged so is sent even if it is zero: a type
// for Apply tags its optional fields. A pointer to an empty struct is sent (emptyDir: {}). A
// resourceVersion that is set is sent too, and the server then refuses if the object has changed.
func (c *Client[T]) Apply(ctx context.Context, obj *T, opts metav1.ApplyOptions) (*T, error) {
	return c.apply(ctx, obj, &opts, nil)
}

// ApplyStatus is Apply for the status alone: of obj, only its identity and its status are sent.
func (c *Client[T]) ApplyStatus(ctx context.Context, obj *T, opts metav1.ApplyOptions) (*T, error) {
	return c.apply(ctx, obj, &opts, status)
}

func (c *Client[T]) apply(ctx context.Context, obj *T, opts *metav1.ApplyOptions, sub []string) (*T, error) {
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

// applyBody is what is sent of an object.
func applyBody(obj any, r verbs.Resource, status bool) ([]byte, error) {
	data, err := sparse(obj)
	if err != nil {
		return nil, err
	}
	return verbs.TrimApply(data, r.Kind.APIVersion(), r.Kind.Kind, status)
}

// Delete deletes one object. Where it has finalizers or a grace period, the server only marks it,
// and deletes it when those are done.
func (c *Client[T]) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	if c.err != nil {
		return c.err
	}
	return c.r.Delete(ctx, name, opts)
}

// DeleteCollection deletes every object that list selects; with empty list options, every object in
// the namespace. For a namespaced type a namespace is needed: the API has no verb for all of them.
func (c *Client[T]) DeleteCollection(ctx context.Context, opts metav1.DeleteOptions, list metav1.ListOptions) error {
	if c.err != nil {
		return c.err
	}
	return c.r.DeleteCollection(ctx, opts, list)
}
