package cli

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/discovery"
)

// ResourceOfKind returns the resource of the objects of a kind, as files have it.
func (f *Factory) ResourceOfKind(
	ctx context.Context, gvk schema.GroupVersionKind,
) (discovery.Resource, error) {
	mapper, err := f.Mapper()
	if err != nil {
		return discovery.Resource{}, err
	}
	m, err := mapper.RESTMappingWithContext(ctx, gvk.GroupKind(), gvk.Version)
	if err != nil {
		return discovery.Resource{}, fmt.Errorf("find the resource of %s: %w", gvk.Kind, err)
	}
	return f.byGVR(ctx, m.Resource)
}
