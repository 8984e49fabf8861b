package apiserver

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/internal/live"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

var write = flag.Bool("write", false, "write discovery.json.gz from the control plane")

// The embedded discovery is that of the control plane, and every resource in it is one that the server
// can decode.
func TestBuiltinsAreTheControlPlanes(t *testing.T) {
	cluster := live.Cluster(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	want := builtinDiscovery{Core: aggregated(t, c, "/api"), Groups: aggregated(t, c, "/apis")}
	if *write {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if _, err := z.Write(encodeJSON(map[string]any{"core": want.Core, "groups": want.Groups})); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("discovery.json.gz", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := builtins(); !reflect.DeepEqual(got, want) {
		t.Errorf("the embedded discovery is not the control plane's: run this test with -write")
	}
}

func aggregated(t *testing.T, c *rest.Client, path string) []apidiscoveryv2.APIGroupDiscovery {
	t.Helper()
	r, err := c.Get().AbsPath(path).SetHeader("Accept",
		"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list apidiscoveryv2.APIGroupDiscoveryList
	if err := json.Unmarshal(r, &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// Every built-in kind that is stored has a Go type, except those whose Go types are not linked.
func TestBuiltinsHaveGoTypes(t *testing.T) {
	without := map[string]bool{"customresourcedefinitions.apiextensions.k8s.io": true, "apiservices.apiregistration.k8s.io": true}
	for gvr, r := range newRegistry().resources {
		if typed := schema.IsBuiltin(r.GVK()); typed == without[r.gr().String()] {
			t.Errorf("%s: has a Go type: %v", gvr, typed)
		}
	}
}

// The names in the tables of traits are resources that are served.
func TestTraitsAreOfResources(t *testing.T) {
	known := map[string]bool{}
	for _, r := range newRegistry().resources {
		known[r.gr().String()] = true
	}
	for _, table := range []map[string]bool{
		generations, conditionals, createsOnUpdate, bareStatuses, returnDeleted, orphaning,
	} {
		for name := range table {
			if !known[name] {
				t.Errorf("%s is not served", name)
			}
		}
	}
	for name := range fieldLabels {
		if !known[name] {
			t.Errorf("%s is not served", name)
		}
	}
	for name := range immutable {
		if !known[name] {
			t.Errorf("%s is not served", name)
		}
	}
}

// What autoscaling/v1 has no field for comes back from it unchanged.
func TestAutoscalersKeepWhatV1HasNot(t *testing.T) {
	v1 := newRegistry().kind(hpa1)
	const v2 = `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"a"},"spec":{"maxReplicas":3,
		"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}},
		{"type":"Pods","pods":{"metric":{"name":"hits"},"target":{"type":"Value","value":"5"}}}],
		"behavior":{"scaleDown":{"selectPolicy":"Min"}}}}`
	o, err := Decode([]byte(v2))
	if err != nil {
		t.Fatal(err)
	}
	want := cloneContent(o)
	old := v1.fromStored(o)
	if got := at(old, "spec", "targetCPUUtilizationPercentage"); got != int64(50) {
		t.Errorf("v1 has a target of %v", got)
	}
	if back := v1.toStored(old); !equal(back, want) {
		t.Errorf("came back as %s", encodeJSON(back))
	}
}
