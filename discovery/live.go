package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/rest"
)

// live is the source that asks the server each time.
type live struct{ rest *rest.Client }

// New returns a discovery client of the server that c speaks to. It caches nothing: every call
// makes two requests.
func New(c *rest.Client) *Client { return &Client{source: &live{rest: c}} }

func (d *live) serverVersion(ctx context.Context) (*version.Info, error) {
	data, err := d.rest.Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	v := new(version.Info)
	if err := json.Unmarshal(data, v); err != nil {
		return nil, d.rest.Redact(unreadable("/version", err))
	}
	return v, nil
}

func (d *live) invalidate() {} // there is no cache

// catalog asks the server.
func (d *live) catalog(ctx context.Context, _ need) (*Catalog, error) {
	c := &Catalog{Fetched: time.Now()}
	var core, named answer
	var wg sync.WaitGroup
	wg.Go(func() { core = d.ask(ctx, "/api") })
	wg.Go(func() { named = d.ask(ctx, "/apis") })
	wg.Wait()
	// API servers other than kube-apiserver may have no core group, and then no /api. A server that
	// has neither root is no API server.
	neither := apierrors.IsNotFound(core.err) && apierrors.IsNotFound(named.err)
	failed := map[schema.GroupVersion]error{}
	for _, a := range []answer{core, named} {
		if a.err != nil && (neither || !apierrors.IsNotFound(a.err)) {
			return nil, d.rest.Redact(a.err)
		}
		c.Groups = append(c.Groups, a.groups...)
		for gv, err := range a.failed {
			failed[d.redact(gv)] = d.rest.Redact(err)
		}
	}
	if len(failed) > 0 {
		return c, &PartialError{Failed: failed}
	}
	return c, nil
}

// redact returns a group version as it may stand in an error. Its names come from the server.
func (d *live) redact(gv schema.GroupVersion) schema.GroupVersion {
	text := gv.String()
	clean := d.rest.Redact(errors.New(text)).Error()
	if clean == text {
		return gv
	}
	group, version, _ := strings.Cut(clean, "/")
	return schema.GroupVersion{Group: group, Version: version}
}
