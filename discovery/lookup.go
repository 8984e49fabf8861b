package discovery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/kind"
)

// Interface is the set of methods of [Client], for programs that replace it in tests or put another
// cache in front of it. Implementations are safe for concurrent use. What they return is shared:
// the caller must not change it.
//
// An error may be a [*PartialError]; what is returned beside it is then everything that is known.
type Interface interface {
	// ServerVersion returns the version of the API server. It is never cached.
	ServerVersion(ctx context.Context) (*version.Info, error)

	// Catalog returns everything that the server serves.
	Catalog(ctx context.Context) (*Catalog, error)
	// Resources returns the resources of every group version: Resources of the Catalog.
	Resources(ctx context.Context) ([]GroupVersion, error)

	// ByGVK returns the resource whose objects are of a kind. Without a Version, it returns the
	// version that the server prefers. If there is none, meta.IsNoMatchError holds for the error.
	ByGVK(ctx context.Context, gvk schema.GroupVersionKind) (kind.Info, error)
	// ByGVR returns the kind of a resource's objects. Without a Version, it returns the version
	// that the server prefers. If there is none, meta.IsNoMatchError holds for the error.
	ByGVR(ctx context.Context, gvr schema.GroupVersionResource) (kind.Info, error)
	// ForResource finds a resource by any of its names, by the rules of Catalog.ForResource. If
	// there is none, meta.IsNoMatchError holds for the error.
	ForResource(ctx context.Context, name string) (Resource, error)

	// IsEnabled reports whether the server serves a resource. It reports false only if that is
	// known: if the resource may be in what is missing, the error is a PartialError.
	IsEnabled(ctx context.Context, gvr schema.GroupVersionResource) (bool, error)

	// Invalidate discards what is cached, so that the next call asks the server.
	Invalidate()
}

var _ Interface = (*Client)(nil)

// minRefresh is the age from which a cached catalog is fetched again if a lookup finds nothing in
// it. A program that keeps looking for what does not exist makes two requests a second at most.
const minRefresh = time.Second

// Client answers what a server serves. [New] returns one that asks the server each time,
// [NewMemory] and [NewDisk] return one that keeps the answer. It is safe for concurrent use.
//
// What its methods return is shared: the caller must not change it. An error may be a
// [*PartialError]; what is returned beside it is then everything that is known. Every other error
// comes alone: a *StatusError or an error of the connection, as package rest returns them, or ctx's
// error.
type Client struct{ source source }

// source is where a Client's catalog comes from: the server, the memory, the disk.
type source interface {
	// catalog returns a catalog that meets a need. If the server has just been asked, it returns
	// the answer in any case.
	catalog(ctx context.Context, n need) (*Catalog, error)
	serverVersion(ctx context.Context) (*version.Info, error)
	invalidate()
}

// need is which kept catalogs a caller accepts.
type need struct {
	after time.Time // fetched after this time; the zero time is any time

	// A catalog beside a PartialError also has to be fetched after recent, unless the lookup looks
	// in none of the group versions that are missing. where is where it looks.
	recent time.Time
	where  func(schema.GroupVersion) bool

	whole bool // the catalog must not be one that may lack group versions
}

// needOf returns the need of a call that begins now.
func needOf(where func(schema.GroupVersion) bool) need {
	return need{recent: time.Now().Add(-partialTTL), where: where}
}

func everywhere(schema.GroupVersion) bool { return true }

// met reports whether the need is met by a catalog and the error that came with it.
func (n need) met(c *Catalog, err error) bool {
	partial, whole := asPartial(err)
	if c != nil && c.mayLack && (n.whole || partial != nil && partial.hides(n.where)) {
		return false
	}
	return whole && c.Fetched.After(n.after) &&
		(partial == nil || c.Fetched.After(n.recent) || !partial.hides(n.where))
}

// behind is an Interface as a source: that of a Client, or any other.
type behind struct{ Interface }

func sourceOf(d Interface) source {
	if c, ok := d.(*Client); ok {
		return c.source
	}
	return behind{d}
}

func (b behind) catalog(ctx context.Context, n need) (*Catalog, error) {
	if !n.after.IsZero() {
		b.Invalidate()
	}
	return b.Catalog(ctx)
}

func (b behind) serverVersion(ctx context.Context) (*version.Info, error) {
	return b.ServerVersion(ctx)
}

func (b behind) invalidate() { b.Invalidate() }

// ServerVersion returns the version of the API server. It is never cached.
func (d *Client) ServerVersion(ctx context.Context) (*version.Info, error) {
	return d.source.serverVersion(ctx)
}

// Invalidate discards what is cached here and in the caches behind, so that the next call asks the
// server.
func (d *Client) Invalidate() { d.source.invalidate() }

// Catalog returns everything that the server serves.
func (d *Client) Catalog(ctx context.Context) (*Catalog, error) {
	n := needOf(everywhere)
	n.whole = true
	return d.source.catalog(ctx, n)
}

// Resources returns the resources of every group version, in the order of [Catalog.Groups].
func (d *Client) Resources(ctx context.Context) ([]GroupVersion, error) {
	c, err := d.Catalog(ctx)
	if c == nil {
		return nil, err
	}
	return c.Resources(), err
}

// ByGVK returns the resource whose objects are of a kind. Without a Version, it returns the version
// that the server prefers. If there is none, meta.IsNoMatchError holds for the error.
func (d *Client) ByGVK(ctx context.Context, gvk schema.GroupVersionKind) (kind.Info, error) {
	r, err := d.find(ctx, query{
		what:  gvk.String(),
		where: within(gvk.Group, gvk.Version),
		in:    func(c *Catalog) (Resource, bool) { return c.ByGVK(gvk) },
		none: func() error {
			e := &meta.NoKindMatchError{GroupKind: gvk.GroupKind()}
			if gvk.Version != "" {
				e.SearchedVersions = []string{gvk.Version}
			}
			return e
		},
	})
	return r.Info, err
}

// ByGVR returns the kind of a resource's objects. Without a Version, it returns the version that
// the server prefers. If there is none, meta.IsNoMatchError holds for the error.
func (d *Client) ByGVR(ctx context.Context, gvr schema.GroupVersionResource) (kind.Info, error) {
	r, err := d.find(ctx, query{
		what:  gvr.String(),
		where: within(gvr.Group, gvr.Version),
		in:    func(c *Catalog) (Resource, bool) { return c.ByGVR(gvr) },
		none:  func() error { return &meta.NoResourceMatchError{PartialResource: gvr} },
	})
	return r.Info, err
}

// ForResource finds a resource by any of its names, by the rules of [Catalog.ForResource]. If there
// is none, meta.IsNoMatchError holds for the error.
func (d *Client) ForResource(ctx context.Context, name string) (Resource, error) {
	return d.find(ctx, query{
		what:  fmt.Sprintf("%q", name),
		where: namedIn(name),
		in:    func(c *Catalog) (Resource, bool) { return c.ForResource(name) },
		none: func() error {
			partial := schema.GroupVersionResource{Resource: name}
			return fmt.Errorf("discovery: find resource %q: the server does not serve it: %w",
				name, &meta.NoResourceMatchError{PartialResource: partial})
		},
	})
}

// query is a lookup in a catalog.
type query struct {
	what  string                         // for errors
	where func(schema.GroupVersion) bool // whether it looks in a group version
	in    func(*Catalog) (Resource, bool)
	none  func() error // the error if there is no match
}

// within returns where a lookup in a group looks: in one version, or in all if it is "".
func within(group, version string) func(schema.GroupVersion) bool {
	return func(gv schema.GroupVersion) bool {
		return gv.Group == group && (version == "" || gv.Version == version)
	}
}

// namedIn returns where ForResource looks for a name: in the group that it names, or everywhere.
func namedIn(name string) func(schema.GroupVersion) bool {
	_, rest, qualified := strings.Cut(strings.ToLower(name), ".")
	return func(gv schema.GroupVersion) bool {
		v := GroupVersion{Group: gv.Group, Version: gv.Version}
		return slices.ContainsFunc(readings(rest, qualified),
			func(in func(*GroupVersion) bool) bool { return in(&v) })
	}
}

// find looks in the catalog. If it finds nothing and the catalog is older than minRefresh, it looks
// in a new one. If it finds nothing there, and the match may be in a group that is missing, the
// error is the PartialError.
func (d *Client) find(ctx context.Context, q query) (Resource, error) {
	n := needOf(q.where)
	c, err := d.source.catalog(ctx, n)
	partial, whole := asPartial(err)
	if !whole {
		return Resource{}, err
	}
	if r, ok := q.in(c); ok {
		return r, nil
	}
	if c.mayLack || time.Since(c.Fetched) >= minRefresh {
		n.after, n.whole = c.Fetched, true
		c, err = d.source.catalog(ctx, n)
		if partial, whole = asPartial(err); !whole {
			return Resource{}, err
		}
		if r, ok := q.in(c); ok {
			return r, nil
		}
	}
	if partial != nil && partial.hides(q.where) {
		return Resource{}, fmt.Errorf("find %s: %w", q.what, partial)
	}
	return Resource{}, q.none()
}
