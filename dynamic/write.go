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

// sent checks an object to be written. No verb changes or keeps u.
func (d *Resource) sent(verb string, u *unstructured.Unstructured) (verbs.Sent, error) {
	if u == nil || u.Object == nil {
		return verbs.Sent{}, &kind.MisuseError{Verb: verb, Resource: d.r.String(),
			Problem: "the object is nil"}
	}
	return verbs.Sent{
		Value:        u,
		Namespace:    u.GetNamespace(),
		Name:         u.GetName(),
		GenerateName: u.GetGenerateName(),
		GVK:          u.GroupVersionKind(),
	}, nil
}

// Create creates an object and returns it as the server stores it. subresources is the path of a
// subresource of the object named as u: for an Eviction, "eviction". The answer to what the server
// keeps nothing of, such as an Eviction, is a Status of success.
func (d *Resource) Create(ctx context.Context, u *unstructured.Unstructured,
	opts metav1.CreateOptions, subresources ...string) (*unstructured.Unstructured, error) {
	s, err := d.sent("create", u)
	if err != nil {
		return nil, err
	}
	return d.decoded(d.r.Create(ctx, s, &opts, subresources))
}

// Update replaces an object, or a subresource of it: "status", or "scale", for which u is a Scale of
// the object's name. If u has a resourceVersion and the object has
// changed since, apierrors.IsConflict holds for the error. Custom resources cannot be updated
// without a resourceVersion.
func (d *Resource) Update(ctx context.Context, u *unstructured.Unstructured,
	opts metav1.UpdateOptions, subresources ...string) (*unstructured.Unstructured, error) {
	s, err := d.sent("update", u)
	if err != nil {
		return nil, err
	}
	return d.decoded(d.r.Update(ctx, s, &opts, subresources))
}

// UpdateStatus is Update for the status.
func (d *Resource) UpdateStatus(ctx context.Context, u *unstructured.Unstructured,
	opts metav1.UpdateOptions) (*unstructured.Unstructured, error) {
	return d.Update(ctx, u, opts, "status")
}

// Patch changes an object, or a subresource of it, by a patch of type pt. Custom resources do not
// support types.StrategicMergePatchType.
func (d *Resource) Patch(ctx context.Context, name string, pt types.PatchType, data []byte,
	opts metav1.PatchOptions, subresources ...string) (*unstructured.Unstructured, error) {
	return d.decoded(d.r.Patch(ctx, name, pt, data, &opts, subresources))
}

// Apply sets the fields of u, makes the field manager their owner, and creates the object if there
// is none (server-side apply). opts need a FieldManager.
//
// Every field of u is sent, empty ones too, except the metadata that the server writes
// (managedFields, creationTimestamp and so on). A server ignores the status of a resource that has a
// status subresource: ApplyStatus applies it. Of the subresource "status" the identity and the status
// are sent.
func (d *Resource) Apply(ctx context.Context, u *unstructured.Unstructured,
	opts metav1.ApplyOptions, subresources ...string) (*unstructured.Unstructured, error) {
	return d.apply(ctx, u, &opts, subresources)
}

// ApplyStatus is Apply for the status: it sends the identity and the status of u only.
func (d *Resource) ApplyStatus(ctx context.Context, u *unstructured.Unstructured,
	opts metav1.ApplyOptions) (*unstructured.Unstructured, error) {
	return d.apply(ctx, u, &opts, []string{"status"})
}

func (d *Resource) apply(ctx context.Context, u *unstructured.Unstructured,
	opts *metav1.ApplyOptions, sub []string) (*unstructured.Unstructured, error) {
	s, err := d.sent("apply", u)
	if err != nil {
		return nil, err
	}
	data, err := u.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("apply %s %q: %w", d.r, s.Name, err)
	}
	part := verbs.Whole
	if len(sub) == 1 && sub[0] == "status" {
		part = verbs.StatusOnly
	}
	body, err := verbs.TrimApply(data, s.GVK.GroupVersion().String(), s.GVK.Kind, part)
	if err != nil {
		return nil, fmt.Errorf("apply %s %q: %w", d.r, s.Name, err)
	}
	return d.decoded(d.r.Apply(ctx, s, body, opts, sub))
}

// Delete deletes one object. If the object has finalizers or a grace period, the server sets its
// deletionTimestamp, and deletes it when those have ended.
func (d *Resource) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	return d.r.Delete(ctx, name, opts)
}

// DeleteCollection deletes every object that list selects; empty list options select every object
// in the namespace.
func (d *Resource) DeleteCollection(ctx context.Context, opts metav1.DeleteOptions,
	list metav1.ListOptions) error {
	return d.r.DeleteCollection(ctx, opts, list)
}
