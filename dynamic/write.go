package dynamic

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
)

// sent looks at an object that is to be written. It is not changed by any verb, nor kept.
func (d *Resource) sent(verb string, u *unstructured.Unstructured) (verbs.Sent, error) {
	if u == nil || u.Object == nil {
		return verbs.Sent{}, &kind.MisuseError{Verb: verb, Resource: d.r.String(), Problem: "the object is nil"}
	}
	return verbs.Sent{
		Value:        u,
		Namespace:    u.GetNamespace(),
		Name:         u.GetName(),
		GenerateName: u.GetGenerateName(),
		GVK:          u.GroupVersionKind(),
	}, nil
}

// Create makes a new object and returns it as the server has it. With subresources it creates one of
// those, below the object of u's name: an Eviction at "eviction".
func (d *Resource) Create(ctx context.Context, u *unstructured.Unstructured, opts metav1.CreateOptions, subresources ...string) (*unstructured.Unstructured, error) {
	s, err := d.sent("create", u)
	if err != nil {
		return nil, err
	}
	return decoded(d.r.Create(ctx, s, &opts, subresources))
}

// Update replaces an object, or a subresource of it. With a resourceVersion in u it replaces only the
// object of that version, and apierrors.IsConflict holds for the error when it has changed since.
// Custom resources cannot be updated without one.
func (d *Resource) Update(ctx context.Context, u *unstructured.Unstructured, opts metav1.UpdateOptions, subresources ...string) (*unstructured.Unstructured, error) {
	s, err := d.sent("update", u)
	if err != nil {
		return nil, err
	}
	return decoded(d.r.Update(ctx, s, &opts, subresources))
}

// UpdateStatus is Update for the status alone.
func (d *Resource) UpdateStatus(ctx context.Context, u *unstructured.Unstructured, opts metav1.UpdateOptions) (*unstructured.Unstructured, error) {
	return d.Update(ctx, u, opts, "status")
}

// Patch changes an object, or a subresource of it, by a patch of type pt. Custom resources know no
// types.StrategicMergePatchType.
func (d *Resource) Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, subresources ...string) (*unstructured.Unstructured, error) {
	return decoded(d.r.Patch(ctx, name, pt, data, &opts, subresources))
}

// Apply makes the fields that u says the caller's own, with the values it says, and creates the
// object if there is none (server-side apply). opts must say the FieldManager.
//
// All of u is sent, empty fields too, but for its status and the metadata that the server writes
// (managedFields, creationTimestamp and so on).
func (d *Resource) Apply(ctx context.Context, u *unstructured.Unstructured, opts metav1.ApplyOptions) (*unstructured.Unstructured, error) {
	return d.apply(ctx, u, &opts, nil)
}

// ApplyStatus is Apply for the status alone: of u, only its identity and its status are sent.
func (d *Resource) ApplyStatus(ctx context.Context, u *unstructured.Unstructured, opts metav1.ApplyOptions) (*unstructured.Unstructured, error) {
	return d.apply(ctx, u, &opts, []string{"status"})
}

func (d *Resource) apply(ctx context.Context, u *unstructured.Unstructured, opts *metav1.ApplyOptions, sub []string) (*unstructured.Unstructured, error) {
	s, err := d.sent("apply", u)
	if err != nil {
		return nil, err
	}
	data, err := u.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("apply %s %q: %w", d.r, s.Name, err)
	}
	body, err := verbs.TrimApply(data, s.GVK.GroupVersion().String(), s.GVK.Kind, len(sub) > 0)
	if err != nil {
		return nil, fmt.Errorf("apply %s %q: %w", d.r, s.Name, err)
	}
	return decoded(d.r.Apply(ctx, s, body, opts, sub))
}

// Delete deletes one object. Where it has finalizers or a grace period, the server only marks it,
// and deletes it when those are done.
func (d *Resource) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	return d.r.Delete(ctx, name, opts)
}

// DeleteCollection deletes every object that list selects; with empty list options, every object in
// the namespace.
func (d *Resource) DeleteCollection(ctx context.Context, opts metav1.DeleteOptions, list metav1.ListOptions) error {
	return d.r.DeleteCollection(ctx, opts, list)
}
