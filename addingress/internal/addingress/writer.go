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

// fieldManager is who addingress is in managedFields.
const fieldManager = "addingress"

// neverVersion is a resourceVersion that no object has: it is the revision of an
// etcd that holds nothing yet, and each write makes a new one.
const neverVersion = "1"

// A writer makes the three writes that there are to Ingresses. Each carries as a
// precondition what it was decided on, so that the API server refuses it with a
// conflict if that does not hold any more. The key is then tried again, and meets
// the newer state.
//
// Creating and repairing are the same request, a server-side apply, so that the
// fields have one owner entry in managedFields, and a field that is not said any
// more goes away (a POST would leave an entry of its own behind, which keeps it).
type writer struct {
	ingresses *client.Client[networkingv1.Ingress]
}

// create makes an Ingress where the cache has none. An apply would take over an
// Ingress that somebody made in the meantime; this one cannot: it names a
// resourceVersion, which the API server compares with that of the object, if
// there is one, and which none has.
func (w writer) create(ctx context.Context, want *networkingv1.Ingress) error {
	ing := *want
	ing.ResourceVersion = neverVersion
	if err := w.apply(ctx, &ing, false); err != nil {
		return fmt.Errorf("create Ingress %s/%s: %w", want.Namespace, want.Name, err)
	}
	return nil
}

// repair says again what is wanted of an Ingress of ours, and takes the fields
// that it names from whoever else set them. The resourceVersion has the API server
// refuse it if the Ingress has changed, the UID if it is gone: an apply without one
// would make it anew.
func (w writer) repair(ctx context.Context, have informer.Item[networkingv1.Ingress], want *networkingv1.Ingress) error {
	ing := *want
	ing.UID = types.UID(have.UID())
	ing.ResourceVersion = have.ResourceVersion()
	if err := w.apply(ctx, &ing, true); err != nil {
		return fmt.Errorf("repair Ingress %s: %w", have.Key(), err)
	}
	return nil
}

func (w writer) apply(ctx context.Context, ing *networkingv1.Ingress, force bool) error {
	_, err := w.ingresses.In(ing.Namespace).Apply(ctx, ing, metav1.ApplyOptions{FieldManager: fieldManager, Force: force})
	return err
}

// delete deletes an Ingress of ours: the one that the cache shows, unchanged
// since. Its UID alone would not do: who owns it may have changed.
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
