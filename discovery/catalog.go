package discovery

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

// Catalog is everything that a server serves. It is shared: the caller must not change it.
type Catalog struct {
	// Groups are in the order in which the server prefers them. The core group, whose name is "",
	// comes first.
	Groups []Group `json:"groups"`

	// Fetched is the time at which the server was asked.
	Fetched time.Time `json:"fetched"`

	// mayLack is set if the catalog may lack group versions and does not name them.
	mayLack bool
}

// Group is one API group.
type Group struct {
	Name string `json:"name"` // "apps"; "" is the core group
	// Versions are in the order in which the server prefers them.
	Versions []GroupVersion `json:"versions"`
}

// GroupVersion is one version of a group, with its resources.
type GroupVersion struct {
	Group     string     `json:"group"`
	Version   string     `json:"version"`
	Resources []Resource `json:"resources"`
}

// GV returns the group and version as a schema.GroupVersion.
func (v GroupVersion) GV() schema.GroupVersion {
	return schema.GroupVersion{Group: v.Group, Version: v.Version}
}

// APIVersion returns the group and version as they stand in an object: "v1", "apps/v1".
func (v GroupVersion) APIVersion() string { return v.GV().String() }

// Resource is one resource of one group version.
type Resource struct {
	// Info is the resource's group, version and name, its objects' kind, and its scope. Protobuf is
	// set from package kind's table, because discovery does not include it.
	Info       kind.Info `json:"kind"`
	Singular   string    `json:"singular,omitempty"`   // "deployment"
	ShortNames []string  `json:"shortNames,omitempty"` // "deploy"
	Categories []string  `json:"categories,omitempty"` // "all"
	// Verbs are "get", "list", "watch" and so on. It is empty if only subresources are served.
	Verbs        []string      `json:"verbs,omitempty"`
	Subresources []Subresource `json:"subresources,omitempty"`
}

// Can reports whether the server serves a verb ("list", "watch", "deletecollection") for the
// resource. Whether the caller may use it is up to the server's authorization.
func (r Resource) Can(verb string) bool { return slices.Contains(r.Verbs, verb) }

// Subresource is a path below each object of a resource, such as pods/log.
type Subresource struct {
	Name string `json:"name"` // "scale"
	// GVK is the kind of the objects that are read and written there: policy/v1 Eviction for
	// pods/eviction.
	GVK   schema.GroupVersionKind `json:"kind"`
	Verbs []string                `json:"verbs,omitempty"`
}

// Resources returns the resources of every group version, in the order of Groups.
func (c *Catalog) Resources() []GroupVersion {
	var out []GroupVersion
	for _, g := range c.Groups {
		out = append(out, g.Versions...)
	}
	return out
}

// Preferred returns each resource once. Of several versions that have it, it is in the one that the
// server prefers.
func (c *Catalog) Preferred() []Resource {
	var out []Resource
	for _, g := range c.Groups {
		seen := map[string]bool{}
		for _, v := range g.Versions {
			for _, r := range v.Resources {
				if !seen[r.Info.Resource] {
					seen[r.Info.Resource] = true
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// ByGVK returns the resource whose objects are of a kind, and reports whether there is one. Without
// a Version, it returns the version that the server prefers.
func (c *Catalog) ByGVK(gvk schema.GroupVersionKind) (Resource, bool) {
	return c.first(gvk.Group, gvk.Version, func(r *Resource) bool {
		return r.Info.Kind == gvk.Kind && gvk.Kind != ""
	})
}

// ByGVR returns a resource by its name, and reports whether there is one. Without a Version, it
// returns the version that the server prefers.
func (c *Catalog) ByGVR(gvr schema.GroupVersionResource) (Resource, bool) {
	return c.first(gvr.Group, gvr.Version, func(r *Resource) bool {
		return r.Info.Resource == gvr.Resource
	})
}

// first returns the first resource of a group for which want holds. Version "" means any version.
func (c *Catalog) first(group, version string, want func(*Resource) bool) (Resource, bool) {
	return c.find(func(v *GroupVersion) bool {
		return v.Group == group && (version == "" || v.Version == version)
	}, want)
}

func (c *Catalog) find(in func(*GroupVersion) bool, want func(*Resource) bool) (Resource, bool) {
	for i := range c.Groups {
		for j := range c.Groups[i].Versions {
			v := &c.Groups[i].Versions[j]
			if !in(v) {
				continue
			}
			for k := range v.Resources {
				if want(&v.Resources[k]) {
					return v.Resources[k], true
				}
			}
		}
	}
	return Resource{}, false
}

// ForResource returns the resource that a name means, and reports whether there is one. It accepts
// the names that kubectl accepts, in upper or lower case:
//
//   - the resource's name (deployments), its singular (deployment, Deployment) or a short name
//     (deploy);
//   - followed by nothing, by its group (deployments.apps), or by its version and group
//     (deployments.v1.apps; for the core group pods.v1 or pods.v1.).
//
// If several resources match, the order of precedence is:
//
//  1. a resource's name, a singular, a short name;
//  2. the order of the groups, in which the core group comes first;
//  3. the order of the versions.
func (c *Catalog) ForResource(name string) (Resource, bool) {
	name, rest, qualified := strings.Cut(strings.ToLower(name), ".")
	if name == "" {
		return Resource{}, false
	}
	for _, in := range readings(rest, qualified) {
		for _, is := range []func(*Resource) bool{
			func(r *Resource) bool { return r.Info.Resource == name },
			func(r *Resource) bool {
				return r.Singular == name ||
					r.Info.Kind != "" && strings.EqualFold(r.Info.Kind, name)
			},
			func(r *Resource) bool { return slices.Contains(r.ShortNames, name) },
		} {
			if r, ok := c.find(in, is); ok {
				return r, true
			}
		}
	}
	return Resource{}, false
}

// readings returns what the part after a resource's name may mean: a version and a group, or a
// group.
func readings(rest string, qualified bool) []func(*GroupVersion) bool {
	if !qualified {
		return []func(*GroupVersion) bool{func(*GroupVersion) bool { return true }}
	}
	version, group, _ := strings.Cut(rest, ".")
	return []func(*GroupVersion) bool{
		func(v *GroupVersion) bool { return v.Version == version && v.Group == group },
		func(v *GroupVersion) bool { return v.Group == rest },
	}
}
