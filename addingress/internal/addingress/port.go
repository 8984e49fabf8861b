package addingress

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// backendPort returns the port of svc to which its Ingress sends requests, or the problem because
// of which it has none. choosePort chooses it.
//
// The Ingress refers to the port by its name where it may, because a name stays right when the
// number changes, and by its number otherwise. A Service may name a port as any DNS label ("80", or
// 63 characters). The API server takes in an Ingress only an IANA service name: at most 15
// characters with a letter among them, and no two hyphens in a row.
func backendPort(svc *corev1.Service) (networkingv1.ServiceBackendPort, *problem) {
	port := choosePort(svc.Spec.Ports)
	switch {
	case len(svc.Spec.Ports) == 0:
		return networkingv1.ServiceBackendPort{}, noPorts(svc)
	case port == nil:
		return networkingv1.ServiceBackendPort{}, noTCP(svc)
	case port.Name != "" && len(validation.IsValidPortName(port.Name)) == 0:
		return networkingv1.ServiceBackendPort{Name: port.Name}, nil
	}
	return networkingv1.ServiceBackendPort{Number: port.Port}, nil
}

// portRules are the rules by which choosePort prefers a port, the strongest first.
var portRules = []func(*corev1.ServicePort) bool{
	func(p *corev1.ServicePort) bool { return speaks(p) == protocolHTTP },
	func(p *corev1.ServicePort) bool { return speaks(p) == protocolOnHTTP },
	func(p *corev1.ServicePort) bool { return unsaid(p) && p.Name == "http" },
	func(p *corev1.ServicePort) bool { return unsaid(p) && strings.HasPrefix(p.Name, "http-") },
	func(p *corev1.ServicePort) bool { return unsaid(p) && p.Port == 80 },
	func(p *corev1.ServicePort) bool { return unsaid(p) && p.Port == 8080 },
	unsaid,
	func(*corev1.ServicePort) bool { return true },
}

// choosePort returns the TCP port that is most likely to speak HTTP: the first one of those that
// the strongest rule holds for. It returns nil if no port is TCP.
func choosePort(ports []corev1.ServicePort) *corev1.ServicePort {
	for _, rule := range portRules {
		i := slices.IndexFunc(ports, func(p corev1.ServicePort) bool { return isTCP(&p) && rule(&p) })
		if i >= 0 {
			return &ports[i]
		}
	}
	return nil
}

// isTCP reports whether the port is TCP, which is also the default.
func isTCP(p *corev1.ServicePort) bool {
	return p.Protocol == "" || p.Protocol == corev1.ProtocolTCP
}

// What a port's appProtocol says of it.
const (
	protocolUnsaid = iota
	protocolHTTP   // HTTP without TLS
	protocolOnHTTP // what an ingress controller reaches over HTTP without TLS
	protocolOther  // TLS, or no HTTP
)

// speaks returns what the port's appProtocol says of it. An appProtocol is an IANA service name, or
// one of the names that Kubernetes defines (KEP-3726), or a name with another prefix.
func speaks(p *corev1.ServicePort) int {
	if p.AppProtocol == nil || *p.AppProtocol == "" {
		return protocolUnsaid
	}
	switch strings.ToLower(*p.AppProtocol) {
	case "http":
		return protocolHTTP
	case "http-alt", "kubernetes.io/h2c", "kubernetes.io/ws":
		return protocolOnHTTP
	}
	return protocolOther
}

// unsaid reports whether the port has no appProtocol, so that its name and number are all there is.
func unsaid(p *corev1.ServicePort) bool { return speaks(p) == protocolUnsaid }

func noPorts(svc *corev1.Service) *problem {
	what := "The Service has no ports"
	switch {
	case svc.Spec.Type == corev1.ServiceTypeExternalName:
		what = "The Service is an ExternalName and has no ports"
	case svc.Spec.ClusterIP == corev1.ClusterIPNone:
		what = "The Service is headless and has no ports"
	}
	return &problem{reasonNoPorts, what +
		", so an Ingress would have nothing to send requests to. Add a port that speaks HTTP to " +
		"spec.ports, or remove the annotation " + Annotation + "."}
}

func noTCP(svc *corev1.Service) *problem {
	var ports []string
	for _, p := range svc.Spec.Ports {
		ports = append(ports, fmt.Sprintf("%d/%s", p.Port, p.Protocol))
	}
	return &problem{reasonNotTCP, fmt.Sprintf(
		"No port of the Service is TCP (it has %s), and an Ingress sends HTTP over TCP. Add a TCP "+
			"port that speaks HTTP to spec.ports, or remove the annotation %s.",
		list(ports, 5), Annotation)}
}

// list joins the first n of words, and says how many more there are.
func list(words []string, n int) string {
	if len(words) <= n {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:n], ", "), len(words)-n)
}
