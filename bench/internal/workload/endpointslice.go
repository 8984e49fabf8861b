package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// newEndpointSlices returns a slice for each Deployment: its Service's. They are changed whenever a
// pod is, so that each revision has other endpoints that are not ready.
func newEndpointSlices(seed uint64, pods *Pods) Source {
	type slice struct {
		named
		deployment int
	}
	all := make([]slice, len(pods.deployments))
	for d, of := range pods.deployments {
		g := generatorOf(seed, 's', uint64(d))
		all[d] = slice{named{of.namespace, of.name + "-" + g.suffixString(suffixLen)}, d}
	}
	slices.SortFunc(all, func(a, b slice) int { return a.order(b.named) })
	names := make([]named, len(all))
	for i, s := range all {
		names[i] = s.named
	}
	m := &made{
		info: Info{schema.GroupVersionKind{Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice"}, "endpointslices", true, true},
		seed: seed, names: names,
	}
	m.make = func(i int, s State) runtime.Object {
		return endpointSlice(pods, all[i].deployment, s)
	}
	m.meta = func(i int, s State) *metav1.ObjectMeta {
		service := pods.deployments[all[i].deployment].name
		g := m.generator('o', i, 0)
		meta := &metav1.ObjectMeta{
			GenerateName: service + "-", Generation: int64(s.Revision) + 1,
			Labels: map[string]string{
				"app.kubernetes.io/name": service, "kubernetes.io/service-name": service,
				"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
			},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: service, UID: types.UID(g.uuidString()),
				Controller: new(true), BlockOwnerDeletion: new(true)}},
		}
		meta.ManagedFields = []metav1.ManagedFieldsEntry{managed("kube-controller-manager", "discovery.k8s.io/v1", "",
			beginning+int64(s.Revision)*30, map[string]any{
				"addressType": nil, "endpoints": nil, "ports": nil, // lists that are replaced as a whole
				"metadata": only(tree(meta), "generateName", "labels", "ownerReferences"),
			})}
		return meta
	}
	return m
}

// unready is how many endpoints of a slice are not ready, once it has changed.
const unready = 2

func endpointSlice(pods *Pods, d int, s State) *discoveryv1.EndpointSlice {
	e := &discoveryv1.EndpointSlice{
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{
			{Name: new("http"), Port: new(int32(8080)), Protocol: new(corev1.ProtocolTCP)},
			{Name: new("metrics"), Port: new(int32(9090)), Protocol: new(corev1.ProtocolTCP)},
		},
	}
	of := pods.deployments[d]
	first := d * podsPerDeployment
	last := min(first+podsPerDeployment, pods.n)
	replicaSet := pods.replicaSet(d, s.Generation)
	g := generatorOf(pods.seed, 'u', uint64(d), uint64(s.Revision))
	down := make(map[int]bool)
	if s.Revision > 0 {
		for range unready {
			down[first+g.below(last-first)] = true
		}
	}
	for i := first; i < last; i++ {
		v := pods.values(i, State{Version: pods.First(i).Version, Generation: s.Generation})
		e.Endpoints = append(e.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{v.text(slotPodIP)},
			Conditions: discoveryv1.EndpointConditions{Ready: new(!down[i]), Serving: new(!down[i]), Terminating: new(false)},
			NodeName:   new(v.text(slotNode)), Zone: new("europe-west1-" + string("bcd"[i%3])),
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: of.namespace,
				Name: replicaSet + "-" + v.text(slotName), UID: types.UID(v.text(slotUID))},
		})
	}
	return e
}
