package apiserver

import (
	"slices"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// definitionGroup is the group of CustomResourceDefinitions. They are handled as JSON: the module of
// their Go types is not linked.
const definitionGroup = "apiextensions.k8s.io"

// definition is what a CustomResourceDefinition makes the server serve.
type definition struct {
	group     string
	resources []*Resource
	names     content
}

// verbs are those of a custom resource.
var customVerbs = []string{"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"}

// isDefinition reports whether a resource is that of CustomResourceDefinitions.
func (r *Resource) isDefinition() bool {
	return r.Group == definitionGroup && r.Plural == "customresourcedefinitions"
}

// initializeDefinition sets the names that follow from others.
func initializeDefinition(o content) {
	names := child(child(o, "spec"), "names")
	if str(names, "singular") == "" {
		names["singular"] = strings.ToLower(str(names, "kind"))
	}
	if str(names, "listKind") == "" {
		names["listKind"] = str(names, "kind") + "List"
	}
}

// checkDefinition returns an error if an object is a definition that cannot be served.
func (c *call) checkDefinition(o content) error {
	if !c.res.isDefinition() {
		return nil
	}
	return schema.Builtin().AddCRD(o, c.s.definitionOptions...)
}

// changed does what follows a change of an object; next is nil if it was deleted.
func (s *Server) changed(res *Resource, _, next *storage.Object, dryRun bool) {
	if dryRun || res == nil || !res.isDefinition() {
		return
	}
	if next == nil {
		s.undefineDeleted()
		return
	}
	if next.Meta.DeletionTimestamp != "" {
		s.undefineDeleted() // its last finalizer may be gone
		return
	}
	s.define(thaw(next))
}

// define serves the custom resources of a definition, and says so in its status.
func (s *Server) define(o content) {
	d, err := s.newDefinition(o)
	s.registry.mu.Lock()
	name := str(metadata(o), "name")
	s.registry.remove(name)
	if err == nil {
		s.registry.definitions[name] = d
		for _, r := range d.resources {
			s.registry.add(r)
		}
	}
	s.registry.mu.Unlock()
	s.reportDefinition(name, err)
}

// remove ends the service of a definition's resources. mu is held.
func (r *registry) remove(name string) {
	d := r.definitions[name]
	if d == nil {
		return
	}
	for _, res := range d.resources {
		delete(r.resources, res.GVR())
		delete(r.kinds, res.GVK())
	}
	delete(r.definitions, name)
}

// undefineDeleted ends the service, and removes the objects, of definitions that are no longer there.
func (s *Server) undefineDeleted() {
	here := map[string]bool{}
	_ = s.store.Do(func(tx storage.Tx) error {
		for _, o := range tx.All(definitions) {
			here[o.Meta.Name] = true
		}
		return nil
	})
	var in []storage.Collection
	s.registry.mu.Lock()
	for name, d := range s.registry.definitions {
		if here[name] {
			continue
		}
		for _, r := range d.resources {
			in = append(in, r.in)
		}
		s.registry.remove(name)
	}
	s.registry.mu.Unlock()
	if len(in) == 0 {
		return
	}
	_ = s.store.Do(func(tx storage.Tx) error {
		for _, c := range in {
			for _, o := range tx.All(c) {
				tx.Remove(c, o)
			}
		}
		return nil
	})
	for _, c := range in {
		s.store.EndWatchesOf(c)
	}
}

var definitions = storage.Collection{Group: definitionGroup, Resource: "customresourcedefinitions"}

// reportDefinition sets the status of a definition.
func (s *Server) reportDefinition(name string, err error) {
	_ = s.store.Do(func(tx storage.Tx) error {
		was := tx.Get(definitions, "", name)
		if was == nil {
			return nil
		}
		o := thaw(was)
		spec, _ := o["spec"].(content)
		var versions []any
		all, _ := spec["versions"].([]any)
		for _, v := range all {
			if v, _ := v.(content); v["storage"] == true {
				versions = append(versions, v["name"])
			}
		}
		established, reason, message := "True", "InitialNamesAccepted", "the initial names have been accepted"
		if err != nil {
			established, reason, message = "False", "NotAccepted", err.Error()
		}
		status := content{"acceptedNames": spec["names"], "storedVersions": versions, "conditions": []any{
			s.condition(o, "NamesAccepted", "True", "NoConflicts", "no conflicts found"),
			s.condition(o, "Established", established, reason, message),
		}}
		if has, ok := o["status"].(content); ok {
			if kept, _ := has["storedVersions"].([]any); len(kept) > 0 {
				for _, v := range versions {
					if !slices.Contains(kept, v) {
						kept = append(kept, v)
					}
				}
				status["storedVersions"] = kept
			}
		}
		o["status"] = status
		tx.Commit(definitions, was, o)
		return nil
	})
}

// condition returns a condition of an object, whose time is that of its last change.
func (s *Server) condition(o content, kind, status, reason, message string) content {
	c := content{"type": kind, "status": status, "reason": reason, "message": message,
		"lastTransitionTime": s.timestamp()}
	has, _ := at(o, "status", "conditions").([]any)
	for _, v := range has {
		if v, _ := v.(content); str(v, "type") == kind && str(v, "status") == status {
			c["lastTransitionTime"] = v["lastTransitionTime"]
		}
	}
	return c
}

// newDefinition returns the resources of a definition.
func (s *Server) newDefinition(o content) (*definition, error) {
	if err := s.kinds.AddCRD(o, s.definitionOptions...); err != nil {
		return nil, err
	}
	spec, _ := o["spec"].(content)
	names, _ := spec["names"].(content)
	d := &definition{group: str(spec, "group"), names: names}
	versions, _ := spec["versions"].([]any)
	stored := ""
	for _, v := range versions {
		if v, _ := v.(content); v["storage"] == true {
			stored = str(v, "name")
		}
	}
	for _, v := range versions {
		v, _ := v.(content)
		if v["served"] != true {
			continue
		}
		r := &Resource{
			Group: d.group, Version: str(v, "name"), Plural: str(names, "plural"), Kind: str(names, "kind"),
			Namespaced: str(spec, "scope") != "Cluster", verbs: customVerbs, subresources: map[string][]string{},
			in: storage.Collection{Group: d.group, Resource: str(names, "plural")},
		}
		r.stored = apischema.GroupVersionKind{Group: d.group, Version: stored, Kind: r.Kind}
		r.custom, _ = s.kinds.Custom(r.GVK())
		r.subresource(v)
		r.columns = columnsOf(v)
		selectable, _ := v["selectableFields"].([]any)
		for _, f := range selectable {
			f, _ := f.(content)
			r.fields = append(r.fields, strings.TrimPrefix(str(f, "jsonPath"), "."))
		}
		d.resources = append(d.resources, r)
	}
	return d, nil
}

// subresource adds the subresources of a version of a definition.
func (r *Resource) subresource(v content) {
	sub, _ := v["subresources"].(content)
	verbs := []string{"get", "patch", "update"}
	if sub["status"] != nil {
		r.subresources["status"] = verbs
	}
	if scale, ok := sub["scale"].(content); ok {
		r.subresources["scale"] = verbs
		r.scale = &scalePaths{spec: jsonPath(str(scale, "specReplicasPath")), status: jsonPath(str(scale, "statusReplicasPath"))}
		if selector := str(scale, "labelSelectorPath"); selector != "" {
			r.scale.selector = jsonPath(selector)
		}
	}
}

// describe adds the definition's versions to the discovery of its group.
func (d *definition) describe(g *apidiscoveryv2.APIGroupDiscovery) {
	for _, r := range d.resources {
		scope := apidiscoveryv2.ScopeCluster
		if r.Namespaced {
			scope = apidiscoveryv2.ScopeNamespace
		}
		kind := func(gvk apischema.GroupVersionKind) *metav1.GroupVersionKind {
			return &metav1.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}
		}
		out := apidiscoveryv2.APIResourceDiscovery{
			Resource: r.Plural, ResponseKind: kind(r.GVK()), Scope: scope, SingularResource: d.singular(r),
			Verbs: r.verbs, ShortNames: texts(d.names["shortNames"]), Categories: texts(d.names["categories"]),
		}
		for _, name := range sortedKeys(r.subresources) {
			gvk := r.GVK()
			if name == "scale" {
				gvk = scaleKind.GVK()
			}
			out.Subresources = append(out.Subresources, apidiscoveryv2.APISubresourceDiscovery{
				Subresource: name, ResponseKind: kind(gvk), Verbs: r.subresources[name],
			})
		}
		i := slices.IndexFunc(g.Versions, func(v apidiscoveryv2.APIVersionDiscovery) bool { return v.Version == r.Version })
		if i < 0 {
			g.Versions = append(g.Versions, apidiscoveryv2.APIVersionDiscovery{
				Version: r.Version, Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
			})
			i = len(g.Versions) - 1
		}
		g.Versions[i].Resources = append(g.Versions[i].Resources, out)
	}
}

func (d *definition) singular(r *Resource) string {
	if name := str(d.names, "singular"); name != "" {
		return name
	}
	return strings.ToLower(r.Kind)
}

func texts(v any) []string {
	var all []string
	list, _ := v.([]any)
	for _, v := range list {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// compareVersions orders versions by their stability: v1 is after v1beta1.
func compareVersions(a, b string) int { return version.CompareKubeAwareVersionStrings(a, b) }
