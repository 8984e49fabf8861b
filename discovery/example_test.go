package discovery_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

// The resource that a short name means on this server.
func ExampleClient_ForResource() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
		w.Header().Set("Content-Type", v2)
		if r.URL.Path == "/api" {
			fmt.Fprint(w, `{"items": []}`)
			return
		}
		fmt.Fprint(w, `{"items": [{"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
			{"resource": "deployments", "responseKind": {"kind": "Deployment"}, "scope": "Namespaced",
			 "shortNames": ["deploy"], "verbs": ["get", "list", "watch"]}]}]}]}`)
	}))
	defer server.Close()

	c, err := rest.NewClient(&rest.Config{Host: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := discovery.NewMemory(discovery.New(c)) // asks the server once
	deploy, err := d.ForResource(context.Background(), "deploy")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(deploy.Info.GVR(), deploy.Info.Namespaced, deploy.Can("list"))
	// Output: apps/v1, Resource=deployments true true
}

// What a partial name means: a meta.RESTMapper, refreshed when something is not found.
func ExampleNewMapper() {
	var c *rest.Client // made by rest.NewClient
	d := discovery.NewMemory(discovery.New(c))
	mapper := discovery.NewMapper(d)
	ctx := context.Background()

	m, err := mapper.RESTMappingWithContext(ctx, schema.GroupKind{Group: "apps", Kind: "Deployment"})
	if meta.IsNoMatchError(err) {
		fmt.Println("the server does not serve it")
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Resource, m.Scope.Name())

	all, err := mapper.Category(ctx, "all") // as in kubectl get all
	fmt.Println(all, err)

	metrics := schema.GroupVersionResource{Group: "metrics.k8s.io", Version: "v1beta1", Resource: "nodes"}
	enabled, err := d.IsEnabled(ctx, metrics)
	fmt.Println(enabled, err)
}

// A command line tool keeps the answer on disk for its next run, and for kubectl.
func ExampleNewDisk() {
	var cfg *rest.Config // made by kubeconfig.Load
	dir, err := discovery.HTTPCacheDir()
	if err != nil {
		fmt.Println(err)
		return
	}
	discovery.CacheHTTP(cfg, dir) // an answer that has expired is revalidated by its ETag
	c, err := rest.NewClient(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	if dir, err = discovery.CacheDir(c); err != nil {
		fmt.Println(err)
		return
	}
	d := discovery.NewMemory(discovery.NewDisk(discovery.New(c), dir, 0))
	versions, err := d.Resources(context.Background())
	if err != nil {
		fmt.Println(err) // a *PartialError: versions holds what is known
	}
	for _, v := range versions {
		fmt.Println(v.APIVersion(), len(v.Resources))
	}
}
