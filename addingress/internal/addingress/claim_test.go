package addingress

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// oneHost is a template that makes one host for all Services of a namespace.
func oneHost(t *testing.T) settings {
	t.Helper()
	return testSettings(t, "{{.Namespace}}.example.com", "")
}

// Of the Services that have the same host the first one has the Ingress, and the others are told
// whose it is. When it goes, the next one gets the host.
func TestHostOfSeveralServices(t *testing.T) {
	for _, before := range []bool{true, false} {
		t.Run(fmt.Sprint("made before the operator starts: ", before), func(t *testing.T) {
			w := newWorld(t)
			by := oneHost(t)
			var r *running
			if !before {
				r = w.start(func(cfg *Config) { cfg.Hosts = by.hosts })
			}
			a, b, c := w.service("a", exposed), w.service("b", exposed), w.service("c", exposed)
			if before {
				r = w.start(func(cfg *Config) { cfg.Hosts = by.hosts })
			}
			r.hasIngress(a, by)
			for _, svc := range []*corev1.Service{b, c} {
				e := w.hasEvent(svc, reasonHostTaken)
				for _, part := range []string{w.namespace + ".example.com", w.namespace + "/a", "--host-template", Annotation} {
					if !strings.Contains(e.Note, part) {
						t.Errorf("the Event of %s does not say %q: %s", svc.Name, part, e.Note)
					}
				}
			}
			for _, name := range []string{"a", "b", "c"} {
				r.settled(name)
			}
			r.wrote("apply ingresses/a", "create events", "create events")
			w.noIngress("b")
			if n := len(w.eventsAbout(a)); n != 0 {
				t.Errorf("the first one has %d Events", n)
			}

			w.deleteService("a")
			r.hasIngress(b, by)
			w.noIngress("c")
			w.annotate("b", "")
			r.hasIngress(c, by)
			w.noIngress("b")
			// Whoever comes back is the later one now, whatever its age.
			w.annotate("b", "true")
			w.until("an Event that names c", func() error {
				for _, e := range w.eventsAbout(b) {
					if e.Reason == reasonHostTaken && strings.Contains(e.Note, w.namespace+"/c") {
						return nil
					}
				}
				return fmt.Errorf("there are %d others", len(w.eventsAbout(b)))
			})
			w.noIngress("b")
		})
	}
}

// A Service that cannot be exposed keeps its host from nobody.
func TestHostOfAServiceThatCannotBeExposed(t *testing.T) {
	w := newWorld(t)
	by := oneHost(t)
	a := w.service("a", exposed, func(svc *corev1.Service) { svc.Spec.Ports = ports(udp("http", 80)) })
	b := w.service("b", exposed)
	r := w.start(func(cfg *Config) { cfg.Hosts = by.hosts })
	r.hasIngress(b, by)
	w.hasEvent(a, reasonNotTCP)

	// And it gets the host from nobody who has it.
	w.patchService("a", `{"spec":{"ports":[{"name":"http","port":80,"protocol":"TCP"}]}}`)
	w.hasEvent(a, reasonHostTaken)
	w.patchService("b", `{"spec":{"ports":[{"name":"http","port":80,"protocol":"UDP"}]}}`)
	w.hasEvent(b, reasonNotTCP)
	r.settled("a")
	w.noIngress("a") // the Ingress of b stays, and so does its host
	w.deleteService("b")
	r.hasIngress(a, by)
}

// An Ingress that somebody edits takes no host away.
func TestHostInAnEditedIngress(t *testing.T) {
	w := newWorld(t)
	first, second := w.service("first", exposed), w.service("second", exposed)
	r := w.start()
	r.hasIngress(first)
	host := r.hasIngress(second).Spec.Rules[0].Host
	r.settled("first")
	r.settled("second")
	w.patchIngress("first", types.JSONPatchType, `[{"op": "replace", "path": "/spec/rules/0/host", "value": "`+host+`"}]`)
	w.deleteIngress("second")
	r.hasIngress(second)
	r.hasIngress(first)
	if n := len(w.eventsAbout(second)); n != 0 {
		t.Errorf("%d Events", n)
	}
}

// Settings that make hosts equal leave the Ingresses of the later ones as they are.
func TestHostThatBecomesTheSame(t *testing.T) {
	w := newWorld(t)
	a, b := w.service("a", exposed), w.service("b", exposed)
	r := w.start()
	r.hasIngress(a)
	r.hasIngress(b)
	r.stop()

	r = w.start(func(cfg *Config) { cfg.Hosts = oneHost(t).hosts })
	r.hasIngress(a, oneHost(t))
	w.hasEvent(b, reasonHostTaken)
	r.settled("b")
	r.hasIngress(b) // as before
	r.wrote("apply ingresses/a", "create events")
}
