package wire_test

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// samplePod is a pod as a cluster has them by the thousand: made by a ReplicaSet, running, with the
// managedFields of the three that wrote it. About 5.5 KB in protobuf.
func samplePod() *corev1.Pod {
	yes := true
	seconds := int64(30)
	now := metav1.NewTime(time.Unix(1750000000, 0))
	env := make([]corev1.EnvVar, 0, 16)
	for i := range 16 {
		env = append(env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_NUMBER_%02d", i), Value: fmt.Sprintf("the value of setting %02d", i)})
	}
	container := corev1.Container{
		Name: "server", Image: "registry.example.com/team/server:v1.2.3", Args: []string{"--listen=:8080", "--verbose"},
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: "TCP"}}, Env: env,
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("250m"), "memory": resource.MustParse("256Mi")},
			Limits:   corev1.ResourceList{"memory": resource.MustParse("512Mi")},
		},
		VolumeMounts: []corev1.VolumeMount{{Name: "kube-api-access-x7k2p", ReadOnly: true, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"}},
		LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: "/healthz", Port: intstr.FromString("http"), Scheme: "HTTP"}}, PeriodSeconds: 10},
		TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: "File", ImagePullPolicy: "IfNotPresent",
	}
	fields := `{"f:metadata":{"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},` +
		`"k:{\"uid\":\"4c1ffa0b-7a7c-4f3c-a4a0-a0e7f6b4a4f5\"}":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"server\"}":{".":{},"f:args":{},"f:env":{".":{},`
	for i := range 16 {
		fields += fmt.Sprintf(`"k:{\"name\":\"SETTING_NUMBER_%02d\"}":{".":{},"f:name":{},"f:value":{}},`, i)
	}
	fields += `"f:x":{}},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:ports":{},"f:resources":{}}},"f:dnsPolicy":{}}}`
	var managed []metav1.ManagedFieldsEntry
	for _, manager := range []string{"kube-controller-manager", "kubelet"} {
		entry := metav1.ManagedFieldsEntry{Manager: manager, Operation: "Update", APIVersion: "v1", FieldsType: "FieldsV1",
			Time: &now, FieldsV1: &metav1.FieldsV1{}}
		entry.FieldsV1.SetRawString(fields)
		managed = append(managed, entry)
	}
	condition := func(t corev1.PodConditionType) corev1.PodCondition {
		return corev1.PodCondition{Type: t, Status: "True", LastTransitionTime: now}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "web-7d4b9c6f5d-x2k4j", GenerateName: "web-7d4b9c6f5d-", Namespace: "production",
			UID: types.UID("0f5dd6b7-33b6-4e43-92b5-f3a2a8f0f2f1"), ResourceVersion: "123456789", Generation: 1, CreationTimestamp: now,
			Labels:      map[string]string{"app": "web", "pod-template-hash": "7d4b9c6f5d", "team": "storefront", "tier": "frontend"},
			Annotations: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "checksum/config": "9f86d081884c7d659a2feaa0c55ad015"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-7d4b9c6f5d",
				UID: "4c1ffa0b-7a7c-4f3c-a4a0-a0e7f6b4a4f5", Controller: &yes, BlockOwnerDeletion: &yes}},
			ManagedFields: managed,
		},
		Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{{Name: "kube-api-access-x7k2p", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}}}}}},
			Containers: []corev1.Container{container}, RestartPolicy: "Always", DNSPolicy: "ClusterFirst", NodeName: "node-0042",
			TerminationGracePeriodSeconds: &seconds, ServiceAccountName: "web", SchedulerName: "default-scheduler",
			Tolerations: []corev1.Toleration{
				{Key: "node.kubernetes.io/not-ready", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &seconds},
				{Key: "node.kubernetes.io/unreachable", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &seconds}},
		},
		Status: corev1.PodStatus{
			Phase: "Running", HostIP: "10.0.0.42", PodIP: "10.244.3.17", StartTime: &now, QOSClass: "Burstable",
			Conditions: []corev1.PodCondition{condition("PodScheduled"), condition("Initialized"), condition("ContainersReady"), condition("Ready")},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "server", Ready: true, Image: container.Image,
				ImageID:     "registry.example.com/team/server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
				ContainerID: "containerd://5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
				State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}}},
		},
	}
}

// smallPods are two pods with little but metadata, for tests that try every byte of them.
func smallPods() []corev1.Pod {
	yes := true
	now := metav1.NewTime(time.Unix(1750000000, 0))
	fields := &metav1.FieldsV1{}
	fields.SetRawString(`{"f:metadata":{"f:labels":{}}}`)
	return []corev1.Pod{{
		ObjectMeta: metav1.ObjectMeta{
			Name: "a", Namespace: "default", UID: "u-1", ResourceVersion: "12", Generation: 300, DeletionTimestamp: &now,
			Labels:          map[string]string{"app": "web", "tier": "front\"end"},
			Annotations:     map[string]string{"note": "one\ttwo"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "u-0", Controller: &yes}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubelet", FieldsType: "FieldsV1", FieldsV1: fields}},
		},
		Spec: corev1.PodSpec{NodeName: "n", TerminationGracePeriodSeconds: new(int64(30))},
	}, {
		ObjectMeta: metav1.ObjectMeta{Name: "b", Namespace: "default"},
		Status:     corev1.PodStatus{PodIP: "10.0.0.1", StartTime: &now},
	}}
}

func smallList() *corev1.PodList {
	return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "13", Continue: "next"}, Items: smallPods()}
}

func smallEvents() []event {
	pods := smallPods()
	return []event{
		{"ADDED", &pods[0]},
		{"BOOKMARK", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "14"}}},
		{"DELETED", &pods[1]},
		{"ERROR", &metav1.Status{Status: "Failure", Message: "gone", Code: 410}},
	}
}
