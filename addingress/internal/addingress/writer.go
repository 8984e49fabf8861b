package addingress

import (
	"context"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
)

// fieldManager is the name of addingress in managedFields.
const fieldManager = "addingress"

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
type writer struct {
	ingresses *client.Client[networkingv1.Ingress]
}

// create creates an Ingress where the cache has none. A plain apply would take over
// an Ingress that somebody created in the meantime. This one carries a resourceVersion
// that no object has, so the API server refuses it if there is an object.
func (w writer) create(ctx context.Context, want *networkingv1.Ingress) error {
	ing := *want
	ing.ResourceVersion = neverVersion
	if err := w.apply(ctx, &ing, false); err != nil {
		return fmt.Errorf("create Ingress %s/%s: %w", want.Namespace, want.Name, err)
	}
	return nil
}

// repair sets the fields of want on an Ingress that the Service owns, also those that
// somebody else has set since. The API server refuses the request if the Ingress has
// changed (resourceVersion) or is gone (UID: without it the apply would create one).
func (w writer) repair(ctx context.Context, have informer.Item[networkingv1.Ingress],
	want *networkingv1.Ingress) error {
	ing := *want
	ing.UID = types.UID(have.UID())
	ing.ResourceVersion = have.ResourceVersion()
	if err := w.apply(ctx, &ing, true); err != nil {
		return fmt.Errorf("repair Ingress %s: %w", have.Key(), err)
	}
	return nil
}

func (w writer) apply(ctx context.Context, ing *networkingv1.Ingress, force bool) error {
	_, err := w.ingresses.In(ing.Namespace).Apply(ctx, ing,
		metav1.ApplyOptions{FieldManager: fieldManager, Force: force})
	return err
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
