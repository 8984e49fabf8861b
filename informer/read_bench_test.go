package informer

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// cached is an informer that holds n sample Pods.
func cached(b testing.TB, n int, opts ...Option) *Informer[corev1.Pod] {
	b.Helper()
	k, err := kind.Of[corev1.Pod]()
	if err != nil {
		b.Fatal(err)
	}
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example"})
	if err != nil {
		b.Fatal(err)
	}
	cfg := newConfig(c, opts)
	i := &Informer[corev1.Pod]{handle: handle{shared: newShared(c, k, cfg, nil)}}
	i.handle.join(cfg)
	i.handle.feeds[0].apply([]delta{{kind: deltaListBegin}, {kind: deltaListEnd, version: "1"}})
	i.handle.readable.Store(true)
	for n := range n {
		i.handle.feeds[0].apply([]delta{{kind: deltaSet, object: asRead(b, samplePod(n), wire.Protobuf, "v1", "Pod")}})
	}
	return i
}

// BenchmarkRead is what reading costs, of Pods of 4.2 KB as protobuf. The package's documentation
// has its numbers.
//
//	go test ./informer -run '^$' -bench Read -benchmem
func BenchmarkRead(b *testing.B) {
	const n = 500
	off, kept := cached(b, n, DecodedBudget(-1)).Lister(), cached(b, n, KeepDecoded()).Lister()
	for range views(kept, Query{}) {
	}
	var names [n]string
	pods := map[string]*corev1.Pod{}
	for i := range names {
		pod := samplePod(i)
		names[i] = pod.Namespace + "/" + pod.Name
		pods[names[i]] = pod
	}
	look := func(pod *corev1.Pod) error {
		if pod.Spec.NodeName == "" {
			b.Error("not a pod")
		}
		return nil
	}
	each := func(name string, read func(name string) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := read(names[i%n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, way := range []struct {
		name   string
		lister Lister[corev1.Pod]
	}{{"packed", off}, {"decoded", kept}} {
		each("Get/"+way.name, func(name string) error {
			pod, err := way.lister.ByKey(name)
			if err == nil {
				err = look(pod)
			}
			return err
		})
		each("View/"+way.name, func(name string) error { return way.lister.View("default", name[len("default/"):], look) })
	}
	each("Copy", func(name string) error { return look(pods[name].DeepCopy()) }) // the least that a Get can cost
	for name, fields := range map[string]*Fields[corev1.Pod]{
		"two":    MustFields[corev1.Pod]("spec.nodeName", "status.phase"),
		"images": MustFields[corev1.Pod]("spec.nodeName", "spec.containers[*].image"),
		"status": MustFields[corev1.Pod]("spec.nodeName", "status"),
	} {
		each("Partial/"+name, func(name string) error {
			item, _ := off.item("get", name, "default", name[len("default/"):])
			pod, err := item.Partial(fields)
			if err == nil {
				err = look(pod)
			}
			return err
		})
	}
	each("Annotation", func(name string) error {
		item, _ := off.item("get", name, "default", name[len("default/"):])
		if value, ok := item.Annotation("prometheus.io/port"); !ok || value != "8080" {
			b.Error("no annotation")
		}
		return nil
	})
	each("Item", func(name string) error {
		if item, err := off.item("get", name, "default", name[len("default/"):]); err != nil || item.Labels().Get("tier") != "backend" {
			b.Error("no item")
		}
		return nil
	})
	all := func(name string, read func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/object")
		})
	}
	for _, way := range []struct {
		name   string
		lister Lister[corev1.Pod]
	}{{"packed", off}, {"decoded", kept}} {
		all("List/"+way.name, func() {
			if pods, err := way.lister.List(Query{}); err != nil || len(pods) != n {
				b.Fatal(err)
			}
		})
		all("Views/"+way.name, func() {
			if err := way.lister.Views(Query{}, look); err != nil {
				b.Fatal(err)
			}
		})
	}
	all("Items", func() {
		for item, err := range off.Items(Query{}) {
			if err != nil || item.Labels().Get("tier") != "backend" {
				b.Fatal("no label")
			}
		}
	})
}

// BenchmarkReadFootprint is what it costs to count a Pod that is to be kept.
func BenchmarkReadFootprint(b *testing.B) {
	pod := samplePod(1)
	b.ReportAllocs()
	for b.Loop() {
		_ = footprint(pod)
	}
}

// BenchmarkReadIndex is what an index costs for each change, by field path and by a function that
// decodes.
func BenchmarkReadIndex(b *testing.B) {
	for _, way := range []struct {
		name string
		add  func(*Informer[corev1.Pod]) error
	}{
		{"none", func(i *Informer[corev1.Pod]) error { return nil }},
		{"field", func(i *Informer[corev1.Pod]) error { return i.AddFieldIndex("node", "spec.nodeName") }},
		{"function", func(i *Informer[corev1.Pod]) error {
			return i.AddIndex("node", func(item Item[corev1.Pod]) []string {
				pod, err := item.Object()
				if err != nil {
					b.Error(err)
					return nil
				}
				return []string{pod.Spec.NodeName}
			})
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			i := cached(b, 500)
			if err := way.add(i); err != nil {
				b.Fatal(err)
			}
			deltas := make([]delta, 500)
			for n := range deltas {
				deltas[n] = delta{kind: deltaSet, object: asRead(b, samplePod(n), wire.Protobuf, "v1", "Pod")}
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				i.handle.feeds[0].apply(deltas[n%500 : n%500+1])
			}
		})
	}
}

// BenchmarkReadScan reads many more Pods than the decoded budget holds, all in turn, with the default
// budget and with none, and says how many of the reads found a decoded object.
//
// The difference is smaller than what two runs differ by, so that only alternating runs show it:
//
//	for i in 1 2 3 4 5 6 7 8; do for budget in none default; do
//		go test ./informer -run '^$' -bench ReadScan/budget=$budget -benchtime 60000x
//	done; done
func BenchmarkReadScan(b *testing.B) {
	const n = 20000
	names := make([]string, n)
	for i := range names {
		pod := samplePod(i)
		names[i] = pod.Namespace + "/" + pod.Name
	}
	for _, budget := range []struct {
		name string
		opts []Option
	}{{"none", []Option{DecodedBudget(-1)}}, {"default", nil}} {
		pods := cached(b, n, budget.opts...)
		for i := range 3 * n { // until what is kept is what a scan leaves
			if _, err := pods.Lister().ByKey(names[i%n]); err != nil {
				b.Fatal(err)
			}
		}
		b.Run("budget="+budget.name, func(b *testing.B) {
			before := pods.Stats()
			for i := 0; b.Loop(); i++ {
				if _, err := pods.Lister().ByKey(names[i%n]); err != nil {
					b.Fatal(err)
				}
			}
			after := pods.Stats()
			b.ReportMetric(100*float64(after.Hits-before.Hits)/float64(b.N), "%hits")
			b.ReportMetric(float64(after.DecodedBytes), "kept-B")
		})
	}
}
