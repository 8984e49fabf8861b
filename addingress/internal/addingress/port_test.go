package addingress

import (
	"fmt"
	"slices"
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

// backends are Services' ports, and the port that the Ingress is to refer to.
var backends = []struct {
	name  string
	ports []corev1.ServicePort
	want  networkingv1.ServiceBackendPort
}{
	{"one without a name", ports(port("", 80)), byNumber(80)},
	{"one with a name", ports(port("http", 80)), byName("http")},

	{"a name http", ports(port("metrics", 9090), port("http", 3000)), byName("http")},
	{"https before http", ports(port("https", 443), port("http", 80)), byName("http")},
	{"a name http before an earlier http-", ports(port("http-admin", 1), port("http", 2)), byName("http")},
	{"a name http-", ports(port("metrics", 9090), port("http-web", 3000)), byName("http-web")},
	{"the first name http-", ports(port("http-b", 2), port("http-a", 1)), byName("http-b")},
	{"a name http- before 80", ports(port("a", 80), port("http-b", 2)), byName("http-b")},
	{"httpx is no http-", ports(port("a", 1), port("httpx", 2)), byName("a")},
	{"80", ports(port("a", 1), port("b", 80)), byName("b")},
	{"8080", ports(port("a", 1), port("b", 8080)), byName("b")},
	{"80 before 8080", ports(port("a", 8080), port("b", 80)), byName("b")},
	{"8081 is no 8080", ports(port("a", 1), port("b", 8081), port("c", 79)), byName("a")},
	{"the first", ports(port("a", 1), port("b", 2)), byName("a")},

	{"UDP first", ports(udp("dns", 53), port("tcp", 54)), byName("tcp")},
	{"SCTP first", ports(sctp("s", 80), port("t", 54)), byName("t")},
	{"UDP named http", ports(udp("http", 80), port("other", 81)), byName("other")},
	{"UDP with appProtocol http", ports(app("http", udp("a", 80)), port("b", 81)), byName("b")},
	{"a later one is UDP", ports(port("a", 1), udp("b", 2)), byName("a")},

	{"appProtocol http", ports(port("http", 80), app("http", port("a", 1))), byName("a")},
	{"appProtocol HTTP", ports(port("http", 80), app("HTTP", port("a", 1))), byName("a")},
	{"the first appProtocol http", ports(app("http", port("a", 1)), app("http", port("http", 80))), byName("a")},
	{"appProtocol h2c", ports(port("http", 80), app("kubernetes.io/h2c", port("a", 1))), byName("a")},
	{"appProtocol ws", ports(port("http", 80), app("kubernetes.io/ws", port("a", 1))), byName("a")},
	{"appProtocol http before an earlier h2c", ports(app("kubernetes.io/h2c", port("a", 1)), app("http", port("b", 2))), byName("b")},
	{"appProtocol https is no http", ports(app("https", port("http", 80)), port("a", 1)), byName("a")},
	{"appProtocol wss is no http", ports(app("kubernetes.io/wss", port("http", 80)), port("a", 1)), byName("a")},
	{"appProtocol of a database", ports(app("example.com/sql", port("a", 80)), port("b", 1)), byName("b")},
	{"appProtocol grpc of all", ports(app("grpc", port("a", 1)), app("grpc", port("b", 80))), byName("a")},
	{"an empty appProtocol", ports(port("a", 1), app("", port("http", 2))), byName("http")},

	{"no name, not the first", ports(udp("", 53), port("", 54)), byNumber(54)},
}

func ports(p ...corev1.ServicePort) []corev1.ServicePort { return p }

func port(name string, number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: number}
}

func udp(name string, number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: number, Protocol: corev1.ProtocolUDP}
}

func sctp(name string, number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: number, Protocol: corev1.ProtocolSCTP}
}

func app(protocol string, p corev1.ServicePort) corev1.ServicePort {
	p.AppProtocol = &protocol
	return p
}

func byName(name string) networkingv1.ServiceBackendPort {
	return networkingv1.ServiceBackendPort{Name: name}
}

func byNumber(number int32) networkingv1.ServiceBackendPort {
	return networkingv1.ServiceBackendPort{Number: number}
}

func TestBackendIsThePortThatSpeaksHTTP(t *testing.T) {
	for _, tt := range backends {
		got, p := backendPort(testService(tt.ports...))
		if p != nil || got != tt.want {
			t.Errorf("%s: got %+v, %+v; want %+v", tt.name, got, p, tt.want)
		}
	}
}

// The same on the control plane, where Services of other types get the same Ingress as well.
func TestBackendOfServicesOnTheControlPlane(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	kinds := []struct {
		name string
		make func(*corev1.Service)
	}{
		{"cluster-ip", func(*corev1.Service) {}},
		{"headless", func(svc *corev1.Service) { svc.Spec.ClusterIP = corev1.ClusterIPNone }},
		{"external-name", func(svc *corev1.Service) {
			svc.Spec.Type, svc.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.org"
		}},
	}
	for i, tt := range backends {
		if slices.ContainsFunc(tt.ports, func(p corev1.ServicePort) bool {
			return p.Name == "" && len(tt.ports) > 1 || p.AppProtocol != nil && *p.AppProtocol == ""
		}) {
			continue // no Service has these
		}
		kind := kinds[i%len(kinds)]
		name := fmt.Sprintf("%s-%d", kind.name, i)
		svc := w.service(name, exposed, kind.make, func(svc *corev1.Service) { svc.Spec.Ports = tt.ports })
		got := r.hasIngress(svc).Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port
		if got != tt.want {
			t.Errorf("%s of %s: got %+v; want %+v", tt.name, kind.name, got, tt.want)
		}
		if events := w.eventsAbout(svc); len(events) != 0 {
			t.Errorf("%s of %s: Events: %+v", tt.name, kind.name, events)
		}
	}
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
