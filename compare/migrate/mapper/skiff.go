package mapper

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints what "deploy" is, and where the objects of kind Ingress are. The mapper has a cache of
// its own, and asks the server again for what it does not find.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	m := discovery.NewMapper(discovery.New(c))
	gvr, err := m.ResourceForWithContext(ctx, schema.GroupVersionResource{Resource: "deploy"})
	if err != nil {
		return err
	}
	mapping, err := m.RESTMappingWithContext(ctx,
		schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, gvr, mapping.Resource, mapping.Scope.Name())
	return err
}
