package discovery

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/rest"
)

// Client asks the server each time. It is safe for concurrent use.
type Client struct {
	lookups
	rest *rest.Client
}

// New returns the discovery client of the server that c speaks to.
func New(c *rest.Client) *Client {
	d := &Client{rest: c}
	d.renewer = d
	return d
}

// ServerVersion is the version of the API server.
func (d *Client) ServerVersion(ctx context.Context) (*version.Info, error) {
	data, err := d.rest.Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	v := new(version.Info)
	if err := json.Unmarshal(data, v); err != nil {
		return nil, unreadable("/version", err)
	}
	return v, nil
}

// Invalidate does nothing: there is no cache here.
func (d *Client) Invalidate() {}

// catalogAfter asks the server, which knows what is now.
func (d *Client) catalogAfter(ctx context.Context, _ time.Time) (*Catalog, error) {
	c := &Catalog{Fetched: time.Now()}
	var core, named answer
	var wg sync.WaitGroup
	wg.Go(func() { core = d.ask(ctx, "/api") })
	wg.Go(func() { named = d.ask(ctx, "/apis") })
	wg.Wait()
	// API servers other than kube-apiserver may have no core group, and then no such root. What has
	// neither root is no API server.
	neither := apierrors.IsNotFound(core.err) && apierrors.IsNotFound(named.err)
	failed := map[schema.GroupVersion]error{}
	for _, a := range []answer{core, named} {
		if a.err != nil && (neither || !apierrors.IsNotFound(a.err)) {
			return nil, a.err
		}
		c.Groups = append(c.Groups, a.groups...)
		for gv, err := range a.failed {
			failed[gv] = err
		}
	}
	if len(failed) > 0 {
		return c, &PartialError{Failed: failed}
	}
	return c, nil
}
