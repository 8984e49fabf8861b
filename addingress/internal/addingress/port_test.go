package addingress

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// portNames are names that the API server takes for a Service's port, and whether
// an Ingress may refer to the port by that name.
var portNames = []struct {
	name      string
	inIngress bool
}{
	{"http", true},
	{"h", true},
	{"8080-tcp", true},
	{"a8", true},
	{strings.Repeat("a", 14), true},
	{strings.Repeat("a", 15), true},
	{"abc-def-ghi-jkl", true}, // 15
	{strings.Repeat("a", 16), false},
	{strings.Repeat("a", 63), false},
	{"abc-def-ghi-jkl-mno", false},
	{"80", false}, // kubectl create service clusterip --tcp=80
	{"80-80", false},
	{"8", false},
	{"a--b", false},
	{"grpc--web", false},
}

func TestBackendIsThePortsNameWhereAnIngressTakesIt(t *testing.T) {
	for _, tt := range append(portNames, []struct {
		name      string
		inIngress bool
	}{
		// No Service has these; whatever comes, the Ingress is not to be refused for it.
		{"HTTP", false},
		{"-http", false},
		{"http-", false},
		{"ht_tp", false},
	}...) {
		want := networkingv1.ServiceBackendPort{Number: 8080}
		if tt.inIngress {
			want = networkingv1.ServiceBackendPort{Name: tt.name}
		}
		got, p := backendPort(testService(corev1.ServicePort{Name: tt.name, Port: 8080}))
		if p != nil || got != want {
			t.Errorf("port %q: got %+v, %+v; want %+v", tt.name, got, p, want)
		}
	}
}

// The API server takes the Ingress of every Service that it takes, whatever the
// port's name, and refuses the names that are not used: the rule gives up none that
// would do.
func TestEveryPortNameOfAServiceMakesAnIngress(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	for i, tt := range portNames {
		name := fmt.Sprintf("web-%d", i)
		svc := w.service(name, exposed, func(svc *corev1.Service) {
			svc.Spec.Ports = []corev1.ServicePort{{Name: tt.name, Port: 8080}}
		})
		backend := r.hasIngress(svc).Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port
		if named := backend.Name == tt.name && backend.Number == 0; named != tt.inIngress {
			t.Errorf("port %q: the Ingress refers to %+v, by name: want %v", tt.name, backend, tt.inIngress)
		}
		if events := w.eventsAbout(svc); len(events) != 0 {
			t.Errorf("port %q: Events: %+v", tt.name, events)
		}

		_, err := w.ingresses.Create(w.ctx, &networkingv1.Ingress{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("by-name-%d", i)},
			Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
				Service: &networkingv1.IngressServiceBackend{Name: name, Port: networkingv1.ServiceBackendPort{Name: tt.name}},
			}},
		}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if taken := err == nil; taken != tt.inIngress {
			t.Errorf("port %q: an Ingress that names it: error %v, want it taken: %v", tt.name, err, tt.inIngress)
		}
	}
}

// A port that gets a name which an Ingress does not take is followed by its number.
func TestIngressFollowsAPortToItsNumber(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	r.hasIngress(svc)
	r.settled("web")
	r.wrote("apply ingresses/web")

	w.patchService("web", `{"spec":{"ports":[{"name":"http-for-everybody","port":8080}]}}`)
	w.until("the port by its number", func() error {
		ing, err := w.seenIngresses.Get(w.namespace, "web")
		if err != nil {
			return err
		}
		if port := ing.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port; port.Number != 8080 || port.Name != "" {
			return fmt.Errorf("it is %+v", port)
		}
		return nil
	})
	r.settled("web")
	r.wrote("apply ingresses/web")
}
