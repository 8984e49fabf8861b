package discovery

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

const (
	// mapperTimeout limits the methods of a Mapper that take no context: the caller cannot.
	mapperTimeout = time.Minute

	// maxMissPause is the longest pause between two requests that look for the same thing.
	maxMissPause = 30 * time.Second

	// maxMisses limits how many pauses a Mapper remembers.
	maxMisses = 1024
)

// Mapper finds kinds and resources by what is known of them. It implements meta.RESTMapper and its
// companions of package meta, on what the server serves. It is safe for concurrent use.
//
// A resource is found by its name or its singular, in upper or lower case. If there is none, it is
// found by its short name, then by its kind. A group is matched as a whole. If there is no match and
// no version is given, it is matched as the beginning of a group's name ("storage" for
// "storage.k8s.io"). What is left empty matches anything.
//
// Candidates are in the order of [Catalog.Groups], then in that of each group's versions. The
// methods that return one of them return the first. If another candidate is in the same group
// version, the error is a *meta.AmbiguousResourceError or a *meta.AmbiguousKindError that lists all
// candidates.
//
// If nothing is found, the error is a *meta.NoResourceMatchError or a *meta.NoKindMatchError
// (meta.IsNoMatchError). The mapper asks the server again before it returns one. If the same thing
// is not found again, a pause of a second grows to 30 seconds: in it the server is not asked. If
// the server's answer is incomplete and the match may be in what is missing, the error is a
// [*PartialError], for which meta.IsNoMatchError does not hold. A request that fails is not
// repeated in the pause either; its error is returned.
//
// The methods without a context end after a minute.
type Mapper struct {
	source source

	mu     sync.Mutex // guards misses
	misses map[string]miss
}

// miss is a search that found nothing, or whose request failed.
type miss struct {
	until time.Time // no request before this time
	pause time.Duration
	err   error // of the request; nil if it found nothing
}

// A Mapper implements the interfaces of package meta for mappers, and client-go's for category
// expanders.
var (
	_ meta.RESTMapperWithContext           = (*Mapper)(nil)
	_ meta.ResettableRESTMapperWithContext = (*Mapper)(nil)
	_ interface {
		meta.RESTMapper
		meta.ResettableRESTMapper
		Expand(category string) ([]schema.GroupResource, bool)
		ExpandWithContext(ctx context.Context, category string) ([]schema.GroupResource, bool)
	} = (*Mapper)(nil)
)

// NewMapper returns a mapper of what d serves. If d is not a memory cache, the mapper has one of its
// own, with the rules of [NewMemory].
func NewMapper(d Interface) *Mapper {
	s := sourceOf(d)
	if _, ok := s.(*memory); !ok {
		s = newMemory(s)
	}
	return &Mapper{source: s, misses: map[string]miss{}}
}

// search is what a method looks for.
type search struct {
	what  string                         // for errors; a key of misses
	where func(schema.GroupVersion) bool // whether it looks in a group version
	in    func(*Catalog) []Resource      // the matches, in order
	none  error                          // the error if there is no match
	whole bool                           // a catalog that may lack group versions does not do
}

// find returns the matches, of which there is at least one. hidden is not nil if there may be more
// in group versions that are missing.
func (m *Mapper) find(
	ctx context.Context, s search,
) (found []Resource, hidden *PartialError, err error) {
	paused, failed := m.paused(s.what)
	if failed != nil {
		return nil, nil, failed
	}
	n := needOf(s.where)
	n.whole = s.whole
	for again := !paused; ; again = false {
		c, err := m.source.catalog(ctx, n)
		partial, whole := asPartial(err)
		if !whole {
			if ctx.Err() == nil {
				m.missed(s.what, err)
			}
			return nil, nil, err
		}
		if partial != nil && partial.hides(s.where) {
			hidden = partial
		} else {
			hidden = nil
		}
		if found := s.in(c); len(found) > 0 {
			m.met(s.what)
			return found, hidden, nil
		}
		if again && (c.mayLack || time.Since(c.Fetched) >= minRefresh) {
			n.after, n.whole = c.Fetched, true
			continue
		}
		if !n.after.IsZero() {
			m.missed(s.what, nil)
		}
		if hidden != nil {
			return nil, hidden, fmt.Errorf("discovery: find %s: %w", s.what, hidden)
		}
		return nil, nil, s.none
	}
}

// paused reports whether a search may make no request. failed is the error of the last one.
func (m *Mapper) paused(what string) (paused bool, failed error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, ok := m.misses[what]
	if !ok || !time.Now().Before(last.until) {
		return false, nil
	}
	return true, last.err
}

// missed begins the pause of a search.
func (m *Mapper) missed(what string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	pause := min(max(2*m.misses[what].pause, minRefresh), maxMissPause)
	if len(m.misses) >= maxMisses {
		clear(m.misses)
	}
	m.misses[what] = miss{until: time.Now().Add(pause), pause: pause, err: err}
}

func (m *Mapper) met(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.misses, what)
}

// ResetWithContext discards what is cached and every pause, so that the next call asks the server.
func (m *Mapper) ResetWithContext(context.Context) {
	m.mu.Lock()
	clear(m.misses)
	m.mu.Unlock()
	m.source.invalidate()
}

// resources returns the resources that match a partial one.
func (m *Mapper) resources(
	ctx context.Context, partial schema.GroupVersionResource,
) ([]Resource, error) {
	want := normal(partial)
	if want.Resource == "" {
		return nil, &kind.MisuseError{
			Verb: "find", Resource: partial.GroupResource().String(),
			Problem: "the name of the resource is empty",
		}
	}
	found, _, err := m.find(ctx, search{
		what: "resource " + want.String(),
		where: func(gv schema.GroupVersion) bool {
			switch {
			case want.Version == "":
				return strings.HasPrefix(gv.Group, want.Group)
			case want.Group == "":
				return gv.Version == want.Version
			}
			return gv.Group == want.Group && gv.Version == want.Version
		},
		in:   func(c *Catalog) []Resource { return candidates(c, want) },
		none: &meta.NoResourceMatchError{PartialResource: partial},
	})
	return found, err
}

// KindsForWithContext returns the kinds of the resources that match a partial one, in order of
// preference.
func (m *Mapper) KindsForWithContext(
	ctx context.Context, partial schema.GroupVersionResource,
) ([]schema.GroupVersionKind, error) {
	found, err := m.resources(ctx, partial)
	return kindsOf(found), err
}

// KindForWithContext returns the kind of the resource that a partial one means.
func (m *Mapper) KindForWithContext(
	ctx context.Context, partial schema.GroupVersionResource,
) (schema.GroupVersionKind, error) {
	kinds, err := m.KindsForWithContext(ctx, partial)
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	if len(kinds) > 1 && kinds[0].GroupVersion() == kinds[1].GroupVersion() {
		return schema.GroupVersionKind{},
			&meta.AmbiguousResourceError{PartialResource: partial, MatchingKinds: kinds}
	}
	return kinds[0], nil
}

// ResourcesForWithContext returns the resources that match a partial one, in order of preference.
func (m *Mapper) ResourcesForWithContext(
	ctx context.Context, partial schema.GroupVersionResource,
) ([]schema.GroupVersionResource, error) {
	found, err := m.resources(ctx, partial)
	return gvrsOf(found), err
}

// ResourceForWithContext returns the resource that a partial one means.
func (m *Mapper) ResourceForWithContext(
	ctx context.Context, partial schema.GroupVersionResource,
) (schema.GroupVersionResource, error) {
	all, err := m.ResourcesForWithContext(ctx, partial)
	if err != nil {
		return schema.GroupVersionResource{}, err
	}
	if len(all) > 1 && all[0].GroupVersion() == all[1].GroupVersion() {
		return schema.GroupVersionResource{},
			&meta.AmbiguousResourceError{PartialResource: partial, MatchingResources: all}
	}
	return all[0], nil
}

// RESTMappingsWithContext returns the resources whose objects are of a kind: in the given versions,
// in their order, or in all versions in order of preference.
func (m *Mapper) RESTMappingsWithContext(
	ctx context.Context, gk schema.GroupKind, versions ...string,
) ([]*meta.RESTMapping, error) {
	wanted := named(versions)
	found, _, err := m.find(ctx, search{
		what: fmt.Sprintf("kind %s %q", gk, wanted),
		where: func(gv schema.GroupVersion) bool {
			return gv.Group == gk.Group && wanted.has(gv.Version)
		},
		in:   func(c *Catalog) []Resource { return ofKind(c, gk, wanted) },
		none: &meta.NoKindMatchError{GroupKind: gk, SearchedVersions: versions},
	})
	return mappingsOf(found), err
}

// RESTMappingWithContext returns the resource whose objects are of a kind: in the first of the given
// versions that the server serves, or in the version that the server prefers.
func (m *Mapper) RESTMappingWithContext(
	ctx context.Context, gk schema.GroupKind, versions ...string,
) (*meta.RESTMapping, error) {
	all, err := m.RESTMappingsWithContext(ctx, gk, versions...)
	if err != nil {
		return nil, err
	}
	if len(all) > 1 && all[0].Resource.GroupVersion() == all[1].Resource.GroupVersion() {
		e := &meta.AmbiguousKindError{PartialKind: gk.WithVersion("")}
		for _, r := range all {
			e.MatchingResources = append(e.MatchingResources, r.Resource)
			e.MatchingKinds = append(e.MatchingKinds, r.GroupVersionKind)
		}
		return nil, e
	}
	return all[0], nil
}

// ResourceSingularizerWithContext returns the singular of a resource's name: "pod" for "pods". It
// returns the name itself beside an error.
func (m *Mapper) ResourceSingularizerWithContext(
	ctx context.Context, resource string,
) (string, error) {
	found, err := m.resources(ctx, schema.GroupVersionResource{Resource: resource})
	if err != nil {
		return resource, err
	}
	if len(found) > 1 && found[0].Info.GVR().GroupVersion() == found[1].Info.GVR().GroupVersion() {
		return resource, &meta.AmbiguousResourceError{
			PartialResource:   schema.GroupVersionResource{Resource: resource},
			MatchingResources: gvrsOf(found),
		}
	}
	return singular(&found[0]), nil
}

// Category returns the resources of a category, such as "all", each once, in order of preference.
// If the server has no such category, it returns none. A [*PartialError] comes beside what is known.
func (m *Mapper) Category(ctx context.Context, name string) ([]schema.GroupResource, error) {
	none := &meta.NoResourceMatchError{PartialResource: schema.GroupVersionResource{Resource: name}}
	found, hidden, err := m.find(ctx, search{
		what:  fmt.Sprintf("category %q", name),
		where: everywhere,
		in:    func(c *Catalog) []Resource { return inCategory(c, name) },
		none:  none,
		whole: true,
	})
	var out []schema.GroupResource
	for i := range found {
		out = append(out, found[i].Info.GVR().GroupResource())
	}
	switch {
	case err == error(none):
		return nil, nil
	case err == nil && hidden != nil:
		return out, fmt.Errorf("discovery: find category %q: %w", name, hidden)
	}
	return out, err
}

// ExpandWithContext returns the resources of a category, and reports whether there are any. Use
// [Mapper.Category] to learn why there are none.
func (m *Mapper) ExpandWithContext(
	ctx context.Context, category string,
) ([]schema.GroupResource, bool) {
	out, _ := m.Category(ctx, category)
	return out, len(out) > 0
}
