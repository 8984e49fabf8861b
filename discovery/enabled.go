package discovery

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

// IsEnabled reports whether the server serves a resource. Without a Version, any version counts. A
// subresource is named after a slash: "pods/resize".
//
// It reports false only if it is known that the server does not serve the resource. If the resource
// may be in a group version that is missing in the server's answer, the error is a [*PartialError].
func (d *Client) IsEnabled(
	ctx context.Context, gvr schema.GroupVersionResource,
) (bool, error) {
	name, sub, hasSub := strings.Cut(gvr.Resource, "/")
	if name == "" || hasSub && sub == "" {
		return false, &kind.MisuseError{
			Verb: "find", Resource: gvr.Resource, Problem: "the name of the resource is empty",
		}
	}
	_, err := d.find(ctx, query{
		what:  gvr.String(),
		where: within(gvr.Group, gvr.Version),
		in: func(c *Catalog) (Resource, bool) {
			return c.first(gvr.Group, gvr.Version, func(r *Resource) bool {
				if r.Info.Resource != name || !hasSub {
					return r.Info.Resource == name && len(r.Verbs) > 0
				}
				return slices.ContainsFunc(r.Subresources,
					func(s Subresource) bool { return s.Name == sub })
			})
		},
		none: func() error { return &meta.NoResourceMatchError{PartialResource: gvr} },
	})
	if meta.IsNoMatchError(err) {
		return false, nil
	}
	return err == nil, err
}
