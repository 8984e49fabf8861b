package discovery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// legacyAtOnce limits how many documents are requested at the same time. A server has dozens of
// them, and they are small.
const legacyAtOnce = 8

// legacy reads a root in the format from before Kubernetes 1.26, which names only groups and
// versions, and then the document of each version. Source: Kubernetes documentation, "The
// Kubernetes API", "Unaggregated discovery".
func (d *live) legacy(ctx context.Context, root string, data []byte) answer {
	groups, err := legacyGroups(data)
	if err != nil {
		return answer{err: unreadable(root, err)}
	}
	a := answer{groups: groups}
	var (
		mu    sync.Mutex // guards a.failed
		wg    sync.WaitGroup
		slots = make(chan struct{}, legacyAtOnce)
	)
	for i := range groups {
		for j := range groups[i].Versions {
			v := &groups[i].Versions[j]
			path := root + "/" + v.APIVersion() // "/api/v1", "/apis/apps/v1"
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				resources, err := d.legacyResources(ctx, path, v.GV())
				if err != nil {
					mu.Lock()
					defer mu.Unlock()
					a.fail(v.GV(), err)
					return
				}
				v.Resources = resources
			})
		}
	}
	wg.Wait()
	if ctx.Err() != nil {
		return answer{err: ended(ctx)}
	}
	return a
}

// legacyGroups reads an APIVersions or an APIGroupList. The server's preferred version comes first.
func legacyGroups(data []byte) ([]Group, error) {
	var doc struct {
		Kind     string   `json:"kind"`
		Versions []string `json:"versions"` // of APIVersions
		Groups   []struct {
			Name             string          `json:"name"`
			Versions         []legacyVersion `json:"versions"`
			PreferredVersion legacyVersion   `json:"preferredVersion"`
		} `json:"groups"` // of APIGroupList
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if doc.Kind != "APIVersions" && doc.Kind != "APIGroupList" {
		return nil, fmt.Errorf("it is a %q, and not an APIVersions or an APIGroupList", doc.Kind)
	}
	var groups []Group
	if len(doc.Versions) > 0 {
		var core Group
		for _, v := range doc.Versions {
			core.Versions = append(core.Versions, GroupVersion{Version: v})
		}
		groups = append(groups, core)
	}
	for _, item := range doc.Groups {
		g := Group{Name: item.Name}
		for _, v := range item.Versions {
			g.Versions = append(g.Versions, GroupVersion{Group: item.Name, Version: v.Version})
		}
		slices.SortStableFunc(g.Versions, func(x, y GroupVersion) int {
			preferred := item.PreferredVersion.Version
			return before(y.Version == preferred) - before(x.Version == preferred)
		})
		groups = append(groups, g)
	}
	return groups, nil
}

type legacyVersion struct {
	Version string `json:"version"`
}

func before(preferred bool) int {
	if preferred {
		return 1
	}
	return 0
}

// legacyResources reads an APIResourceList, which lists subresources beside the resources, as
// "pods/log".
func (d *live) legacyResources(
	ctx context.Context, path string, gv schema.GroupVersion,
) ([]Resource, error) {
	data, err := d.rest.Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	out, err := readResources(data, gv)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return out, nil
}

// readResources reads the resources of an APIResourceList.
func readResources(data []byte, gv schema.GroupVersion) ([]Resource, error) {
	var doc struct {
		Resources []struct {
			schemaGVK
			Name         string   `json:"name"`
			SingularName string   `json:"singularName"`
			Namespaced   bool     `json:"namespaced"`
			Verbs        []string `json:"verbs"`
			ShortNames   []string `json:"shortNames"`
			Categories   []string `json:"categories"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	var out []Resource
	at := map[string]int{} // the index of a resource in out
	find := func(name string, namespaced bool) *Resource {
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, Resource{Info: newInfo(gv, name, "", namespaced)})
		}
		return &out[i]
	}
	for _, r := range doc.Resources {
		name, sub, isSub := strings.Cut(r.Name, "/")
		to := find(name, r.Namespaced)
		if isSub {
			to.Subresources = append(to.Subresources, Subresource{
				Name: sub, GVK: r.in(gv), Verbs: sorted(r.Verbs),
			})
			continue
		}
		subs := to.Subresources
		*to = Resource{
			Info:         newInfo(gv, name, r.Kind, r.Namespaced),
			Singular:     r.SingularName,
			ShortNames:   r.ShortNames,
			Categories:   r.Categories,
			Verbs:        sorted(r.Verbs),
			Subresources: subs,
		}
	}
	for i := range out {
		out[i].sort()
	}
	return out, nil
}
