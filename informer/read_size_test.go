package informer

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/wire"
)

// What a decoded object is counted for is what it takes in memory.
func TestFootprintIsWhatMemStatsSay(t *testing.T) {
	deployment := func(i int) any {
		var d appsv1.Deployment
		pod := samplePod(i)
		d.ObjectMeta, d.Spec.Template.Spec, d.Spec.Template.Labels = pod.ObjectMeta, pod.Spec, pod.Labels
		return &d
	}
	configMap := func(i int) any {
		var m corev1.ConfigMap
		m.Name, m.Data = fmt.Sprint(i), map[string]string{}
		for k := range i % 40 {
			m.Data[fmt.Sprint("key-", k)] = strings.Repeat("x", 10*k)
		}
		return &m
	}
	slice := func(i int) any {
		var s discoveryv1.EndpointSlice
		s.Name = fmt.Sprint(i)
		for e := range i % 100 {
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprint("10.0.0.", e)}, NodeName: new(fmt.Sprint("node-", e))})
		}
		return &s
	}
	for _, test := range []struct {
		name   string
		make   func(int) any
		format wire.Format
		as     func() any
	}{
		{"Pod", func(i int) any { return samplePod(i) }, wire.Protobuf, func() any { return new(corev1.Pod) }},
		{"Pod from JSON", func(i int) any { return samplePod(i) }, wire.JSON, func() any { return new(corev1.Pod) }},
		{"Pod", func(i int) any { return samplePod(i) }, wire.JSON, func() any { return new(unstructured.Unstructured) }},
		{"Deployment", deployment, wire.Protobuf, func() any { return new(appsv1.Deployment) }},
		{"ConfigMap", configMap, wire.Protobuf, func() any { return new(corev1.ConfigMap) }},
		{"EndpointSlice", slice, wire.Protobuf, func() any { return new(discoveryv1.EndpointSlice) }},
	} {
		t.Run(fmt.Sprintf("%s as %T", test.name, test.as()), func(t *testing.T) {
			const n = 500
			objects, decoded := make([]wire.Object, n), make([]any, n)
			for i := range objects {
				objects[i] = asRead(t, test.make(i), test.format, "v1", test.name)
			}
			for range 2 { // the first time, types are learnt
				clear(decoded)
				before := heap()
				for i := range decoded {
					decoded[i] = test.as()
					if err := wire.Decode(objects[i], decoded[i]); err != nil {
						t.Fatal(err)
					}
				}
				took := heap() - before
				var counted int64
				for _, d := range decoded {
					counted += footprint(d)
				}
				t.Logf("%d bytes each, counted %d: %+.1f %%", took/n, counted/n, 100*float64(counted-took)/float64(took))
				if counted < took*85/100 || counted > took*115/100 {
					t.Errorf("an object took %d bytes, counted were %d", took/n, counted/n)
				}
			}
			runtime.KeepAlive(objects)
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What computes its text at the first reading has done so when it is shared.
func TestFootprintSettlesQuantities(t *testing.T) {
	read := func() *corev1.Pod {
		into, from := new(corev1.Pod), samplePod(1)
		from.Spec.Volumes[2].EmptyDir.SizeLimit = new(resource.MustParse("1.5Gi"))
		if err := wire.Decode(asRead(t, from, wire.Protobuf, "v1", "Pod"), into); err != nil {
			t.Fatal(err)
		}
		return into
	}
	pod, same := read(), read()
	_ = pod.Spec.Volumes[2].EmptyDir.SizeLimit.String()
	if reflect.DeepEqual(pod, same) {
		t.Fatal("reading a quantity's text writes nothing any more: settling can go")
	}
	footprint(same)
	if !reflect.DeepEqual(pod, same) {
		t.Error("a quantity was not settled")
	}
	footprint(pod)
	if before := *pod.DeepCopy(); pod.Spec.Volumes[2].EmptyDir.SizeLimit.String() != "1536Mi" || !reflect.DeepEqual(*pod, before) {
		t.Error("reading the text of a settled quantity writes to it")
	}
}

// What refers to its own type is gone over to its end.
func TestFootprintOfARecursiveType(t *testing.T) {
	type node struct {
		Name     string
		Children []*node
		ByName   map[string]node
		Any      any
	}
	leaf := node{Name: strings.Repeat("x", 1000)}
	tree := &node{Children: []*node{&leaf, nil}, ByName: map[string]node{"a": leaf}, Any: []any{leaf.Name, nil, true, int64(7), &leaf}}
	if got := footprint(tree); got < 5000 || got > 6500 {
		t.Errorf("a tree with five texts of 1,000 bytes takes %d", got)
	}
	if got := footprint(new(int64)); got != 8 {
		t.Errorf("an int64 takes %d bytes", got)
	}
}
