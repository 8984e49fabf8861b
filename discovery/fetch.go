package discovery

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

// accept asks for aggregated discovery (KEP-3352). A server without it answers in the format from
// before.
const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," +
	"application/json"

// answer is the content of one of the two roots, /api and /apis.
type answer struct {
	groups []Group
	failed map[schema.GroupVersion]error
	err    error // why there is no answer; IsNotFound holds for it if there is no such root
}

func (a *answer) fail(gv schema.GroupVersion, err error) {
	if a.failed == nil {
		a.failed = map[schema.GroupVersion]error{}
	}
	a.failed[gv] = err
}

// ask reads one root.
func (d *live) ask(ctx context.Context, root string) answer {
	result := d.rest.Get().AbsPath(root).SetHeader("Accept", accept).Do(ctx)
	data, err := result.Raw()
	switch {
	case err != nil:
		return answer{err: err}
	case aggregated(result.ContentType()):
		return readAggregated(root, data)
	}
	return d.legacy(ctx, root, data)
}

// unreadable adds the path to an error of reading its answer.
func unreadable(path string, err error) error {
	return fmt.Errorf("discovery: read the answer to %s: %w", path, err)
}

// aggregated reports whether an answer is the aggregated document that accept asks for.
func aggregated(contentType string) bool {
	_, params, err := mime.ParseMediaType(contentType)
	return err == nil &&
		params["g"] == "apidiscovery.k8s.io" && params["as"] == "APIGroupDiscoveryList" &&
		(params["v"] == "v2" || params["v"] == "v2beta1")
}

// groupDiscoveryList is the part of an APIGroupDiscoveryList, v2 or v2beta1, that is read. The
// types of k8s.io/api would link five times as much.
type groupDiscoveryList struct {
	Items []struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Versions []struct {
			Version   string              `json:"version"`
			Freshness string              `json:"freshness"`
			Resources []resourceDiscovery `json:"resources"`
		} `json:"versions"`
	} `json:"items"`
}

type resourceDiscovery struct {
	Resource         string                 `json:"resource"`
	ResponseKind     *schemaGVK             `json:"responseKind"`
	Scope            string                 `json:"scope"`
	SingularResource string                 `json:"singularResource"`
	Verbs            []string               `json:"verbs"`
	ShortNames       []string               `json:"shortNames"`
	Categories       []string               `json:"categories"`
	Subresources     []subresourceDiscovery `json:"subresources"`
}

type subresourceDiscovery struct {
	Subresource  string     `json:"subresource"`
	ResponseKind *schemaGVK `json:"responseKind"`
	Verbs        []string   `json:"verbs"`
}

type schemaGVK struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// in completes a kind. Without a group and version it is of gv, the group version around it.
func (k *schemaGVK) in(gv schema.GroupVersion) schema.GroupVersionKind {
	switch {
	case k == nil:
		return schema.GroupVersionKind{}
	case k.Version == "" && k.Group == "":
		return gv.WithKind(k.Kind)
	}
	return schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
}

// readAggregated reads an aggregated document.
func readAggregated(root string, data []byte) (a answer) {
	var list groupDiscoveryList
	if err := json.Unmarshal(data, &list); err != nil {
		return answer{err: unreadable(root, err)}
	}
	for _, item := range list.Items {
		g := Group{Name: item.Metadata.Name}
		for _, v := range item.Versions {
			gv := schema.GroupVersion{Group: g.Name, Version: v.Version}
			out := GroupVersion{Group: g.Name, Version: v.Version}
			for _, r := range v.Resources {
				out.Resources = append(out.Resources, r.resource(gv))
			}
			// If a group's server does not answer, kube-apiserver includes the resources that it
			// knew last, or none, and marks them as stale (KEP-3352).
			if v.Freshness == "Stale" {
				a.fail(gv, ErrStale)
			}
			g.Versions = append(g.Versions, out)
		}
		a.groups = append(a.groups, g)
	}
	return a
}

func (d resourceDiscovery) resource(gv schema.GroupVersion) Resource {
	r := Resource{
		Info:       newInfo(gv, d.Resource, d.ResponseKind.in(gv).Kind, d.Scope == "Namespaced"),
		Singular:   d.SingularResource,
		ShortNames: d.ShortNames,
		Categories: d.Categories,
		Verbs:      sorted(d.Verbs),
	}
	for _, s := range d.Subresources {
		r.Subresources = append(r.Subresources, Subresource{
			Name: s.Subresource, GVK: s.ResponseKind.in(gv), Verbs: sorted(s.Verbs),
		})
	}
	r.sort()
	return r
}

// sort orders the subresources by name: the two protocols order them differently.
func (r *Resource) sort() {
	slices.SortFunc(r.Subresources, func(a, b Subresource) int {
		return strings.Compare(a.Name, b.Name)
	})
}

func sorted(verbs []string) []string {
	slices.Sort(verbs)
	return verbs
}

// newInfo returns a resource's Info. Protobuf comes from package kind's table.
func newInfo(gv schema.GroupVersion, resource, name string, namespaced bool) kind.Info {
	k := kind.Info{
		Group: gv.Group, Version: gv.Version, Kind: name, Resource: resource,
		Namespaced: namespaced,
	}
	if known, ok := kind.ByGVR(k.GVR()); ok && known.Kind == name {
		k.Protobuf = known.Protobuf
	}
	return k
}
