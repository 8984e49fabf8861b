package addingress

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controller"
)

// report writes a new problem as an Event and to the log.
func (r *reconciler) report(ctx context.Context, svc *corev1.Service, p problem) {
	if r.recorder.report(svc, p) {
		controller.LoggerFrom(ctx).Warn(p.note, "reason", p.reason)
	}
}

// reportFailure reports an error of a reconcile: at once if the API server refuses what addingress
// asks for or if another try does not help, and otherwise if the key has failed for a while.
func (r *reconciler) reportFailure(ctx context.Context, key controller.Key, err error) {
	lasts := r.failing.failed(key)
	item, missing := r.services.Item(key.Namespace, key.Name)
	if missing != nil {
		return
	}
	remedy := "remove the annotation " + Annotation
	if !annotated(item) {
		remedy = "delete the Ingress by hand"
	}
	switch {
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err):
		// Somebody's rule stands against it: validation, a quota, an admission policy,
		// or missing rights. It may be lifted without an event, so it is tried again
		// like any error.
		r.report(ctx, reference(item), problem{reasonRejected, fmt.Sprintf(
			"The API server refuses it: %v. Change what it names, or %s.", err, remedy)})
	case controller.IsTerminal(err):
		r.report(ctx, reference(item), problem{reasonFailed, fmt.Sprintf(
			"addingress cannot do its work for the Service: %v. It tries again when the Service or "+
				"its Ingress changes.", err)})
	case lasts >= reportFailuresAfter:
		r.report(ctx, reference(item), problem{reasonFailed, fmt.Sprintf(
			"addingress has failed for more than %v: %v. It goes on trying, at least every %v.",
			reportFailuresAfter, err, maxRetryPause)})
	}
}

// contest reports that an Ingress does not stay as it was written. have is the Ingress as it is,
// nil if it was deleted; want is nil if the Service asks for none.
func (r *reconciler) contest(ctx context.Context, svc *corev1.Service,
	have, want *networkingv1.Ingress, w write) {
	if r.pace.rewritten(w.key) || r.recorder.stands(svc, reasonContested) {
		return
	}
	var what string
	switch {
	case !w.repair():
		what = "The Service changes what its Ingress should be many times a minute. " +
			"addingress follows once a second."
	case want == nil:
		what = "Somebody creates the Ingress again each time that addingress deletes it."
	case have == nil:
		what = "Somebody deletes the Ingress each time that addingress creates it."
	default:
		what = fmt.Sprintf("%s changes the Ingress each time that addingress repairs it: %s.",
			r.whoChanges(ctx, have, want), difference(have, want))
	}
	if w.repair() {
		what += fmt.Sprintf(" addingress, as %s, goes on with growing pauses of up to %v.",
			r.manager(), maxPause)
	}
	r.report(ctx, svc, problem{reasonContested, what +
		" Find out who insists, or remove the annotation " + Annotation + "."})
}

// whoChanges returns a name for the writer that changed have. The cache leaves managedFields out,
// so it asks the API server.
func (r *reconciler) whoChanges(ctx context.Context, have, want *networkingv1.Ingress) string {
	now, err := r.writer.ingresses.In(have.Namespace).Get(ctx, have.Name, metav1.GetOptions{})
	if err != nil {
		controller.LoggerFrom(ctx).Debug("who changes the Ingress is not known", "error", err)
		return "Somebody"
	}
	switch name := changer(now, want, r.manager()); {
	case name == "":
		return "Somebody"
	case name != r.manager():
		return fmt.Sprintf("The field manager %q", cut(name, 128))
	case applied(now) == r.instance && now.Annotations[AppliedAnnotation] !=
		want.Annotations[AppliedAnnotation]:
		return fmt.Sprintf("Another addingress that has the same --instance, %q, and other flags,",
			r.instance)
	}
	return "Somebody"
}

// rewrittenProblem returns the problem with an Ingress that was stored otherwise than it was
// written.
func rewrittenProblem(stored, want *networkingv1.Ingress) problem {
	return problem{reasonRewritten, fmt.Sprintf(
		"The API server stored the Ingress otherwise than addingress wrote it: %s. A mutating "+
			"admission policy or webhook does that. addingress goes on with growing pauses of up "+
			"to %v. Change the policy, or remove the annotation %s.",
		difference(stored, want), maxRewrittenPause, Annotation)}
}

// logWrite logs a write. A contest would fill the log: its Event and one warning tell of it.
func (r *reconciler) logWrite(ctx context.Context, key controller.Key, what string,
	want *networkingv1.Ingress) {
	log := controller.LoggerFrom(ctx).Info
	if !r.pace.calm(key) {
		log = controller.LoggerFrom(ctx).Debug
	}
	log("Ingress "+what, "host", want.Spec.Rules[0].Host)
}
