package discovery

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

// Catalog is everything that a server serves. It is immutable: shared by all who ask, and changed by
// nobody.
type Catalog struct {
	// Groups are in the order in which the server prefers them. The core group, whose name is "",
	// comes first.
	Groups []Group `json:"groups"`

	// Fetched is when the server was asked.
	Fetched time.Time `json:"fetched"`
}

// Group is one API group.
type Group struct {
	Name string `json:"name"` // "apps"; "" is the core group
	// Versions are in the order in which the server prefers them.
	Versions []GroupVersion `json:"versions"`
}

// GroupVersion is one version of a group, and the resources in it.
type GroupVersion struct {
	Group     string     `json:"group"`
	Version   string     `json:"version"`
	Resources []Resource `json:"resources"`
}

// GV returns its name as a value of package schema.
func (v GroupVersion) GV() schema.GroupVersion {
	return schema.GroupVersion{Group: v.Group, Version: v.Version}
}

// APIVersion returns its name as objects have it: "v1", "apps/v1".
func (v GroupVersion) APIVersion() string { return v.GV().String() }

// Resource is one resource of one group version.
type Resource struct {
	// Kind says where it is and what its objects are. Kind.Protobuf is what package kind knows;
	// servers do not tell.
	Kind         kind.Info     `json:"kind"`
	Singular     string        `json:"singular,omitempty"`   // "deployment"
	ShortNames   []string      `json:"shortNames,omitempty"` // "deploy"
	Categories   []string      `json:"categories,omitempty"` // "all"
	Verbs        []string      `json:"verbs,omitempty"`      // "get", "list", "watch"; empty when only its subresources are served
	Subresources []Subresource `json:"subresources,omitempty"`
}

// Can says whether the resource has a verb of the API ("list", "watch", "deletecollection").
func (r Resource) Can(verb string) bool { return slices.Contains(r.Verbs, verb) }

// Subresource is one path below each object of a resource.
type Subresource struct {
	Name string `json:"name"` // "scale"
	// Kind is what is read and written there: for pods/eviction, policy/v1 Eviction.
	Kind  schema.GroupVersionKind `json:"kind"`
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

// Preferred returns each resource once, in the version that the server prefers among those that
// have it.
func (c *Catalog) Preferred() []Resource {
	var out []Resource
	for _, g := range c.Groups {
		seen := map[string]bool{}
		for _, v := range g.Versions {
			for _, r := range v.Resources {
				if !seen[r.Kind.Resource] {
					seen[r.Kind.Resource] = true
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// ByGVK finds the resource whose objects are of a kind. Without a Version it is the version that the
// server prefers.
func (c *Catalog) ByGVK(gvk schema.GroupVersionKind) (Resource, bool) {
	return c.first(gvk.Group, gvk.Version, func(r *Resource) bool { return r.Kind.Kind == gvk.Kind && gvk.Kind != "" })
}

// ByGVR finds a resource by its name. Without a Version it is the version that the server prefers.
func (c *Catalog) ByGVR(gvr schema.GroupVersionResource) (Resource, bool) {
	return c.first(gvr.Group, gvr.Version, func(r *Resource) bool { return r.Kind.Resource == gvr.Resource })
}

// first finds the first resource of a group that is wanted; version "" is any.
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

// ForResource finds what people call a resource, as kubectl does: by its name (deployments), in the
// singular (deployment, Deployment) or by a short name (deploy), with upper and lower case alike; by
// itself, with its group (deployments.apps) or with its version and group (deployments.v1.apps; of
// the core group, pods.v1 or pods.v1.).
//
// Of several, a resource's own name counts more than a singular, and that more than a short name;
// then the group that the server prefers counts, the core group before all others, and then the
// version.
func (c *Catalog) ForResource(name string) (Resource, bool) {
	name, rest, qualified := strings.Cut(strings.ToLower(name), ".")
	if name == "" {
		return Resource{}, false
	}
	for _, in := range readings(rest, qualified) {
		for _, is := range []func(*Resource) bool{
			func(r *Resource) bool { return r.Kind.Resource == name },
			func(r *Resource) bool {
				return r.Singular == name || r.Kind.Kind != "" && strings.EqualFold(r.Kind.Kind, name)
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

// readings are what may follow a resource's name: a version and a group, or a group.
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
