package addingress

import (
	"context"
	"encoding/json"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
)

// neverVersion is a resourceVersion that no object has: the revision of an empty
// etcd. Each write makes a higher one.
const neverVersion = "1"

// A writer creates, repairs and deletes Ingresses. Each request carries the state
// that it was decided on as a precondition. If that state has changed, the API server
// refuses the request with a conflict, and the key is tried again with the newer state.
//
// Creating and repairing are the same request, a server-side apply. So addingress has
// one entry in managedFields, and a field that it does not set any more is removed. A
// POST would leave an entry of its own, which keeps the field.
//
// It returns the Ingress as the API server has stored it. An admission policy may have changed it.
type writer struct {
	ingresses *client.Client[networkingv1.Ingress]
	manager   string
}

// create creates an Ingress where the cache has none. A plain apply would take over
// an Ingress that somebody created in the meantime. This one carries a resourceVersion
// that no object has, so the API server refuses it if there is an object.
func (w writer) create(ctx context.Context, want *networkingv1.Ingress) (
	stored *networkingv1.Ingress, err error) {
	ing := *want
	ing.ResourceVersion = neverVersion
	if stored, err = w.apply(ctx, &ing, false); err != nil {
		return nil, fmt.Errorf("create Ingress %s/%s: %w", want.Namespace, want.Name, err)
	}
	return stored, nil
}

// repair sets the fields of want on an Ingress that the Service owns, also those that
// somebody else has set since. The API server refuses the request if the Ingress has
// changed (resourceVersion) or is gone (UID: without it the apply would create one).
func (w writer) repair(ctx context.Context, have *networkingv1.Ingress,
	want *networkingv1.Ingress) (stored *networkingv1.Ingress, err error) {
	ing := *want
	ing.UID = have.UID
	ing.ResourceVersion = have.ResourceVersion
	if stored, err = w.apply(ctx, &ing, true); err != nil {
		return nil, fmt.Errorf("repair Ingress %s/%s: %w", have.Namespace, have.Name, err)
	}
	return stored, nil
}

func (w writer) apply(ctx context.Context, ing *networkingv1.Ingress, force bool) (
	*networkingv1.Ingress, error) {
	return w.ingresses.In(ing.Namespace).Apply(ctx, ing,
		metav1.ApplyOptions{FieldManager: w.manager, Force: force})
}

// takeOver makes this instance the owner of the fields that other instances have applied to an
// Ingress, if the Ingress is still as have says. It returns have, with the version that it has
// after that.
func (w writer) takeOver(ctx context.Context, have *networkingv1.Ingress) (
	*networkingv1.Ingress, error) {
	ingresses := w.ingresses.In(have.Namespace)
	fail := func(err error) (*networkingv1.Ingress, error) {
		return nil, fmt.Errorf("take over the fields of Ingress %s/%s: %w", have.Namespace, have.Name,
			err)
	}
	now, err := ingresses.Get(ctx, have.Name, metav1.GetOptions{})
	if err != nil {
		return fail(err)
	}
	entries, moved, err := adopt(now.ManagedFields, w.manager)
	if err != nil {
		return fail(err)
	}
	if !moved || now.UID != have.UID || now.ResourceVersion != have.ResourceVersion {
		return have, nil // a newer version is refused by the write that follows
	}
	// A resourceVersion that is replaced by itself makes the patch depend on it; the operation
	// "test" would do so too, but be refused as invalid and not as a conflict.
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/resourceVersion", "value": have.ResourceVersion},
		{"op": "replace", "path": "/metadata/managedFields", "value": entries},
	})
	if err != nil {
		return fail(err)
	}
	taken, err := ingresses.Patch(ctx, have.Name, types.JSONPatchType, patch,
		metav1.PatchOptions{FieldManager: w.manager})
	if err != nil {
		return fail(err)
	}
	after := *have
	after.ResourceVersion = taken.ResourceVersion
	return &after, nil
}

// delete deletes an Ingress that the Service owns, if it is unchanged since the cache
// showed it. The UID as the only precondition would not do: the owner may have changed.
func (w writer) delete(ctx context.Context, have informer.Item[networkingv1.Ingress]) error {
	uid, version := types.UID(have.UID()), have.ResourceVersion()
	err := w.ingresses.In(have.Namespace()).Delete(ctx, have.Name(), metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &version},
	})
	if err != nil {
		return fmt.Errorf("delete Ingress %s: %w", have.Key(), err)
	}
	return nil
}
