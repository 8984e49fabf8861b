package addingress

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func testSettings(t *testing.T, template, class string) settings {
	t.Helper()
	hosts, err := ParseHostTemplate(template)
	if err != nil {
		t.Fatal(err)
	}
	return settings{hosts: hosts, class: class, instance: DefaultInstance}
}

func testService(ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u1"},
		Spec:       corev1.ServiceSpec{Ports: ports},
	}
}

func TestDesiredIngress(t *testing.T) {
	svc := testService(corev1.ServicePort{Port: 8080, Protocol: corev1.ProtocolTCP}, corev1.ServicePort{Name: "metrics", Port: 9090})
	got, p := testSettings(t, DefaultHostTemplate, "").desired(svc)
	if p != nil {
		t.Fatal(p.note)
	}
	delete(got.Annotations, AppliedAnnotation)
	data, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const want = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  ownerReferences:
  - apiVersion: v1
    controller: true
    kind: Service
    name: web
    uid: u1
spec:
  rules:
  - host: web.shop.example.com
    http:
      paths:
      - backend:
          service:
            name: web
            port:
              number: 8080
        path: /
        pathType: Prefix
status:
  loadBalancer: {}
`
	if string(data) != want {
		t.Errorf("got\n%s\nwant\n%s", data, want)
	}
}

// Whoever reads the Event of a Service that cannot be exposed finds the reason
// and what to do.
func TestServicesThatCannotBeExposed(t *testing.T) {
	headless := testService()
	headless.Spec.ClusterIP = corev1.ClusterIPNone
	external := testService()
	external.Spec.Type = corev1.ServiceTypeExternalName
	longName := testService(corev1.ServicePort{Port: 80})
	longName.Name = strings.Repeat("w", 60)

	for _, tt := range []struct {
		name     string
		svc      *corev1.Service
		template string
		reason   string
		says     []string
	}{
		{"no ports", testService(), DefaultHostTemplate, reasonNoPorts, []string{"has no ports", "Add a port", "remove the annotation ingress/http"}},
		{"headless without ports", headless, DefaultHostTemplate, reasonNoPorts, []string{"headless", "Add a port"}},
		{"external name without ports", external, DefaultHostTemplate, reasonNoPorts, []string{"ExternalName", "has no ports"}},
		{"no port is TCP", testService(corev1.ServicePort{Port: 53, Protocol: corev1.ProtocolUDP}, corev1.ServicePort{Port: 80, Protocol: corev1.ProtocolSCTP}),
			DefaultHostTemplate, reasonNotTCP, []string{"53/UDP, 80/SCTP", "Add a TCP port"}},
		{"host too long", longName, "{{.Name}}-{{.Namespace}}.example.com", reasonInvalidHost,
			[]string{"DNS allows 63", "another name", "--host-template", "{{.Name}}-{{.Namespace}}.example.com"}},
	} {
		ing, p := testSettings(t, tt.template, "").desired(tt.svc)
		if p == nil {
			t.Errorf("%s: exposed: %+v", tt.name, ing)
			continue
		}
		if p.reason != tt.reason {
			t.Errorf("%s: reason %s, want %s", tt.name, p.reason, tt.reason)
		}
		for _, part := range tt.says {
			if !strings.Contains(p.note, part) {
				t.Errorf("%s: %q does not say %q", tt.name, p.note, part)
			}
		}
	}
}

// Every part that addingress owns is looked at, and nothing else is.
func TestUpToDate(t *testing.T) {
	svc := testService(corev1.ServicePort{Name: "http", Port: 80})
	yes := true
	for _, tt := range []struct {
		name  string
		class string // the one configured
		edit  func(*networkingv1.Ingress)
		want  bool
	}{
		{"as applied", "", func(*networkingv1.Ingress) {}, true},
		{"as applied, with a class", "nginx", func(*networkingv1.Ingress) {}, true},

		{"others add TLS", "", func(i *networkingv1.Ingress) {
			i.Spec.TLS = []networkingv1.IngressTLS{{SecretName: "s"}}
		}, true},
		{"others add annotations and labels", "", func(i *networkingv1.Ingress) {
			i.Annotations["x"], i.Labels = "y", map[string]string{"a": "b"}
		}, true},
		{"others set the class, or the cluster's default did", "", func(i *networkingv1.Ingress) {
			i.Spec.IngressClassName = new("other")
		}, true},
		{"others add an owner", "", func(i *networkingv1.Ingress) {
			i.OwnerReferences = append([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "c", UID: "u2"}}, i.OwnerReferences...)
		}, true},
		{"the controller sets a status", "", func(i *networkingv1.Ingress) {
			i.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "192.0.2.1"}}
		}, true},
		{"blockOwnerDeletion is others'", "", func(i *networkingv1.Ingress) { i.OwnerReferences[0].BlockOwnerDeletion = &yes }, true},

		{"host", "", func(i *networkingv1.Ingress) { i.Spec.Rules[0].Host = "evil.example.com" }, false},
		{"path", "", func(i *networkingv1.Ingress) { i.Spec.Rules[0].HTTP.Paths[0].Path = "/x" }, false},
		{"path type", "", func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths[0].PathType = new(networkingv1.PathTypeExact)
		}, false},
		{"backend service", "", func(i *networkingv1.Ingress) { i.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name = "x" }, false},
		{"backend port", "", func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port = networkingv1.ServiceBackendPort{Number: 81}
		}, false},
		{"another path", "", func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths = append(i.Spec.Rules[0].HTTP.Paths, networkingv1.HTTPIngressPath{Path: "/x"})
		}, false},
		{"another rule", "", func(i *networkingv1.Ingress) {
			i.Spec.Rules = append(i.Spec.Rules, networkingv1.IngressRule{Host: "x.example.com"})
		}, false},
		{"no rules", "", func(i *networkingv1.Ingress) { i.Spec.Rules = nil }, false},
		{"class", "nginx", func(i *networkingv1.Ingress) { i.Spec.IngressClassName = new("other") }, false},
		{"class gone", "nginx", func(i *networkingv1.Ingress) { i.Spec.IngressClassName = nil }, false},
		{"owner's name", "", func(i *networkingv1.Ingress) { i.OwnerReferences[0].Name = "x" }, false},
		{"owner's kind", "", func(i *networkingv1.Ingress) { i.OwnerReferences[0].Kind = "Secret" }, false},
		{"no owner", "", func(i *networkingv1.Ingress) { i.OwnerReferences = nil }, false},
		{"annotation gone", "", func(i *networkingv1.Ingress) { i.Annotations = nil }, false},
		{"annotation edited", "", func(i *networkingv1.Ingress) { i.Annotations[AppliedAnnotation] = "x" }, false},
	} {
		want, p := testSettings(t, DefaultHostTemplate, tt.class).desired(svc)
		if p != nil {
			t.Fatal(p.note)
		}
		have := want.DeepCopy()
		tt.edit(have)
		if got := upToDate(have, want); got != tt.want {
			t.Errorf("%s: up to date %v, want %v", tt.name, got, tt.want)
		}
	}
}

// What was said with other settings shows, even where only less is said now.
func TestChangedSettingsAreNotUpToDate(t *testing.T) {
	svc := testService(corev1.ServicePort{Port: 80})
	before, _ := testSettings(t, DefaultHostTemplate, "nginx").desired(svc)
	for _, now := range []settings{
		testSettings(t, DefaultHostTemplate, ""), // the class is not said any more
		testSettings(t, DefaultHostTemplate, "other"),
		testSettings(t, "{{.Name}}.{{.Namespace}}.example.org", "nginx"),
	} {
		if want, _ := now.desired(svc); upToDate(before, want) {
			t.Errorf("with class %q and hosts %s: up to date", now.class, now.hosts)
		}
	}
}
