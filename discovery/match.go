package discovery

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// versions are the versions that a caller accepts, in its order. None are all.
type versions []string

// named returns the versions that name one. Package runtime's "__internal" names none.
func named(all []string) (out versions) {
	for _, v := range all {
		if v != "" && v != runtime.APIVersionInternal {
			out = append(out, v)
		}
	}
	return out
}

func (vs versions) has(version string) bool {
	return len(vs) == 0 || slices.Contains(vs, version)
}

// normal returns a partial resource in lower case. The version "__internal" is none.
func normal(partial schema.GroupVersionResource) schema.GroupVersionResource {
	partial.Resource = strings.ToLower(partial.Resource)
	if partial.Version == runtime.APIVersionInternal {
		partial.Version = ""
	}
	return partial
}

// singular returns a resource's singular. Servers may leave it out; then it is the kind.
func singular(r *Resource) string {
	if r.Singular != "" {
		return r.Singular
	}
	return strings.ToLower(r.Info.Kind)
}

// candidates returns the resources that a partial one may mean, by the rules of Mapper. Its name is
// in lower case.
func candidates(c *Catalog, want schema.GroupVersionResource) []Resource {
	names := []func(*Resource) bool{
		func(r *Resource) bool {
			return r.Info.Resource == want.Resource || singular(r) == want.Resource
		},
		func(r *Resource) bool { return slices.Contains(r.ShortNames, want.Resource) },
		func(r *Resource) bool { return strings.EqualFold(r.Info.Kind, want.Resource) },
	}
	groups := []func(string) bool{func(group string) bool { return group == want.Group }}
	switch {
	case want.Group == "":
		groups[0] = func(string) bool { return true }
	case want.Version == "":
		groups = append(groups, func(group string) bool {
			return strings.HasPrefix(group, want.Group)
		})
	}
	for _, group := range groups {
		for _, name := range names {
			if found := c.all(func(v *GroupVersion, r *Resource) bool {
				return group(v.Group) && (want.Version == "" || v.Version == want.Version) &&
					name(r)
			}); len(found) > 0 {
				return found
			}
		}
	}
	return nil
}

// ofKind returns the resources whose objects are of a kind. If versions are given, they are those of
// the versions, in their order.
func ofKind(c *Catalog, gk schema.GroupKind, wanted versions) []Resource {
	for _, same := range []func(a, b string) bool{
		func(a, b string) bool { return a == b },
		func(a, b string) bool { return strings.ToLower(a) == b },
	} {
		found := c.all(func(v *GroupVersion, r *Resource) bool {
			return gk.Kind != "" && v.Group == gk.Group && wanted.has(v.Version) &&
				same(r.Info.Kind, gk.Kind)
		})
		slices.SortStableFunc(found, func(a, b Resource) int {
			return slices.Index(wanted, a.Info.Version) - slices.Index(wanted, b.Info.Version)
		})
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// inCategory returns the resources of a category, each in its preferred version.
func inCategory(c *Catalog, name string) (out []Resource) {
	for _, r := range c.Preferred() {
		if slices.Contains(r.Categories, name) {
			out = append(out, r)
		}
	}
	return out
}

// all returns the resources for which want holds, in order. A resource without a kind has
// subresources only, and is no match.
func (c *Catalog) all(want func(*GroupVersion, *Resource) bool) (out []Resource) {
	for i := range c.Groups {
		for j := range c.Groups[i].Versions {
			v := &c.Groups[i].Versions[j]
			for k := range v.Resources {
				if r := &v.Resources[k]; r.Info.Kind != "" && want(v, r) {
					out = append(out, *r)
				}
			}
		}
	}
	return out
}

// kindsOf returns the kinds of resources, each once.
func kindsOf(found []Resource) (out []schema.GroupVersionKind) {
	for i := range found {
		if gvk := found[i].Info.GVK(); !slices.Contains(out, gvk) {
			out = append(out, gvk)
		}
	}
	return out
}

func gvrsOf(found []Resource) (out []schema.GroupVersionResource) {
	for i := range found {
		out = append(out, found[i].Info.GVR())
	}
	return out
}

func mappingsOf(found []Resource) (out []*meta.RESTMapping) {
	for i := range found {
		r := &found[i]
		scope := meta.RESTScopeRoot
		if r.Info.Namespaced {
			scope = meta.RESTScopeNamespace
		}
		out = append(out, &meta.RESTMapping{
			Resource: r.Info.GVR(), GroupVersionKind: r.Info.GVK(), Scope: scope,
		})
	}
	return out
}
