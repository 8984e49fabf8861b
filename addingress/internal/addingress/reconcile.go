package addingress

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
)

// A reconciler makes the Ingress of a Service what it should be.
type reconciler struct {
	settings
	services  informer.Lister[corev1.Service]
	ingresses informer.Lister[networkingv1.Ingress]
	claims    *claims
	writer    writer
	recorder  *recorder
	pace      pace
	failing   failing
}

// collectorGrace is how long the Ingress of an earlier Service of the same name
// may take to be garbage collected before it is reported.
const collectorGrace = time.Minute

// reconcile gives the Service of key its Ingress, or takes it away, and reports errors that last.
func (r *reconciler) reconcile(ctx context.Context, key controller.Key) (controller.Result, error) {
	result, err := r.act(ctx, key)
	switch {
	case err == nil:
		r.failing.succeeded(key)
	case ctx.Err() == nil:
		r.reportFailure(ctx, key, err)
	}
	return result, err
}

// act gives the Service of key its Ingress, or takes it away. What there is
// decides what is done, in this table; whose an Ingress is, its controller owner's
// UID says:
//
//	Service             │ no Ingress    its own Ingress   a foreign Ingress
//	────────────────────┼────────────────────────────────────────────────────
//	none, or going      │ -             - (collector)     -
//	not annotated       │ -             delete            -
//	wrongly annotated   │ Event         delete, Event     Event
//	cannot be exposed   │ Event         Event             Event
//	host is taken       │ Event         Event             Event
//	annotated           │ create        repair, or -      Event
//
// An Ingress that is being deleted is waited for. Every change of what the table
// reads brings the key back, so nothing here waits or polls.
func (r *reconciler) act(ctx context.Context, key controller.Key) (controller.Result, error) {
	svcItem, err := r.services.Item(key.Namespace, key.Name)
	if client.IgnoreNotFound(err) != nil {
		return controller.Result{}, err
	}
	if err != nil || svcItem.Deleting() {
		r.recorder.clear(key)
		return controller.Result{}, nil
	}
	ing, err := r.ingresses.Item(key.Namespace, key.Name)
	if client.IgnoreNotFound(err) != nil {
		return controller.Result{}, err
	}
	exists := err == nil
	owned := exists && controlledBy(ing, svcItem)
	if !annotated(svcItem) {
		return r.notAsked(ctx, svcItem, ing, owned)
	}

	svc, err := svcItem.Object()
	if err != nil {
		return controller.Result{}, controller.Terminal(fmt.Errorf("read Service %s: %w", key, err))
	}
	if exists && !owned {
		return r.foreign(ctx, svc, ing)
	}
	want, p := r.desired(svc)
	if p == nil {
		p, err = r.claims.taken(svcItem, want.Spec.Rules[0].Host)
		if err != nil {
			return controller.Result{}, err
		}
	}
	if p != nil {
		r.report(ctx, svc, *p)
		return controller.Result{}, nil
	}
	if exists && ing.Deleting() {
		return controller.Result{}, nil
	}
	return r.ensure(ctx, svc, ing, exists, want)
}

// controlledBy reports whether the Service is the controller owner of the Ingress.
func controlledBy(ing informer.Item[networkingv1.Ingress], svc informer.Item[corev1.Service]) bool {
	owner := ing.Owner()
	return owner.UID != "" && owner.UID == svc.UID()
}

// reference returns a Service with as much of svc as an Event needs.
func reference(svc informer.Item[corev1.Service]) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: svc.Namespace(), Name: svc.Name(), UID: types.UID(svc.UID()),
		ResourceVersion: svc.ResourceVersion(),
	}}
}

// Among the states of write, absent stands for no Ingress, and present for any.
const (
	absent  = "absent"
	present = "present"
)

// notAsked deletes the Ingress of a Service that asks for none, if it is ours and not being deleted
// already.
func (r *reconciler) notAsked(ctx context.Context, svc informer.Item[corev1.Service],
	ing informer.Item[networkingv1.Ingress], owned bool) (controller.Result, error) {
	key := keyOf(svc)
	if owned && !ing.Deleting() {
		w := write{key: key, state: absent}
		if r.pace.wroteBefore(key, absent) {
			w.undoes = present
		}
		if wait := r.await(ctx, w, reference(svc), nil, nil); wait > 0 {
			return controller.Result{RequeueAfter: wait}, nil
		}
		err := r.writer.delete(ctx, ing)
		if client.IgnoreNotFound(err) != nil {
			return controller.Result{}, err
		}
		r.pace.wrote(w, false)
		controller.LoggerFrom(ctx).Info("Ingress deleted: the Service does not ask for it")
	}
	p, err := misannotated(svc)
	switch {
	case err != nil:
		return controller.Result{}, controller.Terminal(fmt.Errorf("read Service %s: %w", key, err))
	case p != nil:
		r.report(ctx, reference(svc), *p)
	case r.pace.calm(key):
		r.recorder.clear(key)
	}
	return controller.Result{}, nil
}

// ensure creates the Ingress, or repairs it if it is not as wanted.
func (r *reconciler) ensure(ctx context.Context, svc *corev1.Service,
	ing informer.Item[networkingv1.Ingress], exists bool,
	want *networkingv1.Ingress) (controller.Result, error) {
	key := controller.Key{Namespace: svc.Namespace, Name: svc.Name}
	var have *networkingv1.Ingress
	if exists {
		var err error
		if have, err = ing.Object(); err != nil {
			return controller.Result{}, controller.Terminal(fmt.Errorf("read Ingress %s: %w",
				ing.Key(), err))
		}
		if upToDate(have, want) {
			r.pace.right(key)
			if r.pace.calm(key) { // or a quarrel would be news after each of its rounds
				r.recorder.clear(key)
			}
			return controller.Result{}, nil
		}
	}
	w := r.intend(key, have, want)
	if wait := r.await(ctx, w, svc, have, want); wait > 0 {
		return controller.Result{RequeueAfter: wait}, nil
	}
	return r.write(ctx, svc, have, want, w)
}

// intend returns the write of want. It is a repair if it undoes what somebody else did, rather than
// following a change of the Service or of the settings.
func (r *reconciler) intend(key controller.Key, have, want *networkingv1.Ingress) write {
	w := write{key: key, state: want.Annotations[AppliedAnnotation]}
	switch {
	case have == nil && r.pace.wroteBefore(key, w.state):
		w.undoes = absent
	case have != nil && (r.pace.wroteBefore(key, w.state) ||
		have.Annotations[AppliedAnnotation] == w.state || applied(have) != r.instance):
		w.undoes = state(have)
	}
	return w
}

// await returns 0 if w is allowed now, and otherwise the time until it is. It reports a contest.
func (r *reconciler) await(ctx context.Context, w write, svc *corev1.Service,
	have, want *networkingv1.Ingress) time.Duration {
	wait := r.pace.wait(w)
	if r.pace.somebodyInsists(w) || wait > 0 && !w.repair() {
		r.contest(ctx, svc, have, want, w)
	}
	if wait > 0 {
		controller.LoggerFrom(ctx).Debug("the Ingress is written later", "after", wait)
	}
	return wait
}

// write makes the one write that ensure found necessary.
func (r *reconciler) write(ctx context.Context, svc *corev1.Service,
	have, want *networkingv1.Ingress, w write) (result controller.Result, err error) {
	what, stored := "created", (*networkingv1.Ingress)(nil)
	if have != nil {
		what = "repaired"
		if r.inherits(w.key, have) {
			have, err = r.writer.takeOver(ctx, have)
		}
		if err == nil {
			stored, err = r.writer.repair(ctx, have, want)
		}
	} else {
		stored, err = r.writer.create(ctx, want)
	}
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		// The Service is deleted soon, too; there is nothing to retry or to report.
		controller.LoggerFrom(ctx).Debug("no Ingress: the namespace is being deleted")
		return result, nil
	case err != nil:
		return result, err
	}
	rewritten := !upToDate(stored, want)
	next := r.pace.wrote(w, rewritten)
	r.logWrite(ctx, w.key, what, want)
	if rewritten {
		r.report(ctx, svc, rewrittenProblem(stored, want))
		// If the write changed nothing no event brings the key back.
		result.RequeueAfter = next
	}
	return result, nil
}

// inherits reports whether the Ingress may have fields that an instance applied which does not run
// any more. An instance that runs gets its fields back at its next repair, so this one asks only
// once.
func (r *reconciler) inherits(key controller.Key, have *networkingv1.Ingress) bool {
	from := applied(have)
	return from == "" || from != r.instance && !r.pace.repaired(key)
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
