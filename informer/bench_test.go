package informer

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// BenchmarkApply is an event's way from the FIFO into the store and one handler's queue. heap/object
// is what a cached pod of about 1.5 KB costs, everything included.
func BenchmarkApply(b *testing.B) {
	k, err := kind.Of[corev1.Pod]()
	if err != nil {
		b.Fatal(err)
	}
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example"})
	if err != nil {
		b.Fatal(err)
	}
	var deltas []delta
	for i := range 10000 {
		var pod corev1.Pod
		pod.Namespace, pod.Name, pod.UID = fmt.Sprint("ns", i%40), fmt.Sprint("deployment-", i/50, "-", i), "12345678-1234-1234-1234-123456789abc"
		pod.ResourceVersion = fmt.Sprint(1000000 + i)
		pod.Labels = map[string]string{"app": fmt.Sprint("app", i/50)}
		for j := range 16 {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: fmt.Sprint("c", j), Image: "registry/image:1", Command: []string{"run", fmt.Sprint(i)}, ImagePullPolicy: "Always"})
		}
		data, err := pod.Marshal()
		if err != nil {
			b.Fatal(err)
		}
		o, err := wire.ReadObject(data, wire.Protobuf, wire.Options{APIVersion: "v1", Kind: "Pod"})
		if err != nil {
			b.Fatal(err)
		}
		deltas = append(deltas, delta{kind: deltaSet, object: o})
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := newShared(c, k, config{}, nil)
	i := &Informer[corev1.Pod]{handle: handle{shared: s}}
	r := i.AddHandler(Handler[corev1.Pod]{})
	var batch [processorBatch]event
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		s.feeds[0].apply(deltas[n%len(deltas) : n%len(deltas)+1])
		r.p.queue.take(batch[:])
		n++
	}
	clear(batch[:])
	if n >= len(deltas) {
		b.ReportMetric(float64(heap()-before)/float64(s.store().Len()), "heap/object")
	}
	runtime.KeepAlive(deltas)
}
