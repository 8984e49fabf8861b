package addingress

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
)

// testManager is the field manager of an operator without a name of its own.
const testManager = managerPrefix + DefaultInstance

// The promises of the operator, each on the real control plane, with the writes
// that it takes counted exactly.

func TestAnnotatedServiceGetsAnIngress(t *testing.T) {
	w := newWorld(t)
	before := w.service("before", exposed)
	r := w.start()
	r.hasIngress(before)
	r.settled("before")
	r.wrote("apply ingresses/before")

	after := w.service("after", exposed)
	ing := r.hasIngress(after)
	r.settled("after")
	r.wrote("apply ingresses/after")

	if host := ing.Spec.Rules[0].Host; host != "after."+w.namespace+".example.com" {
		t.Errorf("host is %q", host)
	}
	if ing.Spec.IngressClassName != nil {
		t.Errorf("class is %q", *ing.Spec.IngressClassName)
	}
	if owner := metav1.GetControllerOf(ing); owner == nil || owner.UID != after.UID {
		t.Errorf("controller owner is %+v", owner)
	}
	// One entry, by Apply: what is not said any more can be taken away again.
	for _, m := range ing.ManagedFields {
		if m.Manager == testManager && m.Operation != metav1.ManagedFieldsOperationApply || m.Manager == "Go-http-client" {
			t.Errorf("managed by %s through %s", m.Manager, m.Operation)
		}
	}
	if owns := ownedFields(ing); !strings.Contains(owns, "f:rules") || strings.Contains(owns, "f:status") || strings.Contains(owns, "f:tls") {
		t.Errorf("addingress owns %s", owns)
	}
}

func ownedFields(ing *networkingv1.Ingress) string {
	for _, m := range ing.ManagedFields {
		if m.Manager == testManager {
			return m.FieldsV1.GetRawString()
		}
	}
	return "nothing"
}

func TestIngressComesAndGoesWithTheAnnotation(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web")
	r.settled("web")
	r.wrote()

	for _, off := range []string{"", "false"} {
		w.annotate("web", "true")
		r.hasIngress(svc)
		r.settled("web")
		r.wrote("apply ingresses/web")

		w.annotate("web", off)
		r.noIngress("web")
		r.settled("web")
		r.wrote("delete ingresses/web")
	}
	if events := w.eventsAbout(svc); len(events) != 0 {
		t.Errorf("Events: %+v", events)
	}
}

func TestDeletedIngressIsCreatedAgain(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	first := r.hasIngress(svc)
	r.settled("web")
	r.wrote("apply ingresses/web")

	w.deleteIngress("web")
	var second *networkingv1.Ingress
	w.until("another Ingress", func() (err error) {
		if second, err = w.seenIngresses.Get(w.namespace, "web"); err == nil && second.UID == first.UID {
			err = errors.New("it is still the first")
		}
		return err
	})
	r.hasIngress(svc)
	r.settled("web")
	r.wrote("apply ingresses/web")
}

// An Ingress that goes slowly, for a finalizer holds it, is waited for, and not
// written to.
func TestIngressThatIsBeingDeletedIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	first := r.hasIngress(svc)
	w.patchIngress("web", types.MergePatchType, `{"metadata":{"finalizers":["example.com/slow"]}}`)
	w.deleteIngress("web")
	r.settled("web")
	r.wrote("apply ingresses/web")

	// Neither an edit nor taking the annotation away asks for anything meanwhile.
	w.patchIngress("web", types.JSONPatchType, `[{"op": "replace", "path": "/spec/rules/0/host", "value": "theirs.example.com"}]`)
	r.settled("web")
	w.annotate("web", "")
	r.settled("web")
	w.annotate("web", "true")
	r.settled("web")
	r.wrote()

	w.patchIngress("web", types.MergePatchType, `{"metadata":{"finalizers":null}}`)
	w.until("another Ingress", func() error {
		second, err := w.seenIngresses.Get(w.namespace, "web")
		if err == nil && second.UID == first.UID {
			err = errors.New("it is still the first")
		}
		return err
	})
	r.hasIngress(svc)
	r.settled("web")
	r.wrote("apply ingresses/web")
}

// Edits of the parts that addingress owns are undone by one write each; whatever
// else others have put into the Ingress stays.
func TestEditedIngressIsRepaired(t *testing.T) {
	w := newWorld(t)
	r := w.start(func(cfg *Config) { cfg.IngressClass = "ours" })
	by := testSettings(t, DefaultHostTemplate, "ours")
	svc := w.service("web", exposed)
	r.hasIngress(svc, by)

	w.patchIngress("web", types.StrategicMergePatchType, `{
		"metadata": {"annotations": {"theirs": "yes"}, "labels": {"theirs": "yes"}},
		"spec": {"tls": [{"hosts": ["a.example.com"], "secretName": "theirs"}],
			"defaultBackend": {"service": {"name": "theirs", "port": {"number": 80}}}}}`)
	r.settled("web")
	r.wrote("apply ingresses/web") // the creation: nothing of this was ours

	for name, edit := range map[string]string{
		"host":       `[{"op": "replace", "path": "/spec/rules/0/host", "value": "theirs.example.com"}]`,
		"path":       `[{"op": "replace", "path": "/spec/rules/0/http/paths/0/path", "value": "/theirs"}]`,
		"path type":  `[{"op": "replace", "path": "/spec/rules/0/http/paths/0/pathType", "value": "Exact"}]`,
		"backend":    `[{"op": "replace", "path": "/spec/rules/0/http/paths/0/backend/service", "value": {"name": "theirs", "port": {"number": 1}}}]`,
		"a rule":     `[{"op": "add", "path": "/spec/rules/-", "value": {"host": "theirs.example.com"}}]`,
		"all rules":  `[{"op": "remove", "path": "/spec/rules"}]`,
		"class":      `[{"op": "replace", "path": "/spec/ingressClassName", "value": "theirs"}]`,
		"no class":   `[{"op": "remove", "path": "/spec/ingressClassName"}]`,
		"owner":      `[{"op": "replace", "path": "/metadata/ownerReferences/0/name", "value": "theirs"}]`,
		"annotation": `[{"op": "remove", "path": "/metadata/annotations/addingress.skiff.dev~1applied"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			before := w.patchIngress("web", types.JSONPatchType, edit)
			w.until("a repair", func() error {
				ing, err := w.seenIngresses.Get(w.namespace, "web")
				if err == nil && number(ing.ResourceVersion) <= number(before.ResourceVersion) {
					err = errors.New("nobody wrote")
				}
				return err
			})
			r.hasIngress(svc, by)
			r.settled("web")
			r.wrote("apply ingresses/web")
		})
	}

	ing := r.hasIngress(svc, by)
	if ing.Annotations["theirs"] != "yes" || ing.Labels["theirs"] != "yes" || len(ing.Spec.TLS) != 1 || ing.Spec.TLS[0].SecretName != "theirs" || ing.Spec.DefaultBackend == nil {
		t.Errorf("others' parts are not what they were:\n%s", asYAML(ing))
	}
}

func TestIngressFollowsItsService(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	r.hasIngress(svc)
	r.settled("web")
	r.wrote("apply ingresses/web")

	// The port is named, so that its number does not matter; its name does.
	w.patchService("web", `{"spec":{"ports":[{"name":"http","port":8080}]}}`)
	r.settled("web")
	r.wrote()
	w.patchService("web", `{"spec":{"ports":[{"name":"web","port":8080},{"name":"metrics","port":9090}]}}`)
	w.until("the new port", func() error {
		ing, err := w.seenIngresses.Get(w.namespace, "web")
		if err == nil && ing.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port.Name != "web" {
			err = errors.New("it is the old one")
		}
		return err
	})
	r.hasIngress(svc)
	r.settled("web")
	r.wrote("apply ingresses/web")
}

func TestIngressOfDeletedServiceIsGarbageCollected(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	w.service("other", exposed)
	svc := w.service("web", exposed)
	r.hasIngress(svc)
	r.settled("web")
	r.settled("other")
	r.wrote("apply ingresses/web", "apply ingresses/other")

	// An operator that sees the Ingress go before the Service would make another, for
	// the collector to take again: a finalizer holds the Ingress until it has seen both.
	w.patchIngress("web", types.MergePatchType, `{"metadata":{"finalizers":["example.com/slow"]}}`)
	w.deleteService("web")
	r.settled("web")
	w.patchIngress("web", types.MergePatchType, `{"metadata":{"finalizers":null}}`)
	r.noIngress("web")
	r.settled("other")
	r.settled("web")
	r.wrote()
}

// A Service that was deleted and made again is another one, and the Ingress of
// the first is not its. It is neither touched nor told about: it goes by itself.
func TestRecreatedServiceGetsAnIngressOfItsOwn(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	first := w.service("web", exposed)
	firstIngress := r.hasIngress(first)
	// Garbage collection takes its time, and this makes sure of it.
	w.patchIngress("web", types.MergePatchType, `{"metadata":{"finalizers":["example.com/slow"]}}`)
	w.deleteService("web")
	second := w.service("web", exposed)
	r.settled("web")
	r.wrote("apply ingresses/web")
	if ing, err := w.seenIngresses.Get(w.namespace, "web"); err != nil || ing.UID != firstIngress.UID {
		t.Fatalf("the first Ingress is gone already: %v", err)
	}

	w.patchIngress("web", types.MergePatchType, `{"metadata":{"finalizers":null}}`)
	r.until("an Ingress of the second Service", func() error {
		ing, err := w.seenIngresses.Get(w.namespace, "web")
		if err == nil && !metav1.IsControlledBy(ing, second) {
			err = errors.New("it is the first's")
		}
		return err
	})
	r.hasIngress(second)
	r.settled("web")
	r.wrote("apply ingresses/web")
	if events := w.eventsAbout(second); len(events) != 0 {
		t.Errorf("Events: %+v", events)
	}
}

// An Ingress that the Service does not control is never touched, whatever it looks
// like and whatever the Service does. The Service's Events and the log say so, once.
func TestForeignIngressIsNotTouched(t *testing.T) {
	yes := true
	for _, tt := range []struct {
		name string
		make func(svc *corev1.Service, ing *networkingv1.Ingress)
		says string
	}{
		{"without an owner", func(*corev1.Service, *networkingv1.Ingress) {}, "has no controller owner"},
		{"controlled by another", func(_ *corev1.Service, ing *networkingv1.Ingress) {
			// Of a kind that the garbage collector does not know, so that it stays.
			ing.OwnerReferences = []metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Site", Name: "shop", UID: "u", Controller: &yes}}
		}, "is controlled by Site shop"},
		{"owned by the Service, but not controlled", func(svc *corev1.Service, ing *networkingv1.Ingress) {
			ing.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: svc.Name, UID: svc.UID}}
		}, "has no controller owner"},
		{"ours to the letter, but for the owner", func(svc *corev1.Service, ing *networkingv1.Ingress) {
			want, _ := testSettings(t, DefaultHostTemplate, "").desired(svc)
			ing.Annotations, ing.Spec = want.Annotations, want.Spec
		}, "has no controller owner"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			svc := w.service("web")
			before := w.foreign("web", func(ing *networkingv1.Ingress) { tt.make(svc, ing) })
			r := w.start()

			w.annotate("web", "true")
			e := w.hasEvent(svc, reasonNotOwned)
			for _, part := range []string{tt.says, w.namespace + "/web", "Delete or rename it", Annotation} {
				if !strings.Contains(e.Note, part) {
					t.Errorf("the Event %q does not say %q", e.Note, part)
				}
			}
			if e.Type != corev1.EventTypeWarning || e.Series != nil {
				t.Errorf("the Event is %+v", e)
			}
			w.patchService("web", `{"spec":{"ports":[{"name":"other","port":81}]}}`)
			for range 5 {
				r.settled("web")
			}
			r.wrote("create events")
			if n := r.log.count("level=WARN"); n != 1 || r.log.count(reasonNotOwned) != 1 {
				t.Errorf("%d warnings in the log", n)
			}
			after, err := w.ingresses.Get(w.ctx, "web", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range after.ManagedFields {
				if m.Manager == testManager {
					t.Errorf("addingress has written to it: %s", m.FieldsV1.GetRawString())
				}
			}
			if after.UID != before.UID || fmt.Sprint(after.Spec) != fmt.Sprint(before.Spec) {
				t.Errorf("it was\n%s\nand is\n%s", asYAML(before), asYAML(after))
			}

			// Taking the annotation away is no reason to delete it either.
			w.annotate("web", "")
			r.settled("web")
			w.annotate("web", "true")
			r.settled("web")
			r.until("the Event continued", func() error {
				if e := w.hasEvent(svc, reasonNotOwned); e.Series == nil || e.Series.Count != 2 {
					return fmt.Errorf("its series is %+v", e.Series)
				}
				return nil
			})
			r.wrote("create events", "patch events/"+e.Name)

			// The work is picked up when it goes.
			w.deleteIngress("web")
			r.hasIngress(svc)
			r.settled("web")
			r.wrote("apply ingresses/web")
			if events := w.eventsAbout(svc); len(events) != 1 {
				t.Errorf("%d Events", len(events))
			}
		})
	}
}

// An Ingress whose controller owner somebody takes away is foreign from then on.
func TestOrphanedIngressIsForeign(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	r.hasIngress(svc)
	w.patchIngress("web", types.JSONPatchType, `[{"op":"remove","path":"/metadata/ownerReferences"}]`)
	w.hasEvent(svc, reasonNotOwned)
	r.settled("web")
	w.annotate("web", "")
	r.settled("web")
	r.wrote("apply ingresses/web", "create events")
}

func TestServiceThatCannotBeExposedGetsAnEvent(t *testing.T) {
	headless := func(svc *corev1.Service) {
		svc.Spec.ClusterIP = corev1.ClusterIPNone
		svc.Spec.Ports = nil
	}
	external := func(svc *corev1.Service) {
		svc.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "example.org"}
	}
	udp := func(svc *corev1.Service) {
		svc.Spec.Ports = []corev1.ServicePort{{Port: 53, Protocol: corev1.ProtocolUDP}}
	}
	for _, tt := range []struct {
		name   string
		make   func(*corev1.Service)
		reason string
		fix    string
	}{
		{"headless-without-ports", headless, reasonNoPorts, `{"spec":{"ports":[{"name":"http","port":80}]}}`},
		{"external-name", external, reasonNoPorts, `{"spec":{"ports":[{"name":"http","port":80}]}}`},
		{"udp", udp, reasonNotTCP, `{"spec":{"ports":[{"port":53,"protocol":"TCP"}]}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.start()
			svc := w.service(tt.name, tt.make, exposed)
			e := w.hasEvent(svc, tt.reason)
			for range 3 {
				r.settled(tt.name)
			}
			r.wrote("create events")
			if e.Type != corev1.EventTypeWarning || e.ReportingController != controllerName || e.Regarding.Name != tt.name || e.Regarding.Kind != "Service" {
				t.Errorf("the Event is %+v", e)
			}

			w.patchService(tt.name, tt.fix)
			r.hasIngress(svc)
			r.settled(tt.name)
			r.wrote("apply ingresses/" + tt.name)
		})
	}
}

// What serves is not taken down by a mistake: the Ingress stays as it was, and
// goes with the annotation.
func TestServiceThatCannotBeExposedAnyMoreKeepsItsIngress(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	before := r.hasIngress(svc)
	r.settled("web")
	r.wrote("apply ingresses/web")

	w.patchService("web", `{"spec":{"ports":[{"name":"http","port":80,"protocol":"UDP"}]}}`)
	w.hasEvent(svc, reasonNotTCP)
	r.settled("web")
	r.wrote("create events")
	if after, err := w.seenIngresses.Get(w.namespace, "web"); err != nil || after.UID != before.UID || after.Generation != before.Generation {
		t.Errorf("the Ingress did not stay: %v", err)
	}

	w.annotate("web", "")
	r.noIngress("web")
	r.settled("web")
	r.wrote("delete ingresses/web")
}

func TestNameThatMakesNoHostGetsAnEvent(t *testing.T) {
	w := newWorld(t)
	hosts, err := ParseHostTemplate("{{.Name}}-" + strings.Repeat("x", 20) + ".example.com")
	if err != nil {
		t.Fatal(err)
	}
	r := w.start(func(cfg *Config) { cfg.Hosts = hosts })
	name := strings.Repeat("n", 50)
	svc := w.service(name, exposed)
	e := w.hasEvent(svc, reasonInvalidHost)
	if !strings.Contains(e.Note, "71 characters, DNS allows 63") {
		t.Errorf("the Event says %q", e.Note)
	}
	r.settled(name)
	r.wrote("create events")
}

// Other settings reach the Ingresses there are, also where they say less: no trace
// of the class is left when it is not configured any more.
func TestChangedSettingsReachExistingIngresses(t *testing.T) {
	w := newWorld(t)
	svc := w.service("web", exposed)

	r := w.start(func(cfg *Config) { cfg.IngressClass = "ours" })
	r.hasIngress(svc, testSettings(t, DefaultHostTemplate, "ours"))
	r.settled("web")
	r.wrote("apply ingresses/web")
	r.stop()

	r = w.start()
	ing := r.hasIngress(svc)
	r.settled("web")
	r.wrote("apply ingresses/web")
	if ing.Spec.IngressClassName != nil {
		t.Errorf("its class is still %q", *ing.Spec.IngressClassName)
	}
	r.stop()

	const template = "{{.Name}}.{{.Namespace}}.apps.example.org"
	r = w.start(func(cfg *Config) { cfg.Hosts, _ = ParseHostTemplate(template) })
	r.hasIngress(svc, testSettings(t, template, ""))
	r.settled("web")
	r.wrote("apply ingresses/web")
	r.stop()

	// And the same settings again find nothing to do.
	r = w.start(func(cfg *Config) { cfg.Hosts, _ = ParseHostTemplate(template) })
	r.settled("web")
	r.wrote()
}

// What happened while no operator ran is made up for by the next one.
func TestChangesWhileNobodyWatchedAreMadeUpFor(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	for _, name := range []string{"annotation-went", "ingress-went", "edited", "as-it-was"} {
		r.hasIngress(w.service(name, exposed))
	}
	r.settled("as-it-was")
	r.stop()

	w.annotate("annotation-went", "")
	w.deleteIngress("ingress-went")
	w.patchIngress("edited", types.JSONPatchType, `[{"op": "remove", "path": "/spec/rules"}, {"op": "add", "path": "/spec/defaultBackend", "value": {"service": {"name": "x", "port": {"number": 1}}}}]`)
	svc := w.service("came", exposed)

	r = w.start()
	w.noIngress("annotation-went")
	for _, name := range []string{"ingress-went", "edited", "as-it-was", "came"} {
		svc, err := w.services.Get(w.ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r.hasIngress(svc)
		r.settled(name)
	}
	r.hasIngress(svc)
	r.settled("annotation-went")
	r.wrote("delete ingresses/annotation-went", "apply ingresses/ingress-went", "apply ingresses/edited", "apply ingresses/came")
}

// The ground that the writes stand on: what the API server does with their
// preconditions. The cache may be behind, and it must not matter.
func TestWritesAreRefusedWhenTheirGroundHasChanged(t *testing.T) {
	w := newWorld(t)
	svc := w.service("web", exposed)
	want, _ := testSettings(t, DefaultHostTemplate, "").desired(svc)
	write := writer{client.Of[networkingv1.Ingress](w.admin), testManager}
	theirs := w.foreign("web")
	created := func(_ *networkingv1.Ingress, err error) error { return err }
	repaired := func(have informer.Item[networkingv1.Ingress]) error {
		ing, err := have.Object()
		if err != nil {
			t.Fatal(err)
		}
		return created(write.repair(w.ctx, ing, want))
	}

	unchanged := func(what string, err error) {
		t.Helper()
		if !apierrors.IsConflict(err) {
			t.Errorf("%s: got %v, want a conflict", what, err)
		}
		now, err := w.ingresses.Get(w.ctx, "web", metav1.GetOptions{})
		if err != nil || now.ResourceVersion != theirs.ResourceVersion {
			t.Errorf("%s: the Ingress has changed: %v\n%s", what, err, asYAML(now))
		}
	}
	unchanged("create over a foreign one", created(write.create(w.ctx, want)))

	// The cache shows our own, which was replaced by a foreign one since.
	w.deleteIngress("web")
	if err := created(write.create(w.ctx, want)); err != nil {
		t.Fatal(err)
	}
	w.hasIngress(svc)
	ours, _ := w.seenIngresses.Item(w.namespace, "web")
	w.deleteIngress("web")
	theirs = w.foreign("web")
	unchanged("repair of one that was replaced", repaired(ours))
	unchanged("delete of one that was replaced", write.delete(w.ctx, ours))

	// The cache shows our own, which was handed to somebody else since.
	w.deleteIngress("web")
	if err := created(write.create(w.ctx, want)); err != nil {
		t.Fatal(err)
	}
	w.until("the new Ingress", func() error {
		if ours, _ = w.seenIngresses.Item(w.namespace, "web"); ours.Owner().UID != string(svc.UID) {
			return errors.New("not yet")
		}
		return nil
	})
	theirs = w.patchIngress("web", types.JSONPatchType, `[{"op":"remove","path":"/metadata/ownerReferences"}]`)
	unchanged("repair of one that was handed over", repaired(ours))
	unchanged("delete of one that was handed over", write.delete(w.ctx, ours))

	// And one that is gone is not made anew by a repair.
	w.deleteIngress("web")
	if err := repaired(ours); !apierrors.IsConflict(err) {
		t.Errorf("repair of one that is gone: got %v, want a conflict", err)
	}
	if _, err := w.ingresses.Get(w.ctx, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("repair of one that is gone: got it again, %v", err)
	}
}
