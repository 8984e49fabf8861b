package workload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// standard is the workload of the published figures.
var standard = workload.New(workload.Config{})

func pod(i int, s workload.State) *corev1.Pod { return standard.Pods.Object(i, s).(*corev1.Pod) }

// within fails unless a figure is what was promised, give or take a tenth.
func within(t *testing.T, what string, have, want float64) {
	t.Helper()
	t.Logf("%s: %.0f", what, have)
	if math.Abs(have-want) > want/10 {
		t.Errorf("%s: %.0f, which is not within 10 %% of %.0f", what, have, want)
	}
}

// Pods are as large as the issue says, and what they are made of is too.
func TestPodsAreAsLargeAsPromised(t *testing.T) {
	var all, without, n float64
	for i := 0; i < standard.Pods.Len(); i += 37 {
		p := pod(i, standard.Pods.First(i))
		all += float64(p.Size())
		p.ManagedFields = nil
		without += float64(p.Size())
		n++
	}
	within(t, "bytes of a pod", all/n, 5800)
	within(t, "bytes of a pod without managedFields", without/n, 3400)
}

func TestPodsAreWhatThePromiseIs(t *testing.T) {
	deployments, namespaces := make(map[string]int), make(map[string]bool)
	nodes := make(map[string]bool)
	for i := range standard.Pods.Len() {
		if i%50 > 1 && i%997 != 0 {
			deployments[fmt.Sprint(i/50)]++
			continue
		}
		p := pod(i, standard.Pods.First(i))
		deployments[fmt.Sprint(i/50)]++
		namespaces[p.Namespace] = true
		nodes[p.Spec.NodeName] = true
		if len(p.Spec.Containers) != 2 || len(p.Status.ContainerStatuses) != 2 || len(p.Status.Conditions) != 5 {
			t.Fatalf("pod %d has %d containers, %d statuses, %d conditions", i, len(p.Spec.Containers), len(p.Status.ContainerStatuses), len(p.Status.Conditions))
		}
		if n := len(p.Spec.Containers[0].Env) + len(p.Spec.Containers[1].Env); n != 16 {
			t.Fatalf("pod %d has %d environment variables", i, n)
		}
		if p.Spec.Containers[0].LivenessProbe == nil || p.Spec.Volumes[0].Projected == nil || len(p.ManagedFields) != 2 {
			t.Fatalf("pod %d lacks its probes, its projected volume or its managedFields", i)
		}
	}
	if standard.Pods.Deployments() != 400 || len(deployments) != 400 || len(namespaces) != 40 || len(nodes) < 150 {
		t.Errorf("%d Deployments (%d seen), %d namespaces, %d nodes", standard.Pods.Deployments(), len(deployments), len(namespaces), len(nodes))
	}
}

// What differs between the pods of a cluster differs between any two of these.
func TestWhatIsRandomInRealityIsRandomHere(t *testing.T) {
	seen := make(map[string]string)
	once := func(what, value string, i int) {
		t.Helper()
		if value == "" {
			t.Errorf("pod %d has no %s", i, what)
		}
		if before, ok := seen[what+value]; ok {
			t.Errorf("pods %s and %d have the same %s %s", before, i, what, value)
		}
		seen[what+value] = fmt.Sprint(i)
	}
	for i := 0; i < 3000; i++ {
		for generation := range uint32(2) {
			s := standard.Pods.First(i)
			s.Version += uint64(generation) // a server would give it another one
			s.Generation = generation
			p := pod(i, s)
			once("name", p.Namespace+"/"+p.Name, i)
			once("uid", string(p.UID), i)
			once("address", p.Status.PodIP, i)
			if generation == 0 {
				once("version", p.ResourceVersion, i)
			}
			for _, c := range p.Status.ContainerStatuses {
				once("container", c.ContainerID, i)
			}
		}
	}
	// Of the pods of one Deployment, after one another.
	addresses, nodes, times, tokens := make(map[string]bool), make(map[string]bool), make(map[int64]bool), make(map[string]bool)
	for i := range 50 {
		p := pod(i, standard.Pods.First(i))
		addresses[p.Status.PodIP], nodes[p.Spec.NodeName] = true, true
		times[p.Status.StartTime.Unix()], tokens[p.Spec.Volumes[0].Name] = true, true
	}
	if len(addresses) < 50 || len(nodes) < 30 || len(times) < 40 || len(tokens) < 50 {
		t.Errorf("50 pods have %d addresses, %d nodes, %d start times, %d token volumes", len(addresses), len(nodes), len(times), len(tokens))
	}
}

// A new generation is another object of another owner; a revision is the same object, changed.
func TestGenerationsAndRevisions(t *testing.T) {
	first := standard.Pods.First(77)
	p := pod(77, first)
	next := first
	next.Revision, next.Phase, next.Version = 1, workload.Unready, workload.FirstVersion+1
	changed := pod(77, next)
	if changed.UID != p.UID || changed.Name != p.Name || changed.Status.PodIP != p.Status.PodIP {
		t.Error("a revision is another object")
	}
	if changed.ResourceVersion == p.ResourceVersion || apiequality.Semantic.DeepEqual(changed.Status, p.Status) {
		t.Error("a revision has not changed its version and status")
	}
	next = first
	next.Generation = 1
	other := pod(77, next)
	if other.UID == p.UID || other.Name == p.Name || other.OwnerReferences[0].UID == p.OwnerReferences[0].UID ||
		other.Labels["pod-template-hash"] == p.Labels["pod-template-hash"] || other.Spec.Containers[0].Image == "" {
		t.Error("another generation is the same object, or has the same owner")
	}
	neighbour := next
	if pod(78, neighbour).OwnerReferences[0].UID != other.OwnerReferences[0].UID {
		t.Error("two pods of a Deployment's generation have different owners")
	}
}

// Lists are in the order that a server has them in.
func TestListsAreInOrder(t *testing.T) {
	for _, src := range standard.Sources() {
		step := max(src.Len()/400, 1)
		last := ""
		for i := 0; i < src.Len(); i += step {
			key := src.Namespace(i) + "/" + src.Name(i, src.First(i))
			if key <= last {
				t.Fatalf("%s: %s comes after %s", src.Info().Resource, key, last)
			}
			last = key
		}
	}
}

// Versions of the first list are below FirstVersion, and each is there once.
func TestVersions(t *testing.T) {
	for _, src := range standard.Sources() {
		seen := make(map[uint64]bool)
		for i := range src.Len() {
			v := src.First(i).Version
			if seen[v] || v >= workload.FirstVersion || v < 100_000_000 {
				t.Fatalf("%s %d: version %d is taken or out of range", src.Info().Resource, i, v)
			}
			seen[v] = true
		}
	}
}

// Bytes decode to the object that they are said to be, in each format and each state.
func TestBytesAreTheObject(t *testing.T) {
	for _, src := range standard.Sources() {
		for _, i := range []int{0, 1, 51, src.Len() - 1, src.Len()} {
			for phase := workload.Ready; phase <= workload.Deleting; phase++ {
				for _, s := range []workload.State{
					{Version: src.First(min(i, src.Len()-1)).Version}, {Version: workload.FirstVersion + 5, Revision: 3},
					{Version: workload.FirstVersion + 6, Generation: 2, Revision: 1},
				} {
					s.Phase = phase
					want := src.Object(i, s)
					for _, f := range []workload.Format{workload.Protobuf, workload.JSON} {
						if f == workload.Protobuf && !src.Info().Protobuf {
							continue
						}
						have := decode(t, f, src.Append(nil, f, i, s), want)
						if !apiequality.Semantic.DeepEqual(have, want) {
							t.Fatalf("%s %d %+v in %s is\n%s\nand the object\n%s", src.Info().Resource, i, s, f, mustJSON(have), mustJSON(want))
						}
						// and writing over what was in the buffer changes nothing
						again := src.Append(bytes.Repeat([]byte{0xaa}, 20_000)[:3], f, i, s)
						if !bytes.Equal(again[3:], src.Append(nil, f, i, s)) {
							t.Fatalf("%s %d %+v in %s depends on the buffer", src.Info().Resource, i, s, f)
						}
					}
				}
			}
		}
	}
}

// The others are as large as promised.
func TestOtherResources(t *testing.T) {
	size, n := 0.0, standard.Databases.Len()
	for i := 0; i < n; i += 7 {
		size += float64(len(standard.Databases.Append(nil, workload.JSON, i, standard.Databases.First(i)))) * 7
	}
	within(t, "bytes of a custom resource", size/float64(n), 4096)

	var sizes []int
	for i := range standard.ConfigMaps.Len() {
		if standard.ConfigMaps.Name(i, workload.State{}) == "kube-root-ca.crt" {
			continue
		}
		m := standard.ConfigMaps.Object(i, standard.ConfigMaps.First(i)).(*corev1.ConfigMap)
		data := 0
		for _, file := range m.Data {
			data += len(file)
		}
		for _, file := range m.BinaryData {
			data += len(file)
		}
		sizes = append(sizes, data)
	}
	slices.Sort(sizes)
	t.Logf("ConfigMaps: %d, from %d to %d bytes, median %d", len(sizes), sizes[0], sizes[len(sizes)-1], sizes[len(sizes)/2])
	if sizes[0] > 200 || sizes[len(sizes)-1] < 80_000 || sizes[len(sizes)-1] > 250_000 || sizes[len(sizes)/2] > 1000 {
		t.Errorf("ConfigMaps are from %d to %d bytes, the median is %d", sizes[0], sizes[len(sizes)-1], sizes[len(sizes)/2])
	}
	node := standard.Nodes.Object(0, standard.Nodes.First(0)).(*corev1.Node)
	if len(node.Status.Images) != 50 || node.Name != standard.Nodes.Name(0, workload.State{}) {
		t.Errorf("node %s has %d images", node.Name, len(node.Status.Images))
	}
}

// Pods run on nodes that there are, at their addresses, and are the endpoints of their slices.
func TestResourcesBelongTogether(t *testing.T) {
	addresses := make(map[string]string)
	for i := range standard.Nodes.Len() {
		node := standard.Nodes.Object(i, standard.Nodes.First(i)).(*corev1.Node)
		addresses[node.Name] = node.Status.Addresses[0].Address
	}
	pods := make(map[string]string)
	for i := 0; i < standard.Pods.Len(); i += 50 {
		p := pod(i, standard.Pods.First(i))
		if addresses[p.Spec.NodeName] != p.Status.HostIP {
			t.Fatalf("pod %d runs on %s at %s, whose address is %q", i, p.Spec.NodeName, p.Status.HostIP, addresses[p.Spec.NodeName])
		}
		pods[p.Status.PodIP] = string(p.UID)
	}
	found := 0
	for i := range standard.EndpointSlices.Len() {
		data := string(standard.EndpointSlices.Append(nil, workload.JSON, i, standard.EndpointSlices.First(i)))
		for ip, uid := range pods {
			if strings.Contains(data, ip) && strings.Contains(data, uid) {
				found++
				break
			}
		}
	}
	if found != standard.EndpointSlices.Len() {
		t.Errorf("%d of %d slices have the first pod of a Deployment", found, standard.EndpointSlices.Len())
	}
}

// The same seed makes the same bytes, today, tomorrow and elsewhere. If the workload is changed on
// purpose, so is this number, and figures cannot be compared with those before.
func TestSameSeedSameBytes(t *testing.T) {
	hash := func(w *workload.Workload) uint64 {
		h := fnv.New64a()
		for _, src := range w.Sources() {
			for i := 0; i <= src.Len(); i += max(src.Len()/20, 1) {
				s := workload.State{Version: workload.FirstVersion}
				if i < src.Len() {
					s = src.First(i)
				}
				h.Write(src.Append(nil, workload.JSON, i, s))
			}
		}
		return h.Sum64()
	}
	if have := hash(workload.New(workload.Config{})); have != golden {
		t.Errorf("the workload of seed 1 is %#x, and was %#x", have, uint64(golden))
	}
	if hash(workload.New(workload.Config{Seed: 2})) == golden {
		t.Error("seed 2 makes what seed 1 does")
	}
}

const golden = 0x72011e16a42ee8fa

func decode(t *testing.T, f workload.Format, data []byte, like runtime.Object) runtime.Object {
	t.Helper()
	object := like.DeepCopyObject()
	empty(object)
	var err error
	if f == workload.JSON {
		err = json.Unmarshal(data, object)
	} else {
		err = object.(interface{ Unmarshal([]byte) error }).Unmarshal(data)
	}
	if err != nil {
		t.Fatalf("decoding %T from %s: %v", like, f, err)
	}
	if _, err := meta.Accessor(object); err != nil {
		t.Fatal(err)
	}
	return object
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
