package discovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func connect(t *testing.T, wrap ...func(*http.Request)) *rest.Client {
	t.Helper()
	cfg := controlplane.Start(t).Config()
	if len(wrap) > 0 {
		cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				r = r.Clone(r.Context())
				for _, f := range wrap {
					f(r)
				}
				return next.RoundTrip(r)
			})
		}
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// old makes of every request one from before aggregated discovery.
func old(r *http.Request) { r.Header.Set("Accept", "application/json") }

func counter(n *atomic.Int64) func(*http.Request) { return func(*http.Request) { n.Add(1) } }

func TestServerVersion(t *testing.T) {
	c, ctx := connect(t), soon(t)
	got, err := discovery.New(c).ServerVersion(ctx)
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var want version.Info
	if err := json.Unmarshal(data, &want); err != nil || *got != want || got.GitVersion != controlplane.Start(t).Version() {
		t.Errorf("%+v, want %+v, %v", got, want, err)
	}
}

// The documents that every server has had since the beginning, read as they come.
func TestDiscoveryAgreesWithTheRawDocuments(t *testing.T) {
	c, ctx := connect(t), soon(t)
	raw := func(path string, into any) {
		t.Helper()
		data, err := c.Get().AbsPath(path).SetHeader("Accept", "application/json").DoRaw(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatal(err)
		}
	}
	var core metav1.APIVersions
	raw("/api", &core)
	var named metav1.APIGroupList
	raw("/apis", &named)
	wantVersions := slices.Clone(core.Versions)
	for _, g := range named.Groups {
		wantVersions = append(wantVersions, g.PreferredVersion.GroupVersion)
		for _, v := range g.Versions {
			if v != g.PreferredVersion {
				wantVersions = append(wantVersions, v.GroupVersion)
			}
		}
	}
	versions, err := discovery.New(c).Resources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var gotVersions []string
	resources := 0
	for _, v := range versions {
		gotVersions = append(gotVersions, v.APIVersion())
		path := "/apis/" + v.APIVersion()
		if v.Group == "" {
			path = "/api/" + v.Version
		}
		var list metav1.APIResourceList
		raw(path, &list)
		got := map[string]metav1.APIResource{}
		for _, r := range v.Resources {
			resources++
			got[r.Info.Resource] = metav1.APIResource{Name: r.Info.Resource, Kind: r.Info.Kind, Namespaced: r.Info.Namespaced,
				SingularName: r.Singular, ShortNames: r.ShortNames, Categories: r.Categories, Verbs: r.Verbs}
			for _, s := range r.Subresources {
				sub := metav1.APIResource{Name: r.Info.Resource + "/" + s.Name, Kind: s.GVK.Kind, Namespaced: r.Info.Namespaced, Verbs: s.Verbs}
				if s.GVK.GroupVersion() != v.GV() {
					sub.Group, sub.Version = s.GVK.Group, s.GVK.Version
				}
				got[sub.Name] = sub
			}
		}
		for _, want := range list.APIResources {
			want.StorageVersionHash = "" // not in the aggregated document
			slices.Sort(want.Verbs)
			if strings.Contains(want.Name, "/") {
				want.SingularName = ""
			}
			if !reflect.DeepEqual(got[want.Name], want) {
				t.Errorf("%s %s is\n%+v, want\n%+v", v.APIVersion(), want.Name, got[want.Name], want)
			}
			delete(got, want.Name)
		}
		for name := range got {
			t.Errorf("%s %s is in no document", v.APIVersion(), name)
		}
	}
	if !slices.Equal(gotVersions, wantVersions) {
		t.Errorf("the group versions are\n%q, want\n%q", gotVersions, wantVersions)
	}
	if v := controlplane.Start(t).Version(); resources < 70 && v >= "v1.37" { // older ones serve fewer
		t.Errorf("only %d resources of %s", resources, v)
	}
}

func TestBothProtocolsSayTheSame(t *testing.T) {
	ctx := soon(t)
	var aggregated, legacy atomic.Int64
	catalogA, err := discovery.New(connect(t, counter(&aggregated))).Catalog(ctx)
	if err != nil {
		t.Fatal(err)
	}
	catalogB, err := discovery.New(connect(t, counter(&legacy), old)).Catalog(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a, b := catalogA.Groups, catalogB.Groups
	for _, groups := range [][]discovery.Group{a, b} { // resources stand in another order
		for _, g := range groups {
			for _, v := range g.Versions {
				slices.SortFunc(v.Resources, func(x, y discovery.Resource) int {
					return strings.Compare(x.Info.Resource, y.Info.Resource)
				})
			}
		}
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("aggregated\n%+v\nlegacy\n%+v", a, b)
	}
	if aggregated.Load() != 2 || legacy.Load() < 20 {
		t.Errorf("%d requests for the aggregated documents, %d for the others", aggregated.Load(), legacy.Load())
	}
}

func TestEveryBuiltInThatIsServedIsFound(t *testing.T) {
	d, ctx := discovery.NewMemory(discovery.New(connect(t))), soon(t)
	versions, err := d.Resources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		for _, r := range v.Resources {
			if strings.HasSuffix(r.Info.Group, ".example.com") {
				continue
			}
			if known, ok := kind.ByGVR(r.Info.GVR()); !ok || known != r.Info {
				t.Errorf("package kind says %+v, the server %+v", known, r.Info)
			}
			if k, err := d.ByGVK(ctx, r.Info.GVK()); err != nil || k != r.Info {
				t.Errorf("by kind: %+v, %v", k, err)
			}
			if k, err := d.ByGVR(ctx, r.Info.GVR()); err != nil || k != r.Info {
				t.Errorf("by resource: %+v, %v", k, err)
			}
		}
	}
	for name, want := range map[string]string{
		"deploy": "deployments", "po": "pods", "svc": "services", "ev": "events", "ing": "ingresses", "netpol": "networkpolicies",
		"cm": "configmaps", "no": "nodes", "ns": "namespaces", "sa": "serviceaccounts", "pvc": "persistentvolumeclaims",
		"sts": "statefulsets", "ds": "daemonsets", "rs": "replicasets", "hpa": "horizontalpodautoscalers", "crd": "customresourcedefinitions",
		"Deployment": "deployments", "endpointslice": "endpointslices", "events.events.k8s.io": "events", "deployments.v1.apps": "deployments",
	} {
		if r, err := d.ForResource(ctx, name); err != nil || r.Info.Resource != want {
			t.Errorf("%q is %+v, %v", name, r.Info, err)
		}
	}
	if r, _ := d.ForResource(ctx, "ev"); r.Info.Group != "" {
		t.Errorf("events are %v", r.Info)
	}
}

// define makes a custom resource.
func define(t *testing.T, c *rest.Client, group, plural, kindName string) {
	t.Helper()
	body := fmt.Sprintf(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"%[2]s.%[1]s"},
		"spec":{"group":%[1]q,"scope":"Cluster","names":{"plural":%[2]q,"kind":%[3]q,"shortNames":["zz"]},
		"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}},
		            {"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}`, group, plural, kindName)
	err := c.Post().GroupVersion(schema.GroupVersion{Group: "apiextensions.k8s.io", Version: "v1"}).
		Resource("customresourcedefinitions").Body([]byte(body)).Do(soon(t)).Error()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Delete().GroupVersion(schema.GroupVersion{Group: "apiextensions.k8s.io", Version: "v1"}).
			Resource("customresourcedefinitions").Name(plural + "." + group).Do(context.Background()).Error()
		gone(t, c, group)
	})
}

func TestANewCustomResourceIsFoundThroughTheCaches(t *testing.T) {
	c, ctx := connect(t), soon(t)
	d := discovery.NewMemory(discovery.NewDisk(discovery.New(c), t.TempDir(), 0))
	if _, err := d.ForResource(ctx, "zz"); !meta.IsNoMatchError(err) {
		t.Fatalf("before it is there: %v", err)
	}
	define(t, c, "discovery.skiff.example.com", "sloops", "Sloop")
	// The server takes its time to serve it, and a lookup asks it once a second at most.
	var r discovery.Resource
	poll(ctx, t, func() (err error) {
		r, err = d.ForResource(ctx, "zz")
		return err
	})
	if r.Info.GVK() != (schema.GroupVersionKind{Group: "discovery.skiff.example.com", Version: "v2", Kind: "Sloop"}) || r.Info.Namespaced || r.Info.Protobuf {
		t.Errorf("%+v", r)
	}
	k, err := d.ByGVK(ctx, schema.GroupVersionKind{Group: "discovery.skiff.example.com", Kind: "Sloop"})
	if err != nil || k.Version != "v2" || k.Resource != "sloops" {
		t.Errorf("%+v, %v", k, err)
	}
}

// gone waits, after its test, until a group is not served any more: other tests count on nothing
// changing under them.
func gone(t *testing.T, c *rest.Client, group string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	poll(ctx, t, func() error {
		for _, d := range []*discovery.Client{discovery.New(c), discovery.New(connect(t, old))} {
			catalog, err := d.Catalog(ctx)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(catalog.Groups, func(g discovery.Group) bool { return g.Name == group }) {
				return fmt.Errorf("the group %s is still served", group)
			}
		}
		return nil
	})
}

// poll repeats what must succeed in the end, for what the server has no watch for.
func poll(ctx context.Context, t *testing.T, f func() error) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

// aggregate registers an aggregated API server that does not exist.
func aggregate(t *testing.T, c *rest.Client, gv schema.GroupVersion) {
	t.Helper()
	services := schema.GroupVersion{Group: "apiregistration.k8s.io", Version: "v1"}
	body := fmt.Sprintf(`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.%[1]s"},
		"spec":{"group":%[1]q,"version":"v1","groupPriorityMinimum":100,"versionPriority":1,"insecureSkipTLSVerify":true,
		"service":{"namespace":"default","name":"nowhere"}}}`, gv.Group)
	if err := c.Post().GroupVersion(services).Resource("apiservices").Body([]byte(body)).Do(soon(t)).Error(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Delete().GroupVersion(services).Resource("apiservices").Name("v1." + gv.Group).Do(context.Background()).Error()
		gone(t, c, gv.Group)
	})
}

func TestAnAggregatedServerThatIsDownIsAPartialError(t *testing.T) {
	c, ctx := connect(t), soon(t)
	gv := schema.GroupVersion{Group: "down.skiff.example.com", Version: "v1"}
	aggregate(t, c, gv)
	for name, wrap := range map[string]func(*http.Request){"aggregated": func(*http.Request) {}, "legacy": old} {
		dir := t.TempDir()
		var n atomic.Int64
		live := discovery.New(connect(t, wrap, counter(&n)))
		var partial *discovery.PartialError
		poll(ctx, t, func() error {
			catalog, err := live.Catalog(ctx)
			if errors.As(err, &partial) && len(catalog.Groups) > 20 {
				return nil
			}
			return fmt.Errorf("%+v, %v", catalog, err)
		})
		if partial.Failed[gv] == nil || len(partial.Failed) != 1 {
			t.Errorf("%s: failed are %v", name, partial.Failed)
		}
		whole, failed := discovery.NewDisk(live, dir, 0).Catalog(ctx)
		for process, d := range map[string]*discovery.Client{
			"live": live, "of another process": discovery.NewDisk(live, dir, 0),
		} {
			name, before := name+", "+process, n.Load()
			for _, known := range []string{"deploy", "deployments.apps", "roles.rbac.authorization.k8s.io"} {
				if r, err := d.ForResource(ctx, known); err != nil || r.Info.Resource == "" {
					t.Errorf("%s: what is there: %+v, %v", name, r, err)
				}
			}
			catalog, err := d.Catalog(ctx)
			if d != live && (n.Load() != before || !reflect.DeepEqual(catalog.Groups, whole.Groups) || err.Error() != failed.Error()) {
				t.Errorf("%s: %d requests, %v", name, n.Load()-before, err)
			}
			partial = nil
			if _, err := d.ByGVR(ctx, gv.WithResource("boats")); !errors.As(err, &partial) || partial.Failed[gv] == nil {
				t.Errorf("%s: what may be behind it: %v", name, err)
			}
			partial = nil
			if _, err := d.ForResource(ctx, "boats."+gv.Group); !errors.As(err, &partial) || meta.IsNoMatchError(err) {
				t.Errorf("%s: a name that may be behind it: %v", name, err)
			}
			for _, nowhere := range []string{"boats.apps", "certificates.cert-manager.io"} {
				if _, err := d.ForResource(ctx, nowhere); !meta.IsNoMatchError(err) {
					t.Errorf("%s: %s cannot be behind it: %v", name, nowhere, err)
				}
			}
			if _, err := d.ByGVR(ctx, schema.GroupVersionResource{Group: "apps", Resource: "boats"}); !meta.IsNoMatchError(err) {
				t.Errorf("%s: what cannot be behind it: %v", name, err)
			}
		}
	}
}

func TestTheSecondRunMakesNoRequest(t *testing.T) {
	dir, ctx := t.TempDir(), soon(t)
	var want []discovery.GroupVersion
	for run, expect := range []int64{2, 0} {
		var n atomic.Int64
		d := discovery.NewMemory(discovery.NewDisk(discovery.New(connect(t, counter(&n))), dir, 0))
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if r, err := d.ForResource(ctx, "deploy"); err != nil || r.Info.Resource != "deployments" {
					t.Errorf("%+v, %v", r, err)
				}
			})
		}
		wg.Wait()
		got, err := d.Resources(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n.Load() != expect {
			t.Errorf("run %d made %d requests, want %d", run, n.Load(), expect)
		}
		if run > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("from disk\n%+v, from the server\n%+v", got, want)
		}
		want = got
	}
}
