// ctrl-runner is controller-runtime's side of the bench: one informer of its cache with one
// handler, controlled over standard input (see package probe). Everything has its default.
//
//	ctrl-runner --server URL [--resource pods]
package main

import (
	"errors"
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

func main() {
	log.SetLogger(logr.Discard())
	probe.Main("ctrl-runner", newSubject)
}

// scheme knows every type that is benched.
var scheme = runtime.NewScheme()

func init() {
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(workload.AddToScheme(scheme))
}

// resource is one type that a cache can be of.
type resource struct {
	object client.Object
	list   func() client.ObjectList
	scope  meta.RESTScope
}

var resources = map[string]resource{
	"pods":           {&corev1.Pod{}, func() client.ObjectList { return &corev1.PodList{} }, meta.RESTScopeNamespace},
	"configmaps":     {&corev1.ConfigMap{}, func() client.ObjectList { return &corev1.ConfigMapList{} }, meta.RESTScopeNamespace},
	"nodes":          {&corev1.Node{}, func() client.ObjectList { return &corev1.NodeList{} }, meta.RESTScopeRoot},
	"databases":      {&workload.Database{}, func() client.ObjectList { return &workload.DatabaseList{} }, meta.RESTScopeNamespace},
	"endpointslices": {&discoveryv1.EndpointSlice{}, func() client.ObjectList { return &discoveryv1.EndpointSliceList{} }, meta.RESTScopeNamespace},
}

func newSubject(c probe.Config) (probe.Subject, error) {
	if c.Variant != "" || c.JSON || c.Dynamic {
		return nil, errors.New("this runner has no variants: a cache of a Go type, as it comes")
	}
	r, ok := resources[c.Resource]
	if !ok {
		return nil, fmt.Errorf("--resource %s: unknown", c.Resource)
	}
	cfg := &rest.Config{Host: c.Server}
	if c.Kubeconfig != "" {
		var err error
		if cfg, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
			return nil, err
		}
	}
	return &subject{resource: r, open: func() (cache.Cache, error) { return open(cfg, r) }}, nil
}

// open makes a cache. It passes the resource's name and scope, which the cache would otherwise
// request from the server's discovery.
func open(cfg *rest.Config, r resource) (cache.Cache, error) {
	gvk, err := apiutil.GVKForObject(r.object, scheme)
	if err != nil {
		return nil, err
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(gvk, r.scope)
	return cache.New(cfg, cache.Options{Scheme: scheme, Mapper: mapper})
}
