// Package replay_test holds the replay server against the clients that the bench compares: what they
// decode from it must be what the workload says, object by object.
package replay_test

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientcache "k8s.io/client-go/tools/cache"

	"github.com/skiff-k8s/skiff/bench/internal/replay"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
	"github.com/skiff-k8s/skiff/informer"
)

var extract = meta.ExtractList

// skiff caches a resource with its Go type.
func skiff(t *testing.T, w *watched) reader {
	factory := skiffFactory(t, w)
	switch w.src.Info().Resource {
	case "pods":
		return runSkiff(t, w, factory, informer.For[corev1.Pod](factory))
	case "configmaps":
		return runSkiff(t, w, factory, informer.For[corev1.ConfigMap](factory))
	case "nodes":
		return runSkiff(t, w, factory, informer.For[corev1.Node](factory))
	case "endpointslices":
		return runSkiff(t, w, factory, informer.For[discoveryv1.EndpointSlice](factory))
	case "databases":
		return runSkiff(t, w, factory, informer.For[workload.Database](factory))
	}
	t.Fatalf("no type for %s", w.src.Info().Resource)
	return nil
}

func start(t *testing.T, o replay.Options, sources ...workload.Source) *replay.Server {
	t.Helper()
	server, err := replay.Start(sources, o)
	check(t, err)
	t.Cleanup(func() { check(t, server.Close()) })
	return server
}

// Every client's cache is what the workload says: after the list, after a flood of changes, and after
// every object was replaced, whether bytes are canned or made as they are sent.
func TestClientsHaveWhatTheWorkloadSays(t *testing.T) {
	for _, src := range workload.New(workload.Config{Pods: 130}).Sources() {
		for _, p := range peers {
			if p.built && !src.Info().Protobuf {
				continue
			}
			for name, canned := range map[string]int64{"canned": 0, "as it sends": -1} {
				t.Run(src.Info().Resource+"/"+p.name+"/"+name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					defer cancel()
					server := start(t, replay.Options{CannedBytes: canned}, src)
					w := watch(server, src)
					w.settings = p.settings
					read := p.caches(t, w)
					same(t, w, read())
					for _, f := range []replay.Flood{
						{Events: 300}, {Kind: replay.Replace, Rounds: 1}, {Kind: replay.Rollout, Rounds: 2}, {Events: 50, Rate: 5000},
					} {
						f.Resource = src.Info().Resource
						flooded, err := server.Flood(ctx, f)
						check(t, err)
						if flooded.Watches != 1 {
							t.Errorf("%d watches were open", flooded.Watches)
						}
						w.await(t, ctx, strconv.FormatUint(flooded.Version, 10))
						same(t, w, read())
					}
				})
			}
		}
	}
}

// same compares what a cache has with what the server says there is.
func same(t *testing.T, w *watched, have []runtime.Object) {
	t.Helper()
	want := make(map[string]runtime.Object)
	for at, state := range w.server.Objects(w.src.Info().Resource) {
		object := w.src.Object(at, state)
		key, err := clientcache.MetaNamespaceKeyFunc(object)
		check(t, err)
		want[key] = object
	}
	if len(have) != len(want) {
		t.Fatalf("the cache has %d objects, there are %d", len(have), len(want))
	}
	for _, object := range have {
		key, err := clientcache.MetaNamespaceKeyFunc(object)
		check(t, err)
		if want[key] == nil {
			t.Fatalf("the cache has %s, which there is not", key)
		}
		object, expected := comparable(t, object, want[key])
		if !apiequality.Semantic.DeepEqual(object, expected) {
			t.Fatalf("the cache has\n%s\nand it should have\n%s", asJSON(t, object), asJSON(t, expected))
		}
	}
}

// comparable makes two objects comparable: without apiVersion and kind, of the same type.
func comparable(t *testing.T, have, want runtime.Object) (a, b runtime.Object) {
	if u, ok := have.(*unstructured.Unstructured); ok {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
		check(t, err)
		copied := u.DeepCopy()
		for _, key := range []string{"apiVersion", "kind"} {
			delete(copied.Object, key)
			delete(content, key)
		}
		return copied, &unstructured.Unstructured{Object: content}
	}
	have, want = have.DeepCopyObject(), want.DeepCopyObject()
	have.GetObjectKind().SetGroupVersionKind(want.GetObjectKind().GroupVersionKind())
	return have, want
}

func asJSON(t *testing.T, object runtime.Object) []byte {
	data, err := json.Marshal(object)
	check(t, err)
	return data
}
