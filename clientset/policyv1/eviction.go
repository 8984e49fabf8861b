package policyv1

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
)

// Evictions returns the client of pods/eviction in a namespace: Create evicts the pod of that name.
// If a PodDisruptionBudget does not allow that now, apierrors.IsTooManyRequests holds for the error.
func (c Client) Evictions(namespace string) *client.Subresource[policyv1.Eviction] {
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	return client.SubresourceAt[policyv1.Eviction](c.rest, pods, "eviction").In(namespace)
}
