package informer

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/wire"
)

// plain is what an informer is to be: a map of decoded objects.
type plain map[string]*corev1.Pod

func (p plain) keys(match func(*corev1.Pod) bool) []string {
	var keys []string
	for key, pod := range p {
		if match(pod) {
			keys = append(keys, key)
		}
	}
	return slices.Sorted(slices.Values(keys))
}

// Under random adds, updates, deletes, new indexes and changing budgets, and with readers at work all
// the time, every way to read says what a map of decoded objects says.
func TestReadsAreThoseOfAPlainMap(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			i := cached(t, 0, DecodedBudget(int64(r.IntN(200_000))))
			i.handle.wishes.check.Store(seed%2 == 0)
			stop := make(chan struct{})
			var readers sync.WaitGroup
			readers.Go(func() { readAll(t, i, stop) })
			readsAreThoseOf(t, r, i, plain{})
			close(stop)
			readers.Wait()
		})
	}
}

// version is what randomPod has put into the fields that it changes.
func version(pod *corev1.Pod) string { return pod.ResourceVersion }

func randomPod(r *rand.Rand, v int) *corev1.Pod {
	pod := samplePod(r.IntN(20))
	for c := range pod.Spec.Containers { // the race detector is slow enough
		pod.Spec.Containers[c].Env = nil
	}
	pod.ResourceVersion = strconv.Itoa(v)
	pod.Annotations["version"] = pod.ResourceVersion
	pod.Spec.NodeName = fmt.Sprint("node-", r.IntN(5))
	pod.Spec.Containers[1].Args = []string{pod.ResourceVersion, pod.Spec.NodeName}
	if r.IntN(3) == 0 {
		pod.Labels["tier"] = "frontend"
	}
	if r.IntN(4) == 0 {
		pod.Status = corev1.PodStatus{}
	}
	return pod
}

// readAll reads everything in many ways, and checks what can be checked without knowing more.
func readAll(t *testing.T, i *Informer[corev1.Pod], stop chan struct{}) {
	whole := func(pod *corev1.Pod, err error) {
		if err != nil || version(pod) != pod.Annotations["version"] || version(pod) != pod.Spec.Containers[1].Args[0] {
			t.Errorf("read %+v (%v)", pod, err)
		}
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		for pod, err := range views(i.Lister(), Query{}) {
			whole(pod, err)
		}
		for pod, err := range i.Lister().All(Query{}) {
			whole(pod, err)
			pod.Spec.Containers[1].Args[0], pod.Annotations = "mine", nil
		}
	}
}

func readsAreThoseOf(t *testing.T, r *rand.Rand, i *Informer[corev1.Pod], p plain) {
	two := MustFields[corev1.Pod]("spec.nodeName", "metadata.annotations['version']")
	indexed := 0
	for step := range 300 {
		pod := randomPod(r, step+1)
		key := pod.Namespace + "/" + pod.Name
		o := asRead(t, pod, wire.Protobuf, "v1", "Pod")
		switch n := r.IntN(20); {
		case n < 12:
			i.handle.feeds[0].apply([]delta{{kind: deltaSet, object: o}})
			p[key] = pod
		case n < 16:
			i.handle.feeds[0].apply([]delta{{kind: deltaGone, object: o}})
			delete(p, key)
		case n == 16:
			i.handle.store().SetDecodedBytes([]int64{0, 20_000, 100_000, 1 << 20, -1}[r.IntN(5)])
		case n == 17 && indexed < 3:
			if err := i.AddFieldIndex(fmt.Sprint("node", indexed), "spec.nodeName"); err != nil {
				t.Fatal(err)
			}
			indexed++
		}
		for range 2 {
			some := samplePod(r.IntN(20))
			key := some.Namespace + "/" + some.Name
			want := p[key]
			got, err := i.Lister().ByKey(key)
			if want == nil {
				if !apierrors.IsNotFound(err) {
					t.Fatalf("step %d: %s is %v (%v), and there is none", step, key, got, err)
				}
				continue
			}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("step %d: %s is\n%+v (%v), want\n%+v", step, key, got, err, want)
			}
			got.Labels, got.Spec.Containers[1].Args[1] = nil, "mine"
			err = i.Lister().View(some.Namespace, some.Name, func(lent *corev1.Pod) error {
				if !reflect.DeepEqual(lent, want) {
					t.Fatalf("step %d: %s is lent as\n%+v, want\n%+v", step, key, lent, want)
				}
				return nil
			})
			item, _ := i.Lister().Item(some.Namespace, some.Name)
			part, partErr := item.Partial(two)
			if err != nil || partErr != nil || part.Spec.NodeName != want.Spec.NodeName || !maps.Equal(part.Annotations, map[string]string{"version": version(want)}) {
				t.Fatalf("step %d: a part of %s is %+v (%v, %v)", step, key, part, partErr, err)
			}
		}
		tier, node := labels.Set{"tier": "frontend"}, fmt.Sprint("node-", r.IntN(5))
		selected, err := i.Lister().List(Query{Labels: labels.SelectorFromSet(tier)})
		same(t, step, "List", selected, err, p.keys(func(pod *corev1.Pod) bool { return pod.Labels["tier"] == "frontend" }))
		for n := range indexed {
			found, err := i.Lister().List(Query{Index: fmt.Sprint("node", n), Value: node})
			same(t, step, "ByIndex", found, err, p.keys(func(pod *corev1.Pod) bool { return pod.Spec.NodeName == node }))
		}
		if stats := i.Stats(); stats.Objects != len(p) || stats.DecodedObjects > len(p) {
			t.Fatalf("step %d: %d objects, and counted are %+v", step, len(p), stats)
		}
	}
}

func same(t *testing.T, step int, what string, pods []*corev1.Pod, err error, want []string) {
	t.Helper()
	var keys []string
	for _, pod := range pods {
		keys = append(keys, pod.Namespace+"/"+pod.Name)
	}
	slices.Sort(keys)
	if err != nil || !slices.Equal(keys, want) {
		t.Fatalf("step %d: %s finds %v (%v), want %v", step, what, keys, err, want)
	}
}

// views is Lister.Views as an iterator, for a test that looks at one object after the other.
func views[T any](l Lister[T], q Query) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		enough := errors.New("enough")
		err := l.Views(q, func(object *T) error {
			if !yield(object, nil) {
				return enough
			}
			return nil
		})
		if err != nil && err != enough {
			yield(nil, err)
		}
	}
}
