package workload

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const nodeNameLen = len("gke-prod-general-3f2a9c1b-x7k2")

// nodeNames returns the names of n nodes, in order.
func nodeNames(seed uint64, n int) []string {
	g := generatorOf(seed, 'n')
	names := make([]string, 0, n)
	taken := make(map[string]bool)
	pool := ""
	for len(names) < n {
		if len(names)%50 == 0 {
			pool = "gke-prod-" + pick(&g, []string{"general", "compute", "memhigh"}) + "-" + g.hexString(8) + "-"
		}
		name := pool + g.suffixString(4)
		if !taken[name] {
			taken[name] = true
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func newNodes(seed uint64, nodes []string) Source {
	names := make([]named, len(nodes))
	for i, name := range nodes {
		names[i].name = name
	}
	m := &made{
		info: Info{schema.GroupVersionKind{Version: "v1", Kind: "Node"}, "nodes", false, true},
		seed: seed, names: names,
	}
	m.make = func(i int, s State) runtime.Object {
		var address [addressLen]byte
		nodeAddress(address[:], i)
		return node(m.generator('n', i, s.Generation), seed, m.Name(i, s), string(address[:]), s)
	}
	m.meta = func(i int, s State) *metav1.ObjectMeta {
		return nodeMeta(m.generator('l', i, s.Generation), m.Name(i, s), m.make(i, s).(*corev1.Node))
	}
	return m
}

func nodeMeta(g generator, name string, n *corev1.Node) *metav1.ObjectMeta {
	pool := strings.Split(name, "-")[2]
	zone := "europe-west1-" + pick(&g, []string{"b", "c", "d"})
	status := tree(n)["status"]
	return &metav1.ObjectMeta{
		Labels: map[string]string{
			"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
			"beta.kubernetes.io/instance-type": "n2-standard-16", "node.kubernetes.io/instance-type": "n2-standard-16",
			"cloud.google.com/gke-nodepool": pool, "kubernetes.io/hostname": name, "topology.kubernetes.io/region": "europe-west1",
			"topology.kubernetes.io/zone": zone, "failure-domain.beta.kubernetes.io/zone": zone,
		},
		Annotations: map[string]string{
			"csi.volume.kubernetes.io/nodeid":                        fmt.Sprintf(`{"pd.csi.storage.gke.io":"projects/shop/zones/%s/instances/%s"}`, zone, name),
			"node.alpha.kubernetes.io/ttl":                           "0",
			"volumes.kubernetes.io/controller-managed-attach-detach": "true",
		},
		ManagedFields: []metav1.ManagedFieldsEntry{
			managed("kubelet", "v1", "", beginning, map[string]any{"metadata": map[string]any{"labels": map[string]any{"kubernetes.io/hostname": nil}}}),
			managed("kube-controller-manager", "v1", "", beginning, map[string]any{"spec": tree(n)["spec"]}),
			managed("kubelet", "v1", "status", n.Status.Conditions[0].LastHeartbeatTime.Unix(), map[string]any{
				"status": only(status, "allocatable", "capacity", "conditions", "images", "nodeInfo"),
			}),
		},
	}
}

func node(g generator, seed uint64, name, address string, s State) *corev1.Node {
	began := beginning + int64(g.below(20*24*3600))
	cidr := fmt.Sprintf("10.%d.%d.0/24", 100+g.below(100), g.below(256))
	machine := corev1.NodeSystemInfo{
		MachineID: g.hexString(32), SystemUUID: g.uuidString(), BootID: g.uuidString(), KernelVersion: "6.6.93+",
		OSImage: "Container-Optimized OS from Google", ContainerRuntimeVersion: "containerd://2.1.4", KubeletVersion: "v1.37.2",
		OperatingSystem: "linux", Architecture: "amd64",
	}
	n := &corev1.Node{
		Spec: corev1.NodeSpec{PodCIDR: cidr, PodCIDRs: []string{cidr}, ProviderID: "gce://shop/europe-west1-b/" + name},
		Status: corev1.NodeStatus{
			Capacity: resources("16", "65842112Ki"), Allocatable: resources("15890m", "58567616Ki"),
			Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}, {Type: corev1.NodeHostName, Address: name}},
			NodeInfo:  machine, DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: 10250}},
		},
	}
	// The kubelet updates its conditions every five minutes.
	beat := timeOf(began + 3600 + int64(g.below(300)) + int64(s.Revision)*300)
	for _, c := range []struct{ kind, status, reason, message string }{
		{"MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"},
		{"DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
		{"PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"},
		{"Ready", "True", "KubeletReady", "kubelet is posting ready status"},
	} {
		n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{
			Type: corev1.NodeConditionType(c.kind), Status: corev1.ConditionStatus(c.status), Reason: c.reason, Message: c.message,
			LastHeartbeatTime: beat, LastTransitionTime: timeOf(began),
		})
	}
	// The largest 50 of the images that it has: of a few hundred that the cluster runs.
	for range 50 {
		image := generatorOf(seed, 'g', uint64(g.below(400)))
		repository := "registry.example.com/" + pick(&image, teams) + "/" + pick(&image, subjects) + "-" + pick(&image, roles)
		n.Status.Images = append(n.Status.Images, corev1.ContainerImage{
			Names:     []string{repository + "@sha256:" + image.hexString(64), fmt.Sprintf("%s:1.%d.%d", repository, image.below(30), image.below(10))},
			SizeBytes: 20_000_000 + int64(image.below(900_000_000)),
		})
	}
	return n
}
