package discovery

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/kind"
)

// Interface is what Client, Memory and Disk have in common. All of them are safe for concurrent use,
// and what they return is shared: nobody may change it.
//
// An error may be a [*PartialError], and what comes with it is then all that could be learned.
type Interface interface {
	// ServerVersion is the version of the API server. It is never cached.
	ServerVersion(ctx context.Context) (*version.Info, error)

	// Catalog is everything that the server serves.
	Catalog(ctx context.Context) (*Catalog, error)
	// Groups are the Groups of the Catalog.
	Groups(ctx context.Context) ([]Group, error)
	// Resources are the resources of every group version.
	Resources(ctx context.Context) ([]GroupVersion, error)

	// ByGVK says which resource has the objects of a kind. Without a Version it is the version that
	// the server prefers. meta.IsNoMatchError holds for the error if there is none.
	ByGVK(ctx context.Context, gvk schema.GroupVersionKind) (kind.Info, error)
	// ByGVR says what the objects of a resource are. Without a Version it is the version that the
	// server prefers. meta.IsNoMatchError holds for the error if there is none.
	ByGVR(ctx context.Context, gvr schema.GroupVersionResource) (kind.Info, error)
	// ForResource finds what people call a resource, by the rules of Catalog.ForResource.
	// meta.IsNoMatchError holds for the error if there is none.
	ForResource(ctx context.Context, name string) (Resource, error)

	// Invalidate forgets what is cached, so that the server is asked the next time.
	Invalidate()
}

var _, _, _ Interface = (*Client)(nil), (*Memory)(nil), (*Disk)(nil)

// minRefresh is how old a cached catalog must be for a lookup that finds nothing to ask the server
// again: a program that keeps asking for what does not exist makes two requests a second at most.
const minRefresh = time.Second

// renewer is an Interface that can be asked for a catalog fetched after a moment.
type renewer interface {
	catalogAfter(ctx context.Context, after time.Time) (*Catalog, error)
}

// renew asks d for a catalog fetched after a moment.
func renew(ctx context.Context, d Interface, after time.Time) (*Catalog, error) {
	if r, ok := d.(renewer); ok {
		return r.catalogAfter(ctx, after)
	}
	if !after.IsZero() {
		d.Invalidate()
	}
	return d.Catalog(ctx)
}

// lookups answers by a catalog. The zero time for catalogAfter is any moment.
type lookups struct{ renewer }

func (l lookups) Catalog(ctx context.Context) (*Catalog, error) {
	return l.catalogAfter(ctx, time.Time{})
}

func (l lookups) Groups(ctx context.Context) ([]Group, error) {
	c, err := l.Catalog(ctx)
	if c == nil {
		return nil, err
	}
	return c.Groups, err
}

func (l lookups) Resources(ctx context.Context) ([]GroupVersion, error) {
	c, err := l.Catalog(ctx)
	if c == nil {
		return nil, err
	}
	return c.Resources(), err
}

func (l lookups) ByGVK(ctx context.Context, gvk schema.GroupVersionKind) (kind.Info, error) {
	r, err := l.find(ctx, query{
		what:  gvk.String(),
		group: gvk.Group,
		in:    func(c *Catalog) (Resource, bool) { return c.ByGVK(gvk) },
		none: func() error {
			e := &meta.NoKindMatchError{GroupKind: gvk.GroupKind()}
			if gvk.Version != "" {
				e.SearchedVersions = []string{gvk.Version}
			}
			return e
		},
	})
	return r.Kind, err
}

func (l lookups) ByGVR(ctx context.Context, gvr schema.GroupVersionResource) (kind.Info, error) {
	r, err := l.find(ctx, query{
		what:  gvr.String(),
		group: gvr.Group,
		in:    func(c *Catalog) (Resource, bool) { return c.ByGVR(gvr) },
		none:  func() error { return &meta.NoResourceMatchError{PartialResource: gvr} },
	})
	return r.Kind, err
}

func (l lookups) ForResource(ctx context.Context, name string) (Resource, error) {
	return l.find(ctx, query{
		what:     fmt.Sprintf("%q", name),
		anywhere: true,
		in:       func(c *Catalog) (Resource, bool) { return c.ForResource(name) },
		none: func() error {
			return &meta.NoResourceMatchError{PartialResource: schema.GroupVersionResource{Resource: name}}
		},
	})
}

// query is what is looked for.
type query struct {
	what     string
	group    string // where it is, unless anywhere
	anywhere bool
	in       func(*Catalog) (Resource, bool)
	none     func() error
}

// find looks in the catalog at hand and, if it is not there and that is not fresh, in a new one.
func (l lookups) find(ctx context.Context, q query) (Resource, error) {
	c, err := l.Catalog(ctx)
	partial, whole := asPartial(err)
	if !whole {
		return Resource{}, err
	}
	if r, ok := q.in(c); ok {
		return r, nil
	}
	if time.Since(c.Fetched) >= minRefresh {
		c, err = l.catalogAfter(ctx, c.Fetched)
		if partial, whole = asPartial(err); !whole {
			return Resource{}, err
		}
		if r, ok := q.in(c); ok {
			return r, nil
		}
	}
	if partial != nil && partial.hides(q.group, q.anywhere) {
		return Resource{}, fmt.Errorf("%s was not found: %w", q.what, partial)
	}
	return Resource{}, q.none()
}
