package addingress

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
)

// A reconciler makes the Ingress of a Service what it should be.
type reconciler struct {
	settings
	services  informer.Lister[corev1.Service]
	ingresses informer.Lister[networkingv1.Ingress]
	writer    writer
	recorder  *recorder
	pace      pace
}

// collectorGrace is how long the Ingress of an earlier Service of the same name
// may take to be garbage collected before it is reported.
const collectorGrace = time.Minute

// reconcile gives the Service of key its Ingress, or takes it away. What there is
// decides what is done, in this table; whose an Ingress is, its controller owner's
// UID says:
//
//	Service             │ no Ingress    its own Ingress   a foreign Ingress
//	────────────────────┼────────────────────────────────────────────────────
//	none, or going      │ -             - (collector)     -
//	not annotated       │ -             delete            -
//	cannot be exposed   │ Event         Event             Event
//	annotated           │ create        repair, or -      Event
//
// An Ingress that is being deleted is waited for. Every change of what the table
// reads brings the key back, so nothing here waits or polls.
func (r *reconciler) reconcile(ctx context.Context, key controller.Key) (controller.Result, error) {
	svcItem, err := r.services.Item(key.Namespace, key.Name)
	if client.IgnoreNotFound(err) != nil {
		return controller.Result{}, err
	}
	if err != nil || svcItem.Deleting() {
		r.settle(key)
		return controller.Result{}, nil
	}
	ing, err := r.ingresses.Item(key.Namespace, key.Name)
	if client.IgnoreNotFound(err) != nil {
		return controller.Result{}, err
	}
	exists := err == nil
	owned := exists && controlledBy(ing, svcItem)
	if !annotated(svcItem) {
		r.settle(key)
		return controller.Result{}, r.remove(ctx, ing, owned)
	}

	svc, err := svcItem.Object()
	if err != nil {
		return controller.Result{}, controller.Terminal(fmt.Errorf("read Service %s: %w", key, err))
	}
	if exists && !owned {
		return r.foreign(ctx, svc, ing)
	}
	want, p := r.desired(svc)
	if p != nil {
		r.report(ctx, svc, *p)
		return controller.Result{}, nil
	}
	if exists && ing.Deleting() {
		return controller.Result{}, nil
	}
	return r.ensure(ctx, svc, ing, exists, want)
}

// settle removes the state kept for a Service that asks for no Ingress.
func (r *reconciler) settle(key controller.Key) {
	r.recorder.clear(key)
	r.pace.forget(key)
}

// annotated reports whether the Service asks for an Ingress.
func annotated(svc informer.Item[corev1.Service]) bool {
	value, _ := svc.Annotation(Annotation)
	return value == annotationOn
}

// controlledBy reports whether the Service is the controller owner of the Ingress.
func controlledBy(ing informer.Item[networkingv1.Ingress], svc informer.Item[corev1.Service]) bool {
	owner := ing.Owner()
	return owner.UID != "" && owner.UID == svc.UID()
}

// remove deletes the Ingress if it is ours and not going already.
func (r *reconciler) remove(ctx context.Context, ing informer.Item[networkingv1.Ingress],
	owned bool) error {
	if !owned || ing.Deleting() {
		return nil
	}
	err := r.writer.delete(ctx, ing)
	switch {
	case err == nil:
		controller.LoggerFrom(ctx).Info("Ingress deleted: the Service does not ask for it")
	case apierrors.IsNotFound(err):
		err = nil
	}
	return err
}

// ensure creates the Ingress, or repairs it if it is not as wanted.
func (r *reconciler) ensure(ctx context.Context, svc *corev1.Service,
	ing informer.Item[networkingv1.Ingress], exists bool,
	want *networkingv1.Ingress) (controller.Result, error) {
	key := controller.Key{Namespace: svc.Namespace, Name: svc.Name}
	if exists {
		have, err := ing.Object()
		if err != nil {
			return controller.Result{}, controller.Terminal(fmt.Errorf("read Ingress %s: %w",
				ing.Key(), err))
		}
		if upToDate(have, want) {
			if r.pace.calm(key) { // or a quarrel would be news after each of its rounds
				r.recorder.clear(key)
			}
			return controller.Result{}, nil
		}
	}
	if wait := r.pace.wait(key); wait > 0 {
		r.report(ctx, svc, problem{reasonContested, fmt.Sprintf(
			"Somebody goes on changing or deleting the Ingress %s as fast as addingress puts it "+
				"right. It does so at most once a second from now on. Find out who, or remove "+
				"the annotation %s.",
			key, Annotation)})
		return controller.Result{RequeueAfter: wait}, nil
	}
	return controller.Result{}, r.write(ctx, svc, ing, exists, want)
}

// write makes the one write that ensure found necessary.
func (r *reconciler) write(ctx context.Context, svc *corev1.Service,
	ing informer.Item[networkingv1.Ingress], exists bool, want *networkingv1.Ingress) (err error) {
	what := "created"
	if exists {
		what = "repaired"
		err = r.writer.repair(ctx, ing, want)
	} else {
		err = r.writer.create(ctx, want)
	}
	if err == nil {
		controller.LoggerFrom(ctx).Info("Ingress "+what, "host", want.Spec.Rules[0].Host)
	}
	return r.written(ctx, svc, err)
}

// written handles the error of a create or repair. After a success the problem is
// cleared by the next reconcile, which the write causes.
func (r *reconciler) written(ctx context.Context, svc *corev1.Service, err error) error {
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		// The Service is deleted soon, too; there is nothing to retry or to report.
		controller.LoggerFrom(ctx).Debug("no Ingress: the namespace is being deleted")
		return nil
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err):
		// Somebody's rule stands against it: validation, a quota, an admission policy,
		// or missing rights. It may be lifted without an event, so it is tried again
		// like any error.
		r.report(ctx, svc, problem{reasonRejected, fmt.Sprintf(
			"The API server refuses the Ingress: %v. Change what it names, or remove the "+
				"annotation %s.", err, Annotation)})
	}
	return err
}

// foreign reports an Ingress that belongs to somebody else. It does not touch it.
func (r *reconciler) foreign(ctx context.Context, svc *corev1.Service,
	ing informer.Item[networkingv1.Ingress]) (controller.Result, error) {
	owner := ing.Owner()
	whose := "has no controller owner"
	switch {
	case owner.Kind == "Service" && owner.Name == svc.Name:
		// The Service was deleted and made again. The garbage collector takes the
		// Ingress of the earlier one, within seconds.
		if left := collectorGrace - time.Since(svc.CreationTimestamp.Time); left > 0 ||
			ing.Deleting() {
			controller.LoggerFrom(ctx).Debug(
				"waiting for the garbage collector to take the Ingress of an earlier Service")
			return controller.Result{RequeueAfter: max(left, 0)}, nil
		}
		whose = fmt.Sprintf("belongs to an earlier Service %s (UID %s) and was not garbage "+
			"collected", owner.Name, owner.UID)
	case owner.UID != "":
		whose = fmt.Sprintf("is controlled by %s %s", owner.Kind, owner.Name)
	}
	r.report(ctx, svc, problem{reasonNotOwned, fmt.Sprintf(
		"The Ingress %s exists already and %s, so addingress does not touch it. Delete or rename "+
			"it and the Service gets its own, or remove the annotation %s.",
		ing.Key(), whose, Annotation)})
	return controller.Result{}, nil
}

// report writes a new problem as an Event and to the log.
func (r *reconciler) report(ctx context.Context, svc *corev1.Service, p problem) {
	if r.recorder.report(svc, p) {
		controller.LoggerFrom(ctx).Warn(p.note, "reason", p.reason)
	}
}
