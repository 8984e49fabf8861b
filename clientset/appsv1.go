package clientset

import (
	appsv1 "k8s.io/api/apps/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// AppsV1 names the resources of apps/v1.
type AppsV1 struct{ rest *rest.Client }

// RESTClient returns a client whose requests go to apps/v1.
func (g AppsV1) RESTClient() *rest.Client { return g.rest.GroupVersion(appsv1.SchemeGroupVersion) }

// ControllerRevisions returns the client of controllerrevisions in a namespace; "" means all of
// them.
func (g AppsV1) ControllerRevisions(namespace string) *client.Client[appsv1.ControllerRevision] {
	return client.Of[appsv1.ControllerRevision](g.rest).In(namespace)
}

// DaemonSets returns the client of daemonsets in a namespace; "" means all of them.
func (g AppsV1) DaemonSets(namespace string) *client.Client[appsv1.DaemonSet] {
	return client.Of[appsv1.DaemonSet](g.rest).In(namespace)
}

// Deployments returns the client of deployments in a namespace; "" means all of them.
func (g AppsV1) Deployments(namespace string) *client.Client[appsv1.Deployment] {
	return client.Of[appsv1.Deployment](g.rest).In(namespace)
}

// ReplicaSets returns the client of replicasets in a namespace; "" means all of them.
func (g AppsV1) ReplicaSets(namespace string) *client.Client[appsv1.ReplicaSet] {
	return client.Of[appsv1.ReplicaSet](g.rest).In(namespace)
}

// StatefulSets returns the client of statefulsets in a namespace; "" means all of them.
func (g AppsV1) StatefulSets(namespace string) *client.Client[appsv1.StatefulSet] {
	return client.Of[appsv1.StatefulSet](g.rest).In(namespace)
}
