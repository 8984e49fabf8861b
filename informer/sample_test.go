package informer

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/wire"
)

// samplePod is a Pod of a Deployment as clusters have them, without managedFields: two containers
// with 16 environment variables each, probes, projected volumes, a full status; 4.2 KB as protobuf.
func samplePod(i int) *corev1.Pod {
	app := fmt.Sprint("application-", i/50)
	set := fmt.Sprintf("%s-%08x", app, 0x7d4b9c6f+i/50)
	at := metav1.NewTime(time.Unix(1_790_000_000+int64(i), 0))
	condition := func(t corev1.PodConditionType) corev1.PodCondition {
		return corev1.PodCondition{Type: t, Status: corev1.ConditionTrue, LastTransitionTime: at, ObservedGeneration: 1}
	}
	probe := func(path string) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:   corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("http"), Scheme: "HTTP"}},
			TimeoutSeconds: 1, PeriodSeconds: 10, SuccessThreshold: 1, FailureThreshold: 3,
		}
	}
	container := func(name string) corev1.Container {
		c := corev1.Container{
			Name: name, Image: "registry.example.com/team/" + name + ":v1.17.3",
			Args:  []string{"--listen=:8080", "--config=/etc/" + name + "/config.yaml"},
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}},
			Resources: corev1.ResourceRequirements{
				Limits:   corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("512Mi")},
				Requests: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("128Mi")},
			},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "config", ReadOnly: true, MountPath: "/etc/" + name},
				{Name: "kube-api-access-x7k2p", ReadOnly: true, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"},
			},
			LivenessProbe: probe("/healthz"), ReadinessProbe: probe("/ready"),
			TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: "File", ImagePullPolicy: "IfNotPresent",
			SecurityContext: &corev1.SecurityContext{RunAsNonRoot: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
		}
		for e := range 16 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprint("SETTING_NUMBER_", e), Value: fmt.Sprint("the value of ", app, " no ", e)})
		}
		return c
	}
	status := func(name string) corev1.ContainerStatus {
		return corev1.ContainerStatus{
			Name: name, Ready: true, Started: new(true), Image: "registry.example.com/team/" + name + ":v1.17.3",
			ImageID:     fmt.Sprintf("registry.example.com/team/%s@sha256:%064x", name, i/50),
			ContainerID: fmt.Sprintf("containerd://%064x", i),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
		}
	}
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprint("ns", i/50%40), Name: fmt.Sprintf("%s-%05x", set, i), GenerateName: set + "-",
			UID: types.UID(fmt.Sprintf("%08x-1234-4123-8123-%012x", i, i)), ResourceVersion: fmt.Sprint(1_000_000 + i), CreationTimestamp: at,
			Labels:      map[string]string{"app": app, "pod-template-hash": fmt.Sprintf("%08x", 0x7d4b9c6f+i/50), "tier": "backend"},
			Annotations: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: set,
				UID: types.UID(fmt.Sprintf("%08x-aaaa-4aaa-8aaa-%012x", i/50, i/50)), Controller: new(true), BlockOwnerDeletion: new(true)}},
		},
		Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: app}, DefaultMode: new(int32(420))}}},
				{Name: "kube-api-access-x7k2p", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{DefaultMode: new(int32(420)), Sources: []corev1.VolumeProjection{
					{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: new(int64(3607)), Path: "token"}},
					{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
					{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}}},
				}}}},
				{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: new(resource.MustParse("1Gi"))}}},
			},
			Containers:    []corev1.Container{container("server"), container("proxy")},
			RestartPolicy: "Always", DNSPolicy: "ClusterFirst", ServiceAccountName: app, DeprecatedServiceAccount: app,
			NodeName: fmt.Sprint("node-", i%97), SecurityContext: &corev1.PodSecurityContext{FSGroup: new(int64(2000))},
			SchedulerName: "default-scheduler", Priority: new(int32(0)), EnableServiceLinks: new(true), TerminationGracePeriodSeconds: new(int64(30)),
			Tolerations: []corev1.Toleration{
				{Key: "node.kubernetes.io/not-ready", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: new(int64(300))},
				{Key: "node.kubernetes.io/unreachable", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: new(int64(300))},
			},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, QOSClass: "Burstable", StartTime: &at,
			Conditions: []corev1.PodCondition{condition("PodReadyToStartContainers"), condition("Initialized"), condition("Ready"), condition("ContainersReady"), condition("PodScheduled")},
			HostIP:     fmt.Sprint("10.0.0.", i%97), HostIPs: []corev1.HostIP{{IP: fmt.Sprint("10.0.0.", i%97)}},
			PodIP: fmt.Sprint("10.244.", i%97, ".", i%250), PodIPs: []corev1.PodIP{{IP: fmt.Sprint("10.244.", i%97, ".", i%250)}},
			ContainerStatuses: []corev1.ContainerStatus{status("server"), status("proxy")},
		},
	}
}

// message is an API type with protobuf.
type message interface{ Marshal() ([]byte, error) }

// asRead is an object as it comes from a server.
func asRead(t testing.TB, object any, format wire.Format, apiVersion, kind string) wire.Object {
	t.Helper()
	var data []byte
	var err error
	if format == wire.Protobuf {
		data, err = object.(message).Marshal()
	} else {
		data, err = wire.Encode(object, wire.JSON, apiVersion, kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	o, err := wire.ReadObject(data, format, wire.Options{APIVersion: apiVersion, Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	return o
}
