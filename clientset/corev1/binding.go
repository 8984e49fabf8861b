package corev1

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
)

// PodBindings returns the client of pods/binding in a namespace: Create puts the pod of that name on
// the node that the Binding's target names, as a scheduler does.
func (c Client) PodBindings(namespace string) *client.Subresource[corev1.Binding] {
	return client.SubresourceOf[corev1.Binding](c.Pods(namespace), "binding")
}
