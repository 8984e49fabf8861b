package clientset

import (
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// NetworkingV1 names the resources of networking.k8s.io/v1.
type NetworkingV1 struct{ rest *rest.Client }

// RESTClient returns a client whose requests go to networking.k8s.io/v1.
func (g NetworkingV1) RESTClient() *rest.Client {
	return g.rest.GroupVersion(networkingv1.SchemeGroupVersion)
}

// IngressClasses returns the client of ingressclasses, which are cluster-scoped.
func (g NetworkingV1) IngressClasses() *client.Client[networkingv1.IngressClass] {
	return client.Of[networkingv1.IngressClass](g.rest)
}

// Ingresses returns the client of ingresses in a namespace; "" means all of them.
func (g NetworkingV1) Ingresses(namespace string) *client.Client[networkingv1.Ingress] {
	return client.Of[networkingv1.Ingress](g.rest).In(namespace)
}

// IPAddresses returns the client of ipaddresses, which are cluster-scoped.
func (g NetworkingV1) IPAddresses() *client.Client[networkingv1.IPAddress] {
	return client.Of[networkingv1.IPAddress](g.rest)
}

// NetworkPolicies returns the client of networkpolicies in a namespace; "" means all of them.
func (g NetworkingV1) NetworkPolicies(namespace string) *client.Client[networkingv1.NetworkPolicy] {
	return client.Of[networkingv1.NetworkPolicy](g.rest).In(namespace)
}

// ServiceCIDRs returns the client of servicecidrs, which are cluster-scoped.
func (g NetworkingV1) ServiceCIDRs() *client.Client[networkingv1.ServiceCIDR] {
	return client.Of[networkingv1.ServiceCIDR](g.rest)
}
