package discovery_test

import (
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/discovery"
)

func TestOpenAPIOfEveryGroupVersion(t *testing.T) {
	var n atomic.Int64
	c, ctx := connect(t, counter(&n)), soon(t)
	o := discovery.NewOpenAPI(c)
	for _, gv := range []schema.GroupVersion{{Version: "v1"}, {Group: "apps", Version: "v1"}, {Group: "apps", Version: "v1"}} {
		data, err := o.GroupVersion(ctx, gv)
		var doc struct {
			OpenAPI string                     `json:"openapi"`
			Paths   map[string]json.RawMessage `json:"paths"`
		}
		if err != nil || json.Unmarshal(data, &doc) != nil || doc.OpenAPI < "3" || len(doc.Paths) == 0 {
			t.Errorf("%v: %d bytes, %v", gv, len(data), err)
		}
	}
	if n.Load() != 5 {
		t.Errorf("%d requests, want the index three times and two documents", n.Load())
	}
	if _, err := o.GroupVersion(ctx, schema.GroupVersion{Group: "apps", Version: "v9"}); !errors.Is(err, discovery.ErrNoOpenAPI) {
		t.Errorf("no such version: %v", err)
	}
	if paths, err := o.Paths(ctx); err != nil || len(paths) < 30 {
		t.Errorf("%q, %v", paths, err)
	}
}
