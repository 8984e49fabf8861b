// clientgo-runner is client-go's side of the bench: one shared informer with one handler, driven over
// standard input (package probe says how). Everything is at its default, with protobuf for built-in
// types, as every guide to client-go advises.
//
//	clientgo-runner --server URL [--resource pods] [--dynamic] [--json] [--variant stripped]
//
// The variant "stripped" drops managedFields by a transform before they are kept.
package main

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
)

func main() { probe.Main("clientgo-runner", newSubject) }

// builtin are the resources that client-go has generated informers for.
var builtin = map[string]schema.GroupVersionResource{
	"pods":           {Version: "v1", Resource: "pods"},
	"configmaps":     {Version: "v1", Resource: "configmaps"},
	"nodes":          {Version: "v1", Resource: "nodes"},
	"endpointslices": {Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"},
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
	gvr, ok := builtin[c.Resource]
	switch {
	case c.Dynamic && ok:
		s.open = func() (cache.SharedIndexInformer, error) { return dynamicInformer(cfg, gvr) }
	case ok:
		s.open = func() (cache.SharedIndexInformer, error) { return typedInformer(cfg, gvr) }
	default:
		return nil, fmt.Errorf("--resource %s: unknown", c.Resource)
	}
	return s, nil
}

func newConfig(c probe.Config) (cfg *rest.Config, err error) {
	cfg = &rest.Config{Host: c.Server}
	if c.Kubeconfig != "" {
		if cfg, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
			return nil, err
		}
	}
	if !c.JSON && !c.Dynamic {
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

func dropManagedFields(object any) (any, error) {
	if m, ok := object.(metav1.Object); ok {
		m.SetManagedFields(nil)
	}
	return object, nil
}
