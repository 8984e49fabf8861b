package workload

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Pods is the Source of pods: of ReplicaSets with podsPerDeployment each, ordered by namespace and
// name.
type Pods struct {
	seed        uint64
	n           int
	nodes       []string
	deployments []deployment
	forms       formCache
}

const (
	podsPerDeployment = 50
	podsPerNode       = 100
)

func newPods(seed uint64, n int) *Pods {
	p := &Pods{seed: seed, n: n, nodes: nodeNames(seed, nodesFor(n))}
	p.deployments = deployments(seed, (n+podsPerDeployment-1)/podsPerDeployment)
	return p
}

func nodesFor(pods int) int { return pods/podsPerNode + 1 }

// Info implements Source.
func (p *Pods) Info() Info {
	return Info{schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, "pods", true, true}
}

// Len implements Source.
func (p *Pods) Len() int { return p.n }

// Deployments returns how many Deployments the pods belong to. The pods of number d are the
// positions from 50 d on.
func (p *Pods) Deployments() int { return len(p.deployments) }

// First implements Source: every pod runs.
func (p *Pods) First(i int) State {
	g := generatorOf(p.seed, 'v', uint64(i))
	return State{Version: spread(&g, i, p.n)}
}

// Namespace implements Source.
func (p *Pods) Namespace(i int) string {
	if i >= p.n {
		return FloodEnd
	}
	return p.deployments[i/podsPerDeployment].namespace
}

// Name implements Source.
func (p *Pods) Name(i int, s State) string {
	if i >= p.n {
		return FloodEnd
	}
	d := i / podsPerDeployment
	v := p.values(i, s)
	return p.replicaSet(d, s.Generation) + "-" + string(v.slot(slotName))
}

// replicaSet returns the name of a Deployment's ReplicaSet.
func (p *Pods) replicaSet(d int, generation uint32) string {
	rollout := rolloutOf(p.seed, d, generation)
	return p.deployments[d].name + "-" + rollout.suffixString(hashLen)
}

// Object implements Source: a *corev1.Pod.
func (p *Pods) Object(i int, s State) runtime.Object {
	if i >= p.n {
		return &corev1.Pod{ObjectMeta: floodEndMeta(p.seed, s, true)}
	}
	d := i / podsPerDeployment
	return newBlueprint(p.seed, d, p.deployments[d], s.Generation).pod(p.values(i, s), s.Phase)
}

// Append implements Source. It copies the form of the pod's ReplicaSet and writes the pod's own
// values into the copy, which is some ten times faster than encoding.
func (p *Pods) Append(dst []byte, f Format, i int, s State) []byte {
	if i >= p.n {
		return appendMarshalled(dst, f, p.Object(i, s))
	}
	d := i / podsPerDeployment
	return p.form(d, s, f).append(dst, f, p.values(i, s))
}

func floodEndMeta(seed uint64, s State, namespaced bool) metav1.ObjectMeta {
	g := generatorOf(seed, 'e')
	meta := metav1.ObjectMeta{
		Name: FloodEnd, UID: types.UID(g.uuidString()), ResourceVersion: strconv.FormatUint(s.Version, 10),
		CreationTimestamp: timeOf(beginning),
	}
	if namespaced {
		meta.Namespace = FloodEnd
	}
	return meta
}

func timeOf(seconds int64) metav1.Time { return metav1.Time{Time: time.Unix(seconds, 0)} }

// tokenVolume is the beginning of the name of the volume with the service account's token.
const tokenVolume = "kube-api-access-"

// pod returns the pod with these values of its own.
func (b *blueprint) pod(v *values, phase Phase) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: b.replicaSet() + "-" + v.text(slotName), GenerateName: b.replicaSet() + "-", Namespace: b.namespace,
			UID: types.UID(v.text(slotUID)), ResourceVersion: v.text(slotVersion), Generation: 1,
			CreationTimestamp: v.time(slotCreated), Labels: b.labels, Annotations: b.annotations,
			OwnerReferences: []metav1.OwnerReference{b.owner()},
		},
		Spec: corev1.PodSpec{
			Containers:    b.containers[:1:1],
			RestartPolicy: corev1.RestartPolicyAlways, TerminationGracePeriodSeconds: new(int64(30)), DNSPolicy: corev1.DNSClusterFirst,
			ServiceAccountName: b.serviceAccount, DeprecatedServiceAccount: b.serviceAccount,
			SecurityContext: &corev1.PodSecurityContext{}, SchedulerName: corev1.DefaultSchedulerName,
			Priority: new(int32(0)), EnableServiceLinks: new(true), PreemptionPolicy: new(corev1.PreemptLowerPriority),
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBurstable},
	}
	// The ReplicaSet's controller sent it like that. What admission adds is in no managedFields:
	// the server looks at who set what before it.
	fields := tree(pod)
	pod.ManagedFields = []metav1.ManagedFieldsEntry{managed("kube-controller-manager", "v1", "", v.seconds(slotCreated), map[string]any{
		"metadata": only(fields["metadata"], "annotations", "generateName", "labels", "ownerReferences"),
		"spec":     without(fields["spec"], "priority", "preemptionPolicy"),
	})}
	b.admit(pod, v)
	if phase == Pending {
		return pod
	}
	pod.Spec.NodeName = v.text(slotNode)
	b.setStatus(&pod.Status, v, phase)
	if phase == Scheduled {
		return pod
	}
	pod.ManagedFields = append(pod.ManagedFields, managed("kubelet", "v1", "status", v.seconds(slotReady), map[string]any{
		"status": kubeletFields(pod.Status),
	}))
	if phase == Deleting {
		pod.DeletionTimestamp = new(v.time(slotDeleted))
		pod.DeletionGracePeriodSeconds = new(int64(30))
		pod.Generation = 2
	}
	return pod
}

// admit changes a new pod as admission does: a webhook adds the sidecar, and the server adds the
// service account's token and the tolerations.
func (b *blueprint) admit(pod *corev1.Pod, v *values) {
	name := tokenVolume + v.text(slotToken)
	pod.Spec.Volumes = []corev1.Volume{{Name: name,
		VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{DefaultMode: new(int32(420)), Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: new(int64(3607)), Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
				Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace",
				FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}}},
		}}}}}
	containers := make([]corev1.Container, len(b.containers))
	for k, c := range b.containers {
		c.VolumeMounts = []corev1.VolumeMount{{
			Name: name, ReadOnly: true, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"}}
		containers[k] = c
	}
	pod.Spec.Containers = containers
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists,
			Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300))})
	}
}

func (b *blueprint) setStatus(status *corev1.PodStatus, v *values, phase Phase) {
	condition := func(t corev1.PodConditionType, at slot) corev1.PodCondition {
		return corev1.PodCondition{Type: t, Status: corev1.ConditionTrue, LastTransitionTime: v.time(at)}
	}
	scheduled := condition(corev1.PodScheduled, slotCreated)
	if phase == Scheduled {
		status.Conditions = []corev1.PodCondition{scheduled}
		return
	}
	ready, containersReady := condition(corev1.PodReady, slotReady), condition(corev1.ContainersReady, slotReady)
	if phase == Unready {
		for _, c := range []*corev1.PodCondition{&ready, &containersReady} {
			c.Status, c.Reason = corev1.ConditionFalse, "ContainersNotReady"
			c.Message = "containers with unready status: [" + b.containers[0].Name + "]"
		}
	}
	status.ObservedGeneration = 1
	status.Phase = corev1.PodRunning
	status.Conditions = []corev1.PodCondition{
		condition(corev1.PodReadyToStartContainers, slotStarted0), condition(corev1.PodInitialized, slotCreated),
		ready, containersReady, scheduled,
	}
	status.HostIP, status.HostIPs = v.text(slotHostIP), []corev1.HostIP{{IP: v.text(slotHostIP)}}
	status.PodIP, status.PodIPs = v.text(slotPodIP), []corev1.PodIP{{IP: v.text(slotPodIP)}}
	status.StartTime = new(v.time(slotCreated))
	for k, c := range b.containers {
		up := k > 0 || phase != Unready
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: imageRepository(c.Image) + "@sha256:" + b.digests[k],
			ContainerID: "containerd://" + v.text(slotContainer0+slot(k)),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: v.time(slotStarted0 + slot(k))}},
			Ready:       up, Started: new(true),
			AllocatedResources: c.Resources.Requests,
		})
	}
}

func imageRepository(image string) string {
	for k := len(image) - 1; k > 0; k-- {
		if image[k] == ':' {
			return image[:k]
		}
	}
	return image
}

// kubeletFields returns the fields of a status that the kubelet owns: all except those of the
// scheduler and of admission.
func kubeletFields(status corev1.PodStatus) map[string]any {
	status.Conditions = status.Conditions[:len(status.Conditions)-1]
	return without(tree(status), "qosClass")
}

func only(fields any, names ...string) map[string]any {
	part := make(map[string]any)
	for _, name := range names {
		if value, ok := fields.(map[string]any)[name]; ok {
			part[name] = value
		}
	}
	return part
}

func without(fields any, names ...string) map[string]any {
	for _, name := range names {
		delete(fields.(map[string]any), name)
	}
	return fields.(map[string]any)
}
