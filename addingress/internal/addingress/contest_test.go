package addingress

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
)

// Whoever deletes the Ingress whenever it comes does not drive the operator into a
// loop: it goes on, with growing pauses, and says so, once.
func TestWarOverAnIngressIsBounded(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	var last types.UID
	const rounds = freeRepairs + 5
	for range rounds {
		w.until("the Ingress once more", func() error {
			ing, err := w.seenIngresses.Get(w.namespace, "web")
			switch {
			case err != nil:
				return err
			case ing.UID == last:
				return errors.New("it is the one that was deleted")
			}
			last = ing.UID
			return nil
		})
		w.deleteIngress("web")
	}
	e := w.hasEvent(svc, reasonContested)
	for _, part := range []string{"Somebody deletes the Ingress", testManager, Annotation} {
		if !strings.Contains(e.Note, part) {
			t.Errorf("the Event %q does not say %q", e.Note, part)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := freeRepairs + 1; i < len(r.applied); i++ {
		pause := firstPause << (i - freeRepairs - 1)
		if got := r.applied[i].Sub(r.applied[i-1]); got < pause {
			t.Errorf("repair %d comes %v after the one before, want %v", i, got, pause)
		}
	}
	events := slices.DeleteFunc(slices.Clone(r.requests), func(s string) bool { return s == "apply ingresses/web" })
	if want := []string{"create events"}; !slices.Equal(events, want) {
		t.Errorf("beside Ingresses it wrote %v, want %v", events, want)
	}
}

// An Ingress that somebody creates again after each deletion, with the Service as its controller
// owner, is deleted with growing pauses, too.
func TestWarOverNoIngressIsBounded(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	ing := r.hasIngress(svc)
	w.annotate("web", "false")
	again := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
		Name: "web", OwnerReferences: ing.OwnerReferences}, Spec: ing.Spec}
	for range freeRepairs + 3 {
		w.noIngress("web")
		w.persist("create the Ingress again", func() error { // the one before may be seen late
			_, err := w.ingresses.Create(w.ctx, again, metav1.CreateOptions{})
			return err
		})
	}
	if e := w.hasEvent(svc, reasonContested); !strings.Contains(e.Note, "creates the Ingress again") {
		t.Errorf("the Event says %q", e.Note)
	}
}

// otherHosts is a template that makes other hosts than the default one.
func otherHosts(t *testing.T) *HostTemplate {
	t.Helper()
	hosts, err := ParseHostTemplate("{{.Name}}.{{.Namespace}}.example.org")
	if err != nil {
		t.Fatal(err)
	}
	return hosts
}

// Two instances that disagree over 300 Services write at most five times a second each, and each
// names the other.
func TestTwoInstancesThatDisagree(t *testing.T) {
	w := newWorld(t)
	const services = 300
	w.inParallel(services, func(i int) {
		w.service(fmt.Sprint("web-", i), exposed)
	})
	a := w.start(func(cfg *Config) { cfg.Instance = "a" })
	b := w.start(func(cfg *Config) { cfg.Instance, cfg.Hosts = "b", otherHosts(t) })

	// Everyone is told who insists, on what, and by whom.
	for _, side := range []struct {
		r           *running
		self, other string
		host        string // that the other writes
	}{
		{a, "addingress/a", "addingress/b", "example.org"},
		{b, "addingress/b", "addingress/a", "example.com"},
	} {
		var e *eventsv1.Event
		w.until("an Event that names "+side.other, func() error {
			all, err := w.contests()
			for _, e = range all {
				if strings.Contains(e.Note, "as "+side.self) {
					return nil
				}
			}
			return errors.Join(err, fmt.Errorf("there are %d others", len(all)))
		})
		for _, part := range []string{fmt.Sprintf("%q changes the Ingress", side.other), side.host} {
			if !strings.Contains(e.Note, part) {
				t.Errorf("the Event of %s does not say %q: %s", side.self, part, e.Note)
			}
		}
		if side.r.log.count(side.other) == 0 {
			t.Errorf("the log of %s does not name %s", side.self, side.other)
		}
	}

	// A Service's first Ingress is no repair and has no pace: its key may still wait behind those of the
	// Services that are quarrelled about.
	for _, r := range []*running{a, b} {
		w.until("an Ingress of each Service", func() error {
			n, err := r.heldIngresses.Len(informer.Query{Namespace: w.namespace})
			if err == nil && n < services {
				err = fmt.Errorf("there are %d", n)
			}
			return err
		})
	}
	// From here on both are bounded.
	for _, r := range []*running{a, b} {
		r.mu.Lock()
		before := len(r.applied)
		r.mu.Unlock()
		const repairs = 25
		w.until("further repairs", func() error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if n := len(r.applied) - before; n < repairs {
				return fmt.Errorf("there are %d", n)
			}
			return nil
		})
		r.mu.Lock()
		for i := before; i+5 < len(r.applied); i++ {
			// 50 ms for what a busy machine delays a request.
			if in := r.applied[i+5].Sub(r.applied[i]); in < time.Second-50*time.Millisecond {
				t.Errorf("six writes within %v", in)
			}
		}
		r.mu.Unlock()
	}
}

// contests is the Events of contests in the namespace.
func (w *world) contests() ([]*eventsv1.Event, error) {
	all, err := w.allEvents()
	return slices.DeleteFunc(all, func(e *eventsv1.Event) bool { return e.Reason != reasonContested }), err
}

// Two instances that nobody told apart know at least that there is another one.
func TestTwoInstancesOfOneName(t *testing.T) {
	w := newWorld(t)
	svc := w.service("web", exposed)
	w.start()
	w.start(func(cfg *Config) { cfg.Hosts = otherHosts(t) })
	e := w.hasEvent(svc, reasonContested)
	if part := `the same --instance, "default"`; !strings.Contains(e.Note, part) {
		t.Errorf("the Event does not say %q: %s", part, e.Note)
	}
}

// Somebody else who insists is named as well.
func TestWhoInsistsIsNamed(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	r.hasIngress(svc)
	for range freeRepairs + 2 {
		r.hasIngress(svc)
		ing := w.patchIngress("web", types.JSONPatchType, `[{"op": "replace", "path": "/spec/rules/0/host", "value": "theirs.example.com"}]`)
		w.until("a repair", func() error {
			now, err := w.seenIngresses.Get(w.namespace, "web")
			if err == nil && number(now.ResourceVersion) <= number(ing.ResourceVersion) {
				err = errors.New("nobody wrote")
			}
			return err
		})
	}
	e := w.hasEvent(svc, reasonContested)
	for _, part := range []string{`The field manager "somebody"`, `spec.rules[0].host is "theirs.example.com" instead of "web.` + w.namespace} {
		if !strings.Contains(e.Note, part) {
			t.Errorf("the Event does not say %q: %s", part, e.Note)
		}
	}
	if n := len(w.eventsAbout(svc)); n != 1 {
		t.Errorf("there are %d Events", n)
	}
}

// An addingress of before there were instances, and one that got another name, hand their fields
// over: nothing stays theirs, and what is not set any more goes.
func TestFieldsOfAnEarlierInstanceAreTakenOver(t *testing.T) {
	for _, before := range []string{oldManager, managerPrefix + "earlier"} {
		t.Run(strings.ReplaceAll(before, "/", "-"), func(t *testing.T) {
			w := newWorld(t)
			svc := w.service("web", exposed)
			earlier := testSettings(t, DefaultHostTemplate, "theirs")
			_, earlier.instance, _ = strings.Cut(before, "/")
			want, _ := earlier.desired(svc)
			if earlier.instance == "" {
				_, digest, _ := strings.Cut(want.Annotations[AppliedAnnotation], "/")
				want.Annotations[AppliedAnnotation] = digest
			}
			if _, err := (writer{w.ingresses, before}).create(w.ctx, want); err != nil {
				t.Fatal(err)
			}

			r := w.start()
			ing := r.hasIngress(svc)
			r.settled("web")
			r.wrote("patch ingresses/web", "apply ingresses/web")
			if ing.Spec.IngressClassName != nil {
				t.Errorf("the class that is not set any more is still %q", *ing.Spec.IngressClassName)
			}
			for _, m := range ing.ManagedFields {
				if isManager(m.Manager) && m.Manager != testManager {
					t.Errorf("%s still owns %s", m.Manager, m.FieldsV1.GetRawString())
				}
			}
			if owns := ownedFields(ing); !strings.Contains(owns, "f:rules") {
				t.Errorf("addingress owns %s", owns)
			}
			if events := w.eventsAbout(svc); len(events) != 0 {
				t.Errorf("Events: %+v", events)
			}
		})
	}
}

// A policy of the cluster that rewrites what is written gets one Event, and no endless writes.
func TestIngressThatThePolicyRewrites(t *testing.T) {
	for name, rewrite := range map[string]string{
		"always-the-same": `"elsewhere.example.com"`,
		"something-else":  `"e" + string(size(oldObject == null ? "" : oldObject.spec.rules[0].host)) + string(oldObject == null ? 0 : oldObject.metadata.generation) + ".example.com"`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			remove := w.mutate(t, `[JSONPatch{op: "replace", path: "/spec/rules/0/host", value: `+rewrite+`}]`)
			r := w.start()
			svc := w.service("web", exposed)
			e := w.hasEvent(svc, reasonRewritten)
			for _, part := range []string{"otherwise than addingress wrote it", "spec.rules[0].host is", "policy or webhook", Annotation} {
				if !strings.Contains(e.Note, part) {
					t.Errorf("the Event %q does not say %q", e.Note, part)
				}
			}
			w.until("another try", func() error {
				r.mu.Lock()
				defer r.mu.Unlock()
				if n := len(r.applied); n < 5 {
					return fmt.Errorf("there were %d", n)
				}
				return nil
			})
			r.mu.Lock()
			for i := 1; i < len(r.applied); i++ {
				pause := firstPause << (i - 1)
				if got := r.applied[i].Sub(r.applied[i-1]); got < pause {
					t.Errorf("write %d comes %v after the one before, want %v", i, got, pause)
				}
			}
			r.mu.Unlock()
			if events := w.eventsAbout(svc); len(events) != 1 {
				t.Errorf("there are %d Events: %v", len(events), events)
			}

			remove()
			r.hasIngress(svc)
		})
	}
}

// mutate makes the API server change the Ingresses of the namespace as a policy's JSON patch says,
// and returns when it does so. remove ends that.
func (w *world) mutate(t *testing.T, expression string) (remove func()) {
	t.Helper()
	policies := client.Of[admissionv1.MutatingAdmissionPolicy](w.admin)
	bindings := client.Of[admissionv1.MutatingAdmissionPolicyBinding](w.admin)
	policy := &admissionv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Spec: admissionv1.MutatingAdmissionPolicySpec{
			ReinvocationPolicy: admissionv1.NeverReinvocationPolicy,
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": w.namespace}},
				ResourceRules:     ingressRules,
			},
			Mutations: []admissionv1.Mutation{{
				PatchType: admissionv1.PatchTypeJSONPatch,
				JSONPatch: &admissionv1.JSONPatch{Expression: expression},
			}},
		},
	}
	if _, err := policies.Create(w.ctx, policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &admissionv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Spec:       admissionv1.MutatingAdmissionPolicyBindingSpec{PolicyName: w.namespace},
	}
	if _, err := bindings.Create(w.ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	remove = func() {
		if err := bindings.Delete(w.ctx, w.namespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		if err := policies.Delete(w.ctx, w.namespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	w.persist("a dry run that is rewritten", func() error {
		ing, err := w.ingresses.Create(w.ctx, probe(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && ing.Spec.Rules[0].Host == probe().Spec.Rules[0].Host {
			err = errors.New("the policy does not work yet")
		}
		return err
	})
	return remove
}

var ingressRules = []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
	Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
	Rule:       admissionv1.Rule{APIGroups: []string{"networking.k8s.io"}, APIVersions: []string{"v1"}, Resources: []string{"ingresses"}},
}}}

// probe is an Ingress for dry runs.
func probe() *networkingv1.Ingress {
	want, _ := settings{hosts: DefaultConfig().Hosts, instance: "probe"}.desired(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "probe", Namespace: "probe", UID: "probe"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	})
	want.OwnerReferences, want.Namespace = nil, ""
	return want
}

func TestUnionOfFields(t *testing.T) {
	const (
		a    = `{"f:metadata":{"f:annotations":{"f:x":{}}},"f:spec":{"f:rules":{}}}`
		b    = `{"f:metadata":{"f:annotations":{".":{},"f:y":{}}},"f:spec":{"f:ingressClassName":{},"f:rules":{}}}`
		want = `{"f:metadata":{"f:annotations":{".":{},"f:x":{},"f:y":{}}},"f:spec":{"f:ingressClassName":{},"f:rules":{}}}`
	)
	for _, pair := range [][2]string{{a, b}, {b, a}, {want, a}, {want, "{}"}} {
		got, err := union(metav1.NewFieldsV1(pair[0]), metav1.NewFieldsV1(pair[1]))
		if err != nil || !json.Valid(got.GetRawBytes()) || got.GetRawString() != want {
			t.Errorf("union of %s and %s: got %s, %v; want %s", pair[0], pair[1], got.GetRawString(), err, want)
		}
	}
	if _, err := union(metav1.NewFieldsV1("[]"), nil); err == nil {
		t.Error("what is no set of fields is joined")
	}
}
