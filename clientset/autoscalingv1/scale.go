package autoscalingv1

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
)

// Scales returns the client of the scales of a resource in a namespace: of deployments.apps,
// replicasets.apps, statefulsets.apps, replicationcontrollers, or a custom resource that has the
// subresource scale.
//
//	web := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
//	scale, err := autoscalingv1.New(c).Scales(web, "default").Get(ctx, "web", metav1.GetOptions{})
func (c Client) Scales(resource schema.GroupVersionResource,
	namespace string) *client.Subresource[autoscalingv1.Scale] {
	return client.SubresourceAt[autoscalingv1.Scale](c.rest, resource, "scale").In(namespace)
}
