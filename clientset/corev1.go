package clientset

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// CoreV1 names the resources of the core group, v1.
type CoreV1 struct{ rest *rest.Client }

// RESTClient returns a client whose requests go to the core group, v1.
func (g CoreV1) RESTClient() *rest.Client { return g.rest.GroupVersion(corev1.SchemeGroupVersion) }

// Bindings returns the client of bindings in a namespace; "" means all of them. They can be created
// only, which puts a pod on a node.
func (g CoreV1) Bindings(namespace string) *client.Client[corev1.Binding] {
	return client.Of[corev1.Binding](g.rest).In(namespace)
}

// ComponentStatuses returns the client of componentstatuses, which are cluster-scoped.
//
// Deprecated: Kubernetes has given them up in v1.19. The server goes on to serve them.
func (g CoreV1) ComponentStatuses() *client.Client[corev1.ComponentStatus] {
	return client.Of[corev1.ComponentStatus](g.rest)
}

// ConfigMaps returns the client of configmaps in a namespace; "" means all of them.
func (g CoreV1) ConfigMaps(namespace string) *client.Client[corev1.ConfigMap] {
	return client.Of[corev1.ConfigMap](g.rest).In(namespace)
}

// Endpoints returns the client of endpoints in a namespace; "" means all of them.
//
// Deprecated: Kubernetes has replaced them by the endpoint slices of discovery.k8s.io/v1 in v1.33.
// The server goes on to serve them.
func (g CoreV1) Endpoints(namespace string) *client.Client[corev1.Endpoints] {
	return client.Of[corev1.Endpoints](g.rest).In(namespace)
}

// Events returns the client of events in a namespace; "" means all of them.
func (g CoreV1) Events(namespace string) *client.Client[corev1.Event] {
	return client.Of[corev1.Event](g.rest).In(namespace)
}

// LimitRanges returns the client of limitranges in a namespace; "" means all of them.
func (g CoreV1) LimitRanges(namespace string) *client.Client[corev1.LimitRange] {
	return client.Of[corev1.LimitRange](g.rest).In(namespace)
}

// Namespaces returns the client of namespaces, which are cluster-scoped.
func (g CoreV1) Namespaces() *client.Client[corev1.Namespace] {
	return client.Of[corev1.Namespace](g.rest)
}

// Nodes returns the client of nodes, which are cluster-scoped.
func (g CoreV1) Nodes() *client.Client[corev1.Node] {
	return client.Of[corev1.Node](g.rest)
}

// PersistentVolumeClaims returns the client of persistentvolumeclaims in a namespace; "" means all
// of them.
func (g CoreV1) PersistentVolumeClaims(
	namespace string) *client.Client[corev1.PersistentVolumeClaim] {
	return client.Of[corev1.PersistentVolumeClaim](g.rest).In(namespace)
}

// PersistentVolumes returns the client of persistentvolumes, which are cluster-scoped.
func (g CoreV1) PersistentVolumes() *client.Client[corev1.PersistentVolume] {
	return client.Of[corev1.PersistentVolume](g.rest)
}

// Pods returns the client of pods in a namespace; "" means all of them.
func (g CoreV1) Pods(namespace string) *client.Client[corev1.Pod] {
	return client.Of[corev1.Pod](g.rest).In(namespace)
}

// PodTemplates returns the client of podtemplates in a namespace; "" means all of them.
func (g CoreV1) PodTemplates(namespace string) *client.Client[corev1.PodTemplate] {
	return client.Of[corev1.PodTemplate](g.rest).In(namespace)
}

// ReplicationControllers returns the client of replicationcontrollers in a namespace; "" means all
// of them.
func (g CoreV1) ReplicationControllers(
	namespace string) *client.Client[corev1.ReplicationController] {
	return client.Of[corev1.ReplicationController](g.rest).In(namespace)
}

// ResourceQuotas returns the client of resourcequotas in a namespace; "" means all of them.
func (g CoreV1) ResourceQuotas(namespace string) *client.Client[corev1.ResourceQuota] {
	return client.Of[corev1.ResourceQuota](g.rest).In(namespace)
}

// Secrets returns the client of secrets in a namespace; "" means all of them.
func (g CoreV1) Secrets(namespace string) *client.Client[corev1.Secret] {
	return client.Of[corev1.Secret](g.rest).In(namespace)
}

// ServiceAccounts returns the client of serviceaccounts in a namespace; "" means all of them.
func (g CoreV1) ServiceAccounts(namespace string) *client.Client[corev1.ServiceAccount] {
	return client.Of[corev1.ServiceAccount](g.rest).In(namespace)
}

// Services returns the client of services in a namespace; "" means all of them.
func (g CoreV1) Services(namespace string) *client.Client[corev1.Service] {
	return client.Of[corev1.Service](g.rest).In(namespace)
}
