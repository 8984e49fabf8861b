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

// accept asks for aggregated discovery; a server that has none sends what it has always sent.
const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," +
	"application/json"

// answer is what one of the two roots, /api and /apis, says.
type answer struct {
	groups []Group
	failed map[schema.GroupVersion]error
	err    error // there is no answer; apierrors.IsNotFound says that there is no such root
}

func (a *answer) fail(gv schema.GroupVersion, err error) {
	if a.failed == nil {
		a.failed = map[schema.GroupVersion]error{}
	}
	a.failed[gv] = err
}

// ask reads one root.
func (d *Client) ask(ctx context.Context, root string) answer {
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

// unreadable says which answer made no sense.
func unreadable(path string, err error) error {
	return fmt.Errorf("discovery: the answer to %s cannot be read: %w", path, err)
}

// aggregated says whether an answer is the aggregated document that was asked for.
func aggregated(contentType string) bool {
	_, params, err := mime.ParseMediaType(contentType)
	return err == nil && params["g"] == "apidiscovery.k8s.io" && params["as"] == "APIGroupDiscoveryList" &&
		(params["v"] == "v2" || params["v"] == "v2beta1")
}

// groupDiscoveryList is as much of an APIGroupDiscoveryList, v2 or v2beta1, as is read. The types of
// k8s.io/api would do, and link five times as much.
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

// in completes a kind: without a version it is of the group version it stands in.
func (k *schemaGVK) in(gv schema.GroupVersion) schema.GroupVersionKind {
	switch {
	case k == nil:
		return schema.GroupVersionKind{}
	case k.Version == "" && k.Group == "":
		return gv.WithKind(k.Kind)
	}
	return schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
}

// readAggregated reads the one document that says everything.
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
			// Of a group whose server does not answer, the API server tells what it knew last, if
			// that is anything.
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
		Kind:       newKind(gv, d.Resource, d.ResponseKind.in(gv).Kind, d.Scope == "Namespaced"),
		Singular:   d.SingularResource,
		ShortNames: d.ShortNames,
		Categories: d.Categories,
		Verbs:      sorted(d.Verbs),
	}
	for _, s := range d.Subresources {
		r.Subresources = append(r.Subresources, Subresource{Name: s.Subresource, Kind: s.ResponseKind.in(gv), Verbs: sorted(s.Verbs)})
	}
	r.sort()
	return r
}

// sort puts the subresources in order: the two protocols order them differently.
func (r *Resource) sort() {
	slices.SortFunc(r.Subresources, func(a, b Subresource) int { return strings.Compare(a.Name, b.Name) })
}

func sorted(verbs []string) []string {
	slices.Sort(verbs)
	return verbs
}

// newKind puts a kind together, with what only package kind knows.
func newKind(gv schema.GroupVersion, resource, name string, namespaced bool) kind.Info {
	k := kind.Info{Group: gv.Group, Version: gv.Version, Kind: name, Resource: resource, Namespaced: namespaced}
	if known, ok := kind.ByGVR(k.GVR()); ok && known.Kind == name {
		k.Protobuf = known.Protobuf
	}
	return k
}
