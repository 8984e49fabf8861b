package apiserver

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// Resource is a resource in one version. Versions of a resource have the same collection.
type Resource struct {
	Group, Version, Plural, Kind string
	Namespaced                   bool
	verbs                        []string
	subresources                 map[string][]string // their verbs
	in                           storage.Collection
	stored                       apischema.GroupVersionKind // the form in the store
	traits

	custom  *schema.Custom // of a custom kind
	scale   *scalePaths    // nil if there is no scale subresource
	columns []column       // of a custom kind's table
	fields  []string       // selectable fields of a custom kind
}

// GVK returns the kind.
func (r *Resource) GVK() apischema.GroupVersionKind {
	return apischema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
}

// GVR returns the resource.
func (r *Resource) GVR() apischema.GroupVersionResource {
	return apischema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Plural}
}

func (r *Resource) gr() apischema.GroupResource { return r.GVR().GroupResource() }
func (r *Resource) gk() apischema.GroupKind     { return r.GVK().GroupKind() }

func (r *Resource) apiVersion() string { return r.GVK().GroupVersion().String() }

// typed reports whether the kind has a Go type.
func (r *Resource) typed() bool { return r.custom == nil && schema.IsBuiltin(r.GVK()) }

// isCustom reports whether a definition made the kind.
func (r *Resource) isCustom() bool { return r.custom != nil }

func (r *Resource) allows(verb, subresource string) bool {
	if subresource == "" {
		return slices.Contains(r.verbs, verb)
	}
	return slices.Contains(r.subresources[subresource], verb)
}

// has reports whether the resource has a subresource.
func (r *Resource) has(subresource string) bool { return r.subresources[subresource] != nil }

// registry is what the server serves.
type registry struct {
	mu           sync.RWMutex
	core, groups []apidiscoveryv2.APIGroupDiscovery // of the built-in kinds
	resources    map[apischema.GroupVersionResource]*Resource
	kinds        map[apischema.GroupVersionKind]*Resource
	definitions  map[string]*definition // by the name of the definition
}

func newRegistry() *registry {
	builtin := builtins()
	r := &registry{
		core: builtin.Core, groups: builtin.Groups,
		resources:   map[apischema.GroupVersionResource]*Resource{},
		kinds:       map[apischema.GroupVersionKind]*Resource{},
		definitions: map[string]*definition{},
	}
	for _, g := range slices.Concat(r.core, r.groups) {
		for _, v := range g.Versions {
			for _, d := range v.Resources {
				r.add(builtinResource(g.Name, v.Version, d))
			}
		}
	}
	return r
}

// add adds a resource. mu is held, or the registry is new.
func (r *registry) add(res *Resource) {
	r.resources[res.GVR()] = res
	if _, known := r.kinds[res.GVK()]; !known {
		r.kinds[res.GVK()] = res
	}
}

// resource returns a resource, or nil.
func (r *registry) resource(gvr apischema.GroupVersionResource) *Resource {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.resources[gvr]
}

// kind returns the resource of a kind, or nil.
func (r *registry) kind(gvk apischema.GroupVersionKind) *Resource {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.kinds[gvk]
}

// Serves returns an error if no resource can have that name, which is RESOURCE.GROUP/SUBRESOURCE as far
// as there is a group and a subresource. A group of which nothing is served may be defined later.
func (s *Server) Serves(name string) error {
	resource, sub, _ := strings.Cut(name, "/")
	plural, group, _ := strings.Cut(resource, ".")
	s.registry.mu.RLock()
	defer s.registry.mu.RUnlock()
	known, found := group == "", false
	var others []string
	for _, r := range s.registry.resources {
		known = known || r.Group == group
		switch {
		case r.Plural != plural:
		case r.Group != group:
			others = append(others, r.gr().String())
		case sub == "" || r.has(sub):
			return nil
		default:
			found = true
		}
	}
	switch {
	case found:
		return fmt.Errorf("%s has no subresource %q", resource, sub)
	case !known:
		return nil
	case len(others) > 0:
		slices.Sort(others)
		return fmt.Errorf("the server serves no %s, but %s", resource, strings.Join(slices.Compact(others), ", "))
	}
	return fmt.Errorf("the server serves no %s: a resource is written as deployments.apps", resource)
}

// all returns a resource for each collection.
func (r *registry) all() []*Resource {
	r.mu.RLock()
	defer r.mu.RUnlock()
	seen := map[storage.Collection]bool{}
	var all []*Resource
	for _, res := range r.resources {
		if !seen[res.in] && res.GVK() == res.stored && slices.Contains(res.verbs, "list") {
			seen[res.in] = true
			all = append(all, res)
		}
	}
	slices.SortFunc(all, func(a, b *Resource) int {
		return strings.Compare(a.Group+"/"+a.Plural, b.Group+"/"+b.Plural)
	})
	return all
}

// discovery returns the groups, with those of the definitions.
func (r *registry) discovery() (core, groups []apidiscoveryv2.APIGroupDiscovery) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	byName := map[string]*apidiscoveryv2.APIGroupDiscovery{}
	for _, name := range sortedKeys(r.definitions) {
		d := r.definitions[name]
		g := byName[d.group]
		if g == nil {
			g = &apidiscoveryv2.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: d.group}}
			byName[d.group] = g
		}
		d.describe(g)
	}
	groups = slices.Clone(r.groups)
	for _, name := range sortedKeys(byName) {
		g := byName[name]
		slices.SortStableFunc(g.Versions, func(a, b apidiscoveryv2.APIVersionDiscovery) int {
			return -compareVersions(a.Version, b.Version)
		})
		groups = append(groups, *g)
	}
	return r.core, groups
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
