// Package mapper finds the resource of a name or a kind.
package mapper

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// ClientGo prints what "deploy" is, and where the objects of kind Ingress are.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	d, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return err
	}
	cached := memory.NewMemCacheClient(d)
	m := restmapper.NewDeferredDiscoveryRESTMapper(cached)
	short := restmapper.NewShortcutExpander(m, cached, nil)
	gvr, err := short.ResourceFor(schema.GroupVersionResource{Resource: "deploy"})
	if err != nil {
		return err
	}
	mapping, err := m.RESTMapping(schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, gvr, mapping.Resource, mapping.Scope.Name())
	return err
}
