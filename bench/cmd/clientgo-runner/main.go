// clientgo-runner is client-go's side of the bench: one shared informer with one handler,
// controlled over standard input (see package probe). Everything has its default, except that
// built-in types use protobuf, as guides to client-go recommend.
//
//	clientgo-runner --server URL [--resource pods] [--dynamic] [--json] [--variant stripped]
//
// The variant "stripped" drops managedFields by a transform before objects are cached.
package main

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

func main() { probe.Main("clientgo-runner", newSubject) }

// resources are those of the workload.
var resources = map[string]schema.GroupVersionResource{
	"pods":           {Version: "v1", Resource: "pods"},
	"configmaps":     {Version: "v1", Resource: "configmaps"},
	"nodes":          {Version: "v1", Resource: "nodes"},
	"endpointslices": {Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"},
	"databases":      {Group: workload.DatabaseKind.Group, Version: workload.DatabaseKind.Version, Resource: "databases"},
}

func newSubject(c probe.Config) (probe.Subject, error) {
	cfg, err := newConfig(c)
	if err != nil {
		return nil, err
	}
	s := &subject{}
	switch c.Variant {
	case "":
	case "stripped":
		s.transform = dropManagedFields
	default:
		return nil, fmt.Errorf("--variant %s: unknown; want stripped or none", c.Variant)
	}
	gvr, ok := resources[c.Resource]
	if !ok {
		return nil, fmt.Errorf("--resource %s: unknown", c.Resource)
	}
	open := typedInformer
	switch {
	case c.Dynamic:
		open = dynamicInformer
	case gvr.Group == workload.DatabaseKind.Group:
		open = customInformer
	}
	s.open = func() (cache.SharedIndexInformer, error) { return open(cfg, gvr) }
	return s, nil
}

func newConfig(c probe.Config) (cfg *rest.Config, err error) {
	cfg = &rest.Config{Host: c.Server}
	if c.Kubeconfig != "" {
		if cfg, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
			return nil, err
		}
	}
	if !c.JSON && !c.Dynamic && c.Resource != "databases" {
		cfg.ContentType = runtime.ContentTypeProtobuf
		cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	}
	return cfg, nil
}

func typedInformer(cfg *rest.Config, gvr schema.GroupVersionResource) (cache.SharedIndexInformer, error) {
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	generic, err := informers.NewSharedInformerFactory(client, 0).ForResource(gvr)
	if err != nil {
		return nil, err
	}
	return generic.Informer(), nil
}

func dynamicInformer(cfg *rest.Config, gvr schema.GroupVersionResource) (cache.SharedIndexInformer, error) {
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	return dynamicinformer.NewDynamicSharedInformerFactory(client, 0).ForResource(gvr).Informer(), nil
}

// customInformer returns the informer that client-go's code generators would write for the custom
// resource.
func customInformer(cfg *rest.Config, gvr schema.GroupVersionResource) (cache.SharedIndexInformer, error) {
	scheme := runtime.NewScheme()
	if err := workload.AddToScheme(scheme); err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	cfg.APIPath = "/apis"
	cfg.GroupVersion = new(gvr.GroupVersion())
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, err
	}
	watch := cache.NewListWatchFromClient(client, gvr.Resource, metav1.NamespaceAll, fields.Everything())
	return cache.NewSharedIndexInformer(watch, &workload.Database{}, 0,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}), nil
}

func dropManagedFields(object any) (any, error) {
	if m, ok := object.(metav1.Object); ok {
		m.SetManagedFields(nil)
	}
	return object, nil
}
