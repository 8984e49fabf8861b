package workload

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// deployment is what names a Deployment.
type deployment struct{ namespace, name string }

// deployments returns the names of n Deployments, ten in each namespace, in the order in which a server
// lists their pods.
func deployments(seed uint64, n int) []deployment {
	g := generatorOf(seed, 'd')
	namespaces := make([]string, 0, n/deploymentsPerNamespace+1)
	taken := make(map[string]bool)
	for len(namespaces)*deploymentsPerNamespace < n {
		namespaces = append(namespaces, numbered(taken, pick(&g, teams)+"-"+pick(&g, environments)))
	}
	slices.SortFunc(namespaces, func(a, b string) int { return strings.Compare(a+"/", b+"/") })
	all := make([]deployment, 0, n)
	for _, namespace := range namespaces {
		names := make([]string, 0, deploymentsPerNamespace)
		for len(names) < min(deploymentsPerNamespace, n-len(all)) {
			if name := pick(&g, subjects) + "-" + pick(&g, roles); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		// No name is the beginning of another, so that pods are in the order of their Deployments.
		slices.SortFunc(names, func(a, b string) int { return strings.Compare(a+"-", b+"-") })
		for _, name := range names {
			all = append(all, deployment{namespace, name})
		}
	}
	return all
}

const deploymentsPerNamespace = 10

// blueprint is a ReplicaSet: what its pods have in common. Another generation of the same Deployment is
// another ReplicaSet, with another image.
type blueprint struct {
	deployment
	hash, uid string // of the ReplicaSet
	made      int64  // when, in Unix seconds

	labels, annotations map[string]string
	containers          []corev1.Container // the template's, and the sidecar that a webhook adds
	digests             []string           // of the containers' images
	serviceAccount      string
}

func (b *blueprint) replicaSet() string { return b.name + "-" + b.hash }

// beginning is when the oldest Deployment of the workload was made.
const beginning = 1_780_000_000

// hashLen is the length of a pod-template-hash.
const hashLen = 10

// rolloutOf returns the generator of what is new in a generation. The hash comes first.
func rolloutOf(seed uint64, number int, generation uint32) generator {
	return generatorOf(seed, 'r', uint64(number), uint64(generation))
}

func newBlueprint(seed uint64, number int, d deployment, generation uint32) *blueprint {
	// What a rollout changes comes from a generator of its own; all else stays as it was.
	rollout := rolloutOf(seed, number, generation)
	g := generatorOf(seed, 'b', uint64(number))
	b := &blueprint{deployment: d, serviceAccount: d.name}
	b.hash = rollout.suffixString(hashLen)
	b.uid = rollout.uuidString()
	b.made = beginning + int64(g.below(30*24*3600)) + int64(generation)*3600 + int64(rollout.below(3600))
	tag := fmt.Sprintf("%d.%d.%d", 1+g.below(4), g.below(30), int(generation)+g.below(10))
	team := strings.SplitN(d.namespace, "-", 2)[0]
	sidecar := pick(&g, sidecars)

	b.labels = map[string]string{
		"app.kubernetes.io/name":    d.name,
		"app.kubernetes.io/version": tag,
		"team":                      team,
		"tier":                      pick(&g, tiers),
		"pod-template-hash":         b.hash,
	}
	b.annotations = map[string]string{
		"prometheus.io/port":                "9090",
		"checksum/config":                   rollout.hexString(64),
		"kubectl.kubernetes.io/restartedAt": timeOf(b.made).UTC().Format("2006-01-02T15:04:05Z"),
	}
	if g.below(3) == 0 {
		b.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "true"
	}
	b.containers = []corev1.Container{
		b.main(&g, "registry.example.com/"+team+"/"+d.name+":"+tag),
		b.sidecar(&g, sidecar.name, "registry.example.com/"+sidecar.repository+":"+sidecar.version),
	}
	for range b.containers {
		b.digests = append(b.digests, rollout.hexString(64))
	}
	return b
}

func (b *blueprint) main(g *generator, image string) corev1.Container {
	return corev1.Container{
		Name: b.name, Image: image,
		Args:  []string{"serve", "--listen=:8080", "--config=/etc/" + b.name + "/config.yaml", "--shutdown-timeout=25s"},
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}},
		Env:   env(g, b.name, b.namespace, 6),
		Resources: corev1.ResourceRequirements{
			Requests: resources(pick(g, []string{"100m", "250m", "500m", "1"}), pick(g, []string{"256Mi", "512Mi", "1Gi"})),
			Limits:   resources("", pick(g, []string{"1Gi", "1536Mi", "2Gi"})),
		},
		LivenessProbe:            probe("/healthz", 15, 20),
		ReadinessProbe:           probe("/readyz", 0, 5),
		TerminationMessagePath:   corev1.TerminationMessagePathDefault,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
		ImagePullPolicy:          corev1.PullIfNotPresent,
	}
}

func (b *blueprint) sidecar(g *generator, name, image string) corev1.Container {
	return corev1.Container{
		Name: name, Image: image,
		Args:                     []string{"--config=/etc/" + name + "/agent.yaml", "--service=" + b.name + "." + b.namespace, "--log-level=warn"},
		Env:                      env(g, b.name, b.namespace, 10),
		Resources:                corev1.ResourceRequirements{Requests: resources("50m", "64Mi"), Limits: resources("", "128Mi")},
		TerminationMessagePath:   corev1.TerminationMessagePathDefault,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
		ImagePullPolicy:          corev1.PullIfNotPresent,
	}
}

func probe(path string, delay, period int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromString("http"), Scheme: corev1.URISchemeHTTP}},
		InitialDelaySeconds: delay, TimeoutSeconds: 1, PeriodSeconds: period, SuccessThreshold: 1, FailureThreshold: 3,
	}
}

func resources(cpu, memory string) corev1.ResourceList {
	list := corev1.ResourceList{}
	if cpu != "" {
		list[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		list[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	return list
}

func (b *blueprint) owner() metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: b.replicaSet(), UID: types.UID(b.uid),
		Controller: new(true), BlockOwnerDeletion: new(true),
	}
}
