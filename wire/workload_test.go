package wire_test

import (
	"encoding/json"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/wire"
)

// largePod is the pod that the measurements are made with: two containers with 16 environment
// variables each, probes, projected volumes, a full status, and the managedFields of those who
// wrote it. Pods of different n differ in everything in which a cluster's pods differ, so that no
// processor learns one of them by heart.
func largePod(n int) *corev1.Pod {
	pod := samplePod()
	hash := fmt.Sprintf("%08x%08x", uint32(n)*2654435761, uint32(n+7)*2246822519)
	app := fmt.Sprintf("web-%d", n%13)
	pod.Name = app + "-7d4b9c6f5d-" + hash[:5]
	pod.GenerateName = app + "-7d4b9c6f5d-"
	pod.Namespace = fmt.Sprintf("team-%d", n%5)
	pod.UID = types.UID(fmt.Sprintf("%s-33b6-4e43-92b5-f3a2%s", hash[:8], hash[:8]))
	pod.ResourceVersion = fmt.Sprint(100_000 + 37*n)
	pod.Labels["app"] = app
	pod.Annotations["checksum/config"] = hash + hash
	pod.OwnerReferences[0].Name = app + "-7d4b9c6f5d"

	server := pod.Spec.Containers[0]
	for i := range server.Env {
		server.Env[i].Name = fmt.Sprintf("SETTING_%02d", i)
		server.Env[i].Value = fmt.Sprintf("setting %d %s", i, hash[:(i+n)%len(hash)])
	}
	server.Env[3] = corev1.EnvVar{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"}}}
	server.Env[5] = corev1.EnvVar{Name: "DATABASE_PASSWORD", ValueFrom: &corev1.EnvVarSource{
		SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: app}, Key: "password"}}}
	server.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
		Path: "/ready", Port: intstr.FromInt32(8080), Scheme: "HTTP"}}, TimeoutSeconds: 1, PeriodSeconds: 5, SuccessThreshold: 1, FailureThreshold: 3}
	sidecar := *server.DeepCopy()
	sidecar.Name, sidecar.Image, sidecar.Args, sidecar.ReadinessProbe = "proxy", "registry.example.com/mesh/proxy:v2.0.1", []string{"proxy", "--log-level=warn"}, nil
	sidecar.LivenessProbe.HTTPGet.Port = intstr.FromInt32(15020)
	sidecar.SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(1337)), RunAsNonRoot: new(true),
		ReadOnlyRootFilesystem: new(true), AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
	pod.Spec.Containers = []corev1.Container{server, sidecar}
	pod.Spec.Volumes[0].Projected = &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: new(int64(3607))}},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
			Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}}},
	}, DefaultMode: new(int32(420))}
	pod.Spec.NodeName = fmt.Sprintf("node-%04d", n%97)

	pod.Status.HostIP, pod.Status.PodIP = fmt.Sprintf("10.0.0.%d", n%97), fmt.Sprintf("10.244.%d.%d", n%97, n%251)
	pod.Status.HostIPs = []corev1.HostIP{{IP: pod.Status.HostIP}}
	pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
	second := *pod.Status.ContainerStatuses[0].DeepCopy()
	second.Name, second.Image, second.RestartCount = "proxy", sidecar.Image, int32(n%3)
	second.ContainerID = "containerd://" + hash + hash + hash + hash
	second.Started = new(true)
	pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, second)

	for i := range pod.ManagedFields {
		pod.ManagedFields[i].FieldsV1 = fieldsOf(pod, i)
	}
	return pod
}

// fieldsOf is what a manager of the pod is on record for: the controller for its spec, the kubelet
// for its status.
func fieldsOf(pod *corev1.Pod, manager int) *metav1.FieldsV1 {
	all, err := json.Marshal(pod)
	if err != nil {
		panic(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(all, &tree); err != nil {
		panic(err)
	}
	delete(tree["metadata"].(map[string]any), "managedFields")
	if manager == 0 {
		delete(tree, "status")
	} else {
		tree = map[string]any{"status": tree["status"]}
	}
	fields, err := json.Marshal(fieldSet(tree, 5-manager))
	if err != nil {
		panic(err)
	}
	out := new(metav1.FieldsV1)
	out.SetRawBytes(fields)
	return out
}

// fieldSet is the set of the fields of a value, as managedFields write it.
func fieldSet(value any, depth int) map[string]any {
	set := map[string]any{}
	if depth == 0 {
		return set
	}
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			set["f:"+name] = fieldSet(member, depth-1)
		}
	case []any:
		for _, element := range v {
			if m, ok := element.(map[string]any); ok && m["name"] != nil {
				fields := fieldSet(m, depth-1)
				fields["."] = map[string]any{}
				set[fmt.Sprintf(`k:{"name":%q}`, m["name"])] = fields
			}
		}
	}
	return set
}

// largeWatch is a watch that never ends, and how many bytes an event of it takes.
func largeWatch(t testing.TB, f wire.Format) (watch *repeated, size int) {
	const n = 64
	events := make([]event, n)
	for i := range events {
		events[i] = event{"MODIFIED", largePod(i)}
	}
	data := watchBody(t, f, events)
	return &repeated{data: data}, len(data) / n
}

// Figures in documents and commit messages are about pods of this size.
func TestLargePodIsOfTheSizeThatIsMeasured(t *testing.T) {
	for f, want := range map[wire.Format]struct{ least, most, kept int }{
		wire.JSON:     {9_500, 14_000, 9_000},
		wire.Protobuf: {5_500, 7_500, 3_600},
	} {
		data := body(t, f, largePod(1))
		o, err := wire.ReadObject(data, f, wire.Options{})
		if err != nil || len(data) < want.least || len(data) > want.most || len(o.Data) > want.kept {
			t.Errorf("%v: %d bytes, %d without managedFields: %v", f, len(data), len(o.Data), err)
		}
	}
}
