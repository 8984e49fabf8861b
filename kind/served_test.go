package kind_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// served asks an API server for its resources, without help of package discovery, which stands on
// this one.
func served(t *testing.T, cfg *rest.Config) map[schema.GroupVersionResource]kind.Info {
	t.Helper()
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out := map[schema.GroupVersionResource]kind.Info{}
	for _, root := range []string{"/api", "/apis"} {
		data, err := c.Get().AbsPath(root).SetHeader("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList").DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Items []struct {
				Metadata struct{ Name string }
				Versions []struct {
					Version   string
					Resources []struct {
						Resource     string
						Scope        string
						ResponseKind struct{ Kind string }
					}
				}
			}
		}
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		for _, g := range list.Items {
			for _, v := range g.Versions {
				for _, r := range v.Resources {
					k := kind.Info{
						Group: g.Metadata.Name, Version: v.Version, Kind: r.ResponseKind.Kind, Resource: r.Resource,
						Namespaced: r.Scope == "Namespaced", Protobuf: true,
					}
					out[k.GVR()] = k
				}
			}
		}
	}
	return out
}

func TestTheTableIsWhatTheServerServes(t *testing.T) {
	for name, c := range map[string]struct {
		cluster func(*testing.T) *controlplane.Cluster
		atLeast int
	}{
		"by default": {func(t *testing.T) *controlplane.Cluster { return controlplane.Start(t) }, 70},
		"with every alpha and beta": {func(t *testing.T) *controlplane.Cluster {
			return controlplane.New(t, controlplane.WithoutControllerManager(), controlplane.WithAPIServerArgs(
				"--runtime-config=api/all=true", "--feature-gates=AllAlpha=true,AllBeta=true"))
		}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := c.cluster(t)
			if c.atLeast > 70 {
				cluster.Needs(t, "1.37", "it serves alpha versions that k8s.io/api 0.37 has no types of any more")
			}
			resources := served(t, cluster.Config())
			if v := cluster.Version(); len(resources) < c.atLeast && v >= "v1.37" { // older ones serve fewer
				t.Fatalf("the server, %s, serves %d resources, want %d", v, len(resources), c.atLeast)
			}
			for gvr, want := range resources {
				if got, ok := kind.ByGVR(gvr); !ok || got != want {
					t.Errorf("%v is %+v, %t; the server says %+v", gvr, got, ok, want)
				}
			}
			t.Logf("%d resources", len(resources))
		})
	}
}

func TestTheServerSpeaksProtobufWhereTheTableSaysSo(t *testing.T) {
	cluster := controlplane.Start(t)
	cfg := cluster.Config()
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	lists := 0
	for gvr := range served(t, cfg) {
		// Whatever can be listed; the others are questions and answers, in the same groups.
		result := c.Get().GroupVersion(gvr.GroupVersion()).Resource(gvr.Resource).
			SetHeader("Accept", "application/vnd.kubernetes.protobuf").Do(t.Context())
		if result.StatusCode() == 405 || result.StatusCode() == 404 {
			continue
		}
		if _, err := result.Raw(); err != nil || result.ContentType() != "application/vnd.kubernetes.protobuf" {
			t.Errorf("%v: %q, %v", gvr, result.ContentType(), err)
		}
		lists++
	}
	if v := cluster.Version(); lists < 60 && v >= "v1.37" { // older ones serve fewer
		t.Errorf("only %d resources of %s could be listed", lists, v)
	}
}
