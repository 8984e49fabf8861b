// Package discovery_test runs skiff's discovery beside client-go's, on the same control plane and on
// the same files.
package discovery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgodiscovery "k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	clientgorest "k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func ours(t *testing.T, wrap ...func(*rest.Config)) *rest.Client {
	t.Helper()
	cfg := controlplane.Start(t).Config()
	for _, f := range wrap {
		f(cfg)
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// theirs is the same connection for client-go.
func theirs(t *testing.T) *clientgorest.Config {
	t.Helper()
	cfg := controlplane.Start(t).Config()
	return &clientgorest.Config{
		Host: cfg.Host, BearerToken: cfg.BearerToken,
		TLSClientConfig: clientgorest.TLSClientConfig{
			CAData: cfg.TLS.CAData, CertData: cfg.TLS.CertData, KeyData: cfg.TLS.KeyData,
			CAFile: cfg.TLS.CAFile, CertFile: cfg.TLS.CertFile, KeyFile: cfg.TLS.KeyFile,
		},
	}
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Every name that a server's discovery holds, whole and in part, means the same to both mappers.
func TestMappersAgree(t *testing.T) {
	d := discovery.NewMemory(discovery.New(ours(t)))
	mine := discovery.NewMapper(d)
	client, err := clientgodiscovery.NewDiscoveryClientForConfig(theirs(t))
	if err != nil {
		t.Fatal(err)
	}
	cached := memory.NewMemCacheClient(client)
	other := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(cached), cached, nil)
	catalog, err := d.Catalog(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	same := func(what string, a any, errA error, b any, errB error) {
		t.Helper()
		if asked[what] {
			return
		}
		asked[what] = true
		if fmt.Sprint(a) != fmt.Sprint(b) || meta.IsNoMatchError(errA) != meta.IsNoMatchError(errB) ||
			meta.IsAmbiguousError(errA) != meta.IsAmbiguousError(errB) {
			t.Errorf("%s: skiff says %v, %v; client-go says %v, %v", what, a, errA, b, errB)
		}
	}
	resource := func(partial schema.GroupVersionResource) {
		t.Helper()
		gvrA, errA := mine.ResourceFor(partial)
		gvrB, errB := other.ResourceFor(partial)
		same(fmt.Sprintf("ResourceFor(%v)", partial), gvrA, errA, gvrB, errB)
		gvkA, errA := mine.KindFor(partial)
		gvkB, errB := other.KindFor(partial)
		same(fmt.Sprintf("KindFor(%v)", partial), gvkA, errA, gvkB, errB)
	}
	mapping := func(gk schema.GroupKind, versions ...string) {
		t.Helper()
		a, errA := mine.RESTMapping(gk, versions...)
		b, errB := other.RESTMapping(gk, versions...)
		if errA == nil && errB == nil {
			same(fmt.Sprintf("RESTMapping(%v, %q)", gk, versions), *a, errA, *b, errB)
		} else {
			same(fmt.Sprintf("RESTMapping(%v, %q)", gk, versions), nil, errA, nil, errB)
		}
	}
	groupsOf := map[string][]string{} // of a short name
	for _, r := range catalog.Preferred() {
		for _, name := range r.ShortNames {
			groupsOf[name] = append(groupsOf[name], r.Info.Group)
		}
	}
	for _, v := range catalog.Resources() {
		for _, r := range v.Resources {
			for _, name := range append([]string{r.Info.Resource, r.Singular, "no" + r.Info.Resource}, r.ShortNames...) {
				for _, group := range []string{"", v.Group, v.Group[:len(v.Group)/2], "no." + v.Group} {
					if group == "" && len(groupsOf[name]) > 1 {
						continue // client-go takes any of the groups, by the order of a Go map
					}
					resource(schema.GroupVersionResource{Group: group, Resource: name})
				}
				if !slices.Contains(r.ShortNames, name) { // client-go drops the version of a short name
					resource(schema.GroupVersionResource{Version: v.Version, Resource: name})
					resource(schema.GroupVersionResource{Version: "v9", Resource: name})
					resource(v.GV().WithResource(name))
				}
			}
			gk := r.Info.GVK().GroupKind()
			for _, versions := range [][]string{nil, {v.Version}, {"v9"}, {"v9", v.Version}, {""}, {"v1", "v1beta1", "v1alpha1"}} {
				mapping(gk, versions...)
				mapping(schema.GroupKind{Group: gk.Group, Kind: "No" + gk.Kind}, versions...)
			}
			a, errA := mine.ResourceSingularizer(r.Info.Resource)
			b, errB := other.ResourceSingularizer(r.Info.Resource)
			same("ResourceSingularizer("+r.Info.Resource+")", a, errA, b, errB)
			for _, category := range append([]string{"none"}, r.Categories...) {
				a, okA := mine.Expand(category)
				b, okB := restmapper.NewDiscoveryCategoryExpander(cached).Expand(category)
				// client-go names a resource once for each version that has it, in any order.
				for _, all := range []*[]schema.GroupResource{&a, &b} {
					slices.SortFunc(*all, func(x, y schema.GroupResource) int {
						return strings.Compare(x.String(), y.String())
					})
					*all = slices.Compact(*all)
				}
				same("Expand("+category+")", fmt.Sprint(a, okA), nil, fmt.Sprint(b, okB), nil)
			}
		}
	}
	if len(asked) < 1000 {
		t.Errorf("only %d questions", len(asked))
	}
}
