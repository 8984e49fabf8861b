package discovery

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The methods of a Mapper that take no context, as meta.RESTMapper has them.

// limited returns the context of a method that takes none.
func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), mapperTimeout)
}

// KindFor is KindForWithContext without a context.
func (m *Mapper) KindFor(partial schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	ctx, cancel := limited()
	defer cancel()
	return m.KindForWithContext(ctx, partial)
}

// KindsFor is KindsForWithContext without a context.
func (m *Mapper) KindsFor(
	partial schema.GroupVersionResource,
) ([]schema.GroupVersionKind, error) {
	ctx, cancel := limited()
	defer cancel()
	return m.KindsForWithContext(ctx, partial)
}

// ResourceFor is ResourceForWithContext without a context.
func (m *Mapper) ResourceFor(
	partial schema.GroupVersionResource,
) (schema.GroupVersionResource, error) {
	ctx, cancel := limited()
	defer cancel()
	return m.ResourceForWithContext(ctx, partial)
}

// ResourcesFor is ResourcesForWithContext without a context.
func (m *Mapper) ResourcesFor(
	partial schema.GroupVersionResource,
) ([]schema.GroupVersionResource, error) {
	ctx, cancel := limited()
	defer cancel()
	return m.ResourcesForWithContext(ctx, partial)
}

// RESTMapping is RESTMappingWithContext without a context.
func (m *Mapper) RESTMapping(
	gk schema.GroupKind, versions ...string,
) (*meta.RESTMapping, error) {
	ctx, cancel := limited()
	defer cancel()
	return m.RESTMappingWithContext(ctx, gk, versions...)
}

// RESTMappings is RESTMappingsWithContext without a context.
func (m *Mapper) RESTMappings(
	gk schema.GroupKind, versions ...string,
) ([]*meta.RESTMapping, error) {
	ctx, cancel := limited()
	defer cancel()
	return m.RESTMappingsWithContext(ctx, gk, versions...)
}

// ResourceSingularizer is ResourceSingularizerWithContext without a context.
func (m *Mapper) ResourceSingularizer(resource string) (string, error) {
	ctx, cancel := limited()
	defer cancel()
	return m.ResourceSingularizerWithContext(ctx, resource)
}

// Expand is ExpandWithContext without a context.
func (m *Mapper) Expand(category string) ([]schema.GroupResource, bool) {
	ctx, cancel := limited()
	defer cancel()
	return m.ExpandWithContext(ctx, category)
}

// Reset is ResetWithContext without a context.
func (m *Mapper) Reset() { m.ResetWithContext(context.Background()) }
