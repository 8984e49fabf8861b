package addingress

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
)

// An admission webhook that is away for longer than 10 seconds leaves no Service behind: the error
// is told by one Event, and what was to be done is done seconds after the webhook is back.
func TestWebhookThatIsAway(t *testing.T) {
	for _, tt := range []struct {
		name      string
		operation admissionv1.OperationType
	}{
		{"create", admissionv1.Create},
		{"delete", admissionv1.Delete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.start()
			svc := w.service("web")
			if tt.operation == admissionv1.Delete {
				w.annotate("web", "true")
				r.hasIngress(svc)
				r.settled("web")
				r.wrote("apply ingresses/web")
			}
			repair := w.breakWebhook(t, tt.operation)
			begin := time.Now()
			if tt.operation == admissionv1.Delete {
				w.annotate("web", "")
			} else {
				w.annotate("web", "true")
			}
			e := w.hasEvent(svc, reasonFailed)
			if after := time.Since(begin); after < reportFailuresAfter-time.Second {
				t.Errorf("the Event comes after %v already", after)
			}
			for _, part := range []string{"failed calling webhook", "away.example.com", "goes on trying, at least every 5s"} {
				if !strings.Contains(e.Note, part) {
					t.Errorf("the Event %q does not say %q", e.Note, part)
				}
			}
			w.until("more than 10 s of it", func() error {
				defer time.AfterFunc(200*time.Millisecond, w.view.Moved)
				if lasts := time.Since(begin); lasts < 11*time.Second {
					return fmt.Errorf("it lasts %v", lasts)
				}
				return nil
			})
			repair()
			over := time.Now()
			if tt.operation == admissionv1.Delete {
				w.noIngress("web")
			} else {
				r.hasIngress(svc)
			}
			if took := time.Since(over); took > maxRetryPause+3*time.Second {
				t.Errorf("%v after it is back", took)
			}
			r.mu.Lock()
			tries := len(r.requests) - 1 // the Event
			r.mu.Unlock()
			if tries > 25 {
				t.Errorf("%d tries in %v", tries, time.Since(begin))
			}
			if events := w.eventsAbout(svc); len(events) != 1 || events[0].Series != nil {
				t.Errorf("%d Events: %v", len(events), events)
			}
		})
	}
}

// breakWebhook makes the API server ask a webhook that is not there about what is done to the
// Ingresses of the namespace, and returns when it does so. repair ends that, and returns when it has
// ended.
func (w *world) breakWebhook(t *testing.T, operation admissionv1.OperationType) (repair func()) {
	t.Helper()
	hooks := client.Of[admissionv1.ValidatingWebhookConfiguration](w.admin)
	url, fail, none := "https://127.0.0.1:1/", admissionv1.Fail, admissionv1.SideEffectClassNone
	rules := ingressRules[0].RuleWithOperations
	rules.Operations = []admissionv1.OperationType{operation}
	_, err := hooks.Create(w.ctx, &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name:                    "away.example.com",
			ClientConfig:            admissionv1.WebhookClientConfig{URL: &url},
			Rules:                   []admissionv1.RuleWithOperations{rules},
			FailurePolicy:           &fail,
			SideEffects:             &none,
			AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": w.namespace}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		dryRun := []string{metav1.DryRunAll}
		if operation == admissionv1.Delete {
			err := w.ingresses.Delete(w.ctx, "web", metav1.DeleteOptions{DryRun: dryRun})
			return client.IgnoreNotFound(err)
		}
		_, err := w.ingresses.Create(w.ctx, probe(), metav1.CreateOptions{DryRun: dryRun})
		return err
	}
	w.persist("a webhook that is away", func() error {
		if err := ask(); !apierrors.IsInternalError(err) {
			return fmt.Errorf("the API server does not ask it yet: %w", errors.Join(err, errors.New("retry")))
		}
		return nil
	})
	return func() {
		if err := hooks.Delete(w.ctx, w.namespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		w.persist("no webhook", ask)
	}
}

// What is refused is told at once, and done when the rule is lifted.
func TestPolicyThatRefuses(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	policies := client.Of[admissionv1.ValidatingAdmissionPolicy](w.admin)
	bindings := client.Of[admissionv1.ValidatingAdmissionPolicyBinding](w.admin)
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": w.namespace}},
				ResourceRules:     ingressRules,
			},
			Validations: []admissionv1.Validation{{Expression: "false", Message: "no Ingresses here"}},
		},
	}
	if _, err := policies.Create(w.ctx, policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := bindings.Create(w.ctx, &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: w.namespace,
			ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.persist("a policy that refuses", func() error {
		_, err := w.ingresses.Create(w.ctx, probe(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) {
			return fmt.Errorf("it does not yet: %w", errors.Join(err, errors.New("retry")))
		}
		return nil
	})
	svc := w.service("web", exposed)
	if e := w.hasEvent(svc, reasonRejected); !strings.Contains(e.Note, "no Ingresses here") {
		t.Errorf("the Event says %q", e.Note)
	}
	if err := bindings.Delete(w.ctx, w.namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := policies.Delete(w.ctx, w.namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.hasIngress(svc)
	if events := w.eventsAbout(svc); len(events) != 1 {
		t.Errorf("%d Events: %v", len(events), events)
	}
}

// A key that fails is tried again for ever, with pauses that grow up to five seconds; many keys
// together do not exceed the pace of all.
func TestPaceOfRetries(t *testing.T) {
	limiter := retryLimiter()
	var pauses time.Duration
	for i := range 1000 {
		pause := limiter.When(shopWeb)
		if pause > maxRetryPause || i > 12 && pause != maxRetryPause {
			t.Fatalf("pause %d is %v", i, pause)
		}
		if i < 10 {
			pauses += pause
		}
	}
	if pauses > reportFailuresAfter+time.Second {
		t.Errorf("the 10th retry comes after %v, and an Event waits for one after %v", pauses, reportFailuresAfter)
	}
	for n, want := range map[int]time.Duration{retriesBurst: 0, retriesBurst + retriesPerSecond: time.Second} {
		limiter, longest := retryLimiter(), time.Duration(0)
		for i := range n {
			longest = max(longest, limiter.When(controller.Key{Name: fmt.Sprint(i)}))
		}
		if longest < want-100*time.Millisecond || longest > want+100*time.Millisecond {
			t.Errorf("the last of %d keys waits %v, want about %v", n, longest, want)
		}
	}
}

func TestFailingForHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f failing
		for range 2 {
			for i := range 4 {
				if got := f.failed(shopWeb); got != time.Duration(i)*time.Second {
					t.Errorf("failing for %v after %d s", got, i)
				}
				time.Sleep(time.Second)
			}
			f.succeeded(shopWeb)
			f.succeeded(shopWeb)
		}
		if len(f.since) != 0 {
			t.Errorf("%v is kept of keys that do not fail", f.since)
		}
	})
}

// A problem whose note differs at each try is one Event, until some minutes later.
func TestErrorsThatDifferAreOneEvent(t *testing.T) {
	for _, reason := range []string{reasonFailed, reasonRejected, reasonContested, reasonRewritten} {
		synctest.Test(t, func(t *testing.T) {
			r := startRecorder()
			defer r.stop()
			n := 0
			say := func() bool {
				n++
				return r.report(serviceNamed("web"), problem{reason, fmt.Sprint("try ", n)})
			}
			if !say() {
				t.Error("the first is no news")
			}
			r.check(t, "first", 1, 1)
			time.Sleep(rewordAfter - 1)
			if say() || !r.stands(serviceNamed("web"), reason) {
				t.Error("another note is news already")
			}
			time.Sleep(time.Nanosecond)
			if !say() {
				t.Error("another note is no news")
			}
			r.check(t, "later", 2, 2)
			if r.stands(serviceNamed("web"), "Other") || r.stands(serviceNamed("api"), reason) {
				t.Error("a problem stands that was not reported")
			}
		})
	}
}
