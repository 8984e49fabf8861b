// skiff-runner is skiff's side of the bench: one informer with one handler, controlled over
// standard input (see package probe).
//
//	skiff-runner --server URL [--resource pods] [--dynamic] [--json] [--variant decoded|undecoded]
//
// The variant "decoded" keeps every object decoded that was read, "undecoded" none. Everything else
// has its default.
package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() { probe.Main("skiff-runner", newSubject) }

// databases is the custom resource of the workload.
var databases = kind.Info{
	Group: workload.DatabaseKind.Group, Version: workload.DatabaseKind.Version, Kind: workload.DatabaseKind.Kind,
	Resource: "databases", Namespaced: true,
}

func newSubject(c probe.Config) (probe.Subject, error) {
	factory, err := newFactory(c)
	if err != nil {
		return nil, err
	}
	if err := kind.Register[workload.Database](databases); err != nil {
		return nil, err
	}
	if c.Dynamic {
		return newDynamic(factory, c.Resource)
	}
	switch c.Resource {
	case "pods":
		return typed[corev1.Pod](factory), nil
	case "configmaps":
		return typed[corev1.ConfigMap](factory), nil
	case "nodes":
		return typed[corev1.Node](factory), nil
	case "endpointslices":
		return typed[discoveryv1.EndpointSlice](factory), nil
	case databases.Resource:
		return typed[workload.Database](factory), nil
	}
	return nil, fmt.Errorf("--resource %s: no Go type for it here", c.Resource)
}

func newDynamic(factory *informer.Factory, resource string) (probe.Subject, error) {
	for k := range kind.All() {
		if k.Resource == resource {
			return dynamic(factory, k), nil
		}
	}
	return nil, fmt.Errorf("--resource %s: no such kind", resource)
}

func newFactory(c probe.Config) (*informer.Factory, error) {
	cfg := &rest.Config{Host: c.Server}
	if c.Kubeconfig != "" {
		var err error
		if cfg, err = kubeconfig.Load(c.Kubeconfig); err != nil {
			return nil, err
		}
	}
	client, err := rest.NewClient(cfg)
	if err != nil {
		return nil, err
	}
	var options []informer.Option
	if c.JSON {
		options = append(options, informer.JSON())
	}
	switch c.Variant {
	case "":
	case "undecoded":
		options = append(options, informer.DecodedBudget(0))
	case "decoded":
		options = append(options, informer.KeepDecoded())
	default:
		return nil, fmt.Errorf("--variant %s: unknown; want decoded, undecoded or none", c.Variant)
	}
	return informer.NewFactory(client, options...), nil
}
