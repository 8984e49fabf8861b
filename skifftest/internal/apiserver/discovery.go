package apiserver

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
)

// Version is the version that the server says it has.
var Version = version.Info{
	Major: "1", Minor: "37", GitVersion: "v1.37.2", GitTreeState: "skifftest", GoVersion: "go1.26",
	Compiler: "gc", Platform: "linux/amd64",
}

// discover answers requests for what the server serves, and reports whether it was one.
func (c *call) discover() (bool, error) {
	parts := strings.Split(strings.Trim(c.r.URL.Path, "/"), "/")
	core, groups := c.s.registry.discovery()
	switch {
	case c.r.URL.Path == "/version":
		return true, c.describe(Version)
	case c.r.URL.Path == "/api" || c.r.URL.Path == "/apis":
		all := core
		if parts[0] == "apis" {
			all = groups
		}
		if c.wantsAggregated() {
			c.answer.media = mediaJSON + ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
			return true, c.describe(apidiscoveryv2.APIGroupDiscoveryList{
				TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: "apidiscovery.k8s.io/v2"},
				Items:    all,
			})
		}
		if parts[0] == "api" {
			return true, c.describe(metav1.APIVersions{
				TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"},
				ServerAddressByClientCIDRs: []metav1.ServerAddressByClientCIDR{
					{ClientCIDR: "0.0.0.0/0", ServerAddress: c.r.Host}},
			})
		}
		list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
		for _, g := range all {
			list.Groups = append(list.Groups, legacyGroup(g))
		}
		return true, c.describe(list)
	case len(parts) == 2 && parts[0] == "apis":
		for _, g := range groups {
			if g.Name == parts[1] {
				out := legacyGroup(g)
				out.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
				return true, c.describe(out)
			}
		}
		return true, errNoResource
	case len(parts) == 2 && parts[0] == "api":
		return true, c.describeVersion(core, "", parts[1])
	case len(parts) == 3 && parts[0] == "apis":
		return true, c.describeVersion(groups, parts[1], parts[2])
	}
	return false, nil
}

func (c *call) wantsAggregated() bool {
	for _, accept := range c.r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			part = strings.ReplaceAll(part, " ", "")
			if strings.HasPrefix(part, mediaJSON) && strings.Contains(part, "g=apidiscovery.k8s.io") &&
				strings.Contains(part, "v=v2;") && strings.Contains(part, "as=APIGroupDiscoveryList") {
				return true
			}
		}
	}
	return false
}

func (c *call) describe(v any) error {
	body := encodeJSON(v)
	tag := fmt.Sprintf("%q", fmt.Sprintf("%X", sha256.Sum256(body)))
	if strings.Contains(c.answer.media, "apidiscovery") {
		c.w.Header().Set("ETag", tag)
		if c.r.Header.Get("If-None-Match") == tag {
			c.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	c.send(http.StatusOK, body)
	return nil
}

func legacyGroup(g apidiscoveryv2.APIGroupDiscovery) metav1.APIGroup {
	out := metav1.APIGroup{Name: g.Name}
	for _, v := range g.Versions {
		out.Versions = append(out.Versions, metav1.GroupVersionForDiscovery{
			GroupVersion: g.Name + "/" + v.Version, Version: v.Version,
		})
	}
	out.PreferredVersion = out.Versions[0]
	return out
}

// describeVersion answers with the resources of a group and version.
func (c *call) describeVersion(groups []apidiscoveryv2.APIGroupDiscovery, group, version string) error {
	for _, g := range groups {
		for _, v := range g.Versions {
			if g.Name != group || v.Version != version {
				continue
			}
			list := metav1.APIResourceList{
				TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
				GroupVersion: metav1.GroupVersion{Group: group, Version: version}.String(),
				APIResources: []metav1.APIResource{},
			}
			for _, d := range v.Resources {
				list.APIResources = append(list.APIResources, legacyResources(group, version, d)...)
			}
			return c.describe(list)
		}
	}
	return errNoResource
}

// legacyResources returns a resource and its subresources.
func legacyResources(group, version string, d apidiscoveryv2.APIResourceDiscovery) []metav1.APIResource {
	namespaced := d.Scope == apidiscoveryv2.ScopeNamespace
	legacy := func(name, singular string, kind *metav1.GroupVersionKind, verbs []string) metav1.APIResource {
		out := metav1.APIResource{
			Name: name, SingularName: singular, Namespaced: namespaced, Kind: kind.Kind, Verbs: verbs,
		}
		if kind.Group != "" && kind.Group != group || kind.Version != "" && kind.Version != version {
			out.Group, out.Version = kind.Group, kind.Version
		}
		return out
	}
	main := legacy(d.Resource, d.SingularResource, d.ResponseKind, d.Verbs)
	sum := sha256.Sum256([]byte(group + "/" + version + "/" + d.ResponseKind.Kind))
	main.StorageVersionHash = base64.StdEncoding.EncodeToString(sum[:8])
	main.ShortNames, main.Categories = d.ShortNames, d.Categories
	all := []metav1.APIResource{main}
	for _, s := range d.Subresources {
		kind := s.ResponseKind
		if kind == nil {
			kind = &metav1.GroupVersionKind{}
		}
		all = append(all, legacy(d.Resource+"/"+s.Subresource, "", kind, s.Verbs))
	}
	return all
}
