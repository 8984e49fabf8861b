package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/discovery"
)

func TestMapperKnowsEverythingThatIsServed(t *testing.T) {
	d, ctx := discovery.NewMemory(discovery.New(connect(t))), soon(t)
	m := discovery.NewMapper(d)
	catalog, err := d.Catalog(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range catalog.Resources() {
		for _, r := range v.Resources {
			mapping, err := m.RESTMapping(r.Info.GVK().GroupKind(), v.Version)
			scope := meta.RESTScopeRoot
			if r.Info.Namespaced {
				scope = meta.RESTScopeNamespace
			}
			if err != nil || mapping.Resource != r.Info.GVR() || mapping.GroupVersionKind != r.Info.GVK() || mapping.Scope != scope {
				t.Errorf("%v: %+v, %v", r.Info, mapping, err)
			}
			for _, name := range append([]string{r.Info.Resource, r.Singular}, r.ShortNames...) {
				partial := v.GV().WithResource(name)
				if gvr, err := m.ResourceFor(partial); err != nil || gvr != r.Info.GVR() {
					t.Errorf("%v: %v, %v", partial, gvr, err)
				}
				if gvk, err := m.KindFor(partial); err != nil || gvk != r.Info.GVK() {
					t.Errorf("%v: %v, %v", partial, gvk, err)
				}
			}
			if on, err := d.IsEnabled(ctx, r.Info.GVR()); err != nil || !on {
				t.Errorf("%v is not enabled: %v", r.Info, err)
			}
		}
	}
	if all, err := m.Category(ctx, "all"); err != nil || len(all) < 9 || all[0].Resource != "pods" {
		t.Errorf("all is %v, %v", all, err)
	}
	for _, gvr := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "boats"}, {Group: "apps", Version: "v9", Resource: "deployments"}, {Version: "v1", Resource: "pods/boat"},
	} {
		if on, err := d.IsEnabled(ctx, gvr); err != nil || on {
			t.Errorf("%v: %t, %v", gvr, on, err)
		}
	}
	if on, err := d.IsEnabled(ctx, schema.GroupVersionResource{Version: "v1", Resource: "pods/resize"}); err != nil || !on {
		t.Errorf("pods/resize: %t, %v", on, err)
	}
}

func TestMapperFindsACustomResourceThatIsNew(t *testing.T) {
	c, ctx := connect(t), soon(t)
	m := discovery.NewMapper(discovery.New(c))
	gk := schema.GroupKind{Group: "mapper.skiff.example.com", Kind: "Sloop"}
	if _, err := m.RESTMapping(gk); !meta.IsNoMatchError(err) {
		t.Fatalf("before it is there: %v", err)
	}
	define(t, c, gk.Group, "sloops", gk.Kind)
	poll(ctx, t, func() error {
		r, err := m.RESTMapping(gk)
		if err == nil && (r.Resource.Resource != "sloops" || r.Resource.Version != "v2") {
			t.Errorf("%+v", r)
		}
		return err
	})
}

func TestAMapperDoesNotMissWhatAServerThatIsDownMayServe(t *testing.T) {
	c, ctx := connect(t), soon(t)
	gv := schema.GroupVersion{Group: "mapperdown.skiff.example.com", Version: "v1"}
	aggregate(t, c, gv)
	live := discovery.New(c)
	poll(ctx, t, func() error {
		var partial *discovery.PartialError
		if _, err := live.Catalog(ctx); !errors.As(err, &partial) {
			return fmt.Errorf("it is not down: %v", err)
		}
		return nil
	})
	m := discovery.NewMapper(live)
	var partial *discovery.PartialError
	if _, err := m.RESTMapping(schema.GroupKind{Group: gv.Group, Kind: "Boat"}); !errors.As(err, &partial) || meta.IsNoMatchError(err) {
		t.Errorf("RESTMapping: %v", err)
	}
	if _, err := m.ResourceFor(schema.GroupVersionResource{Resource: "boats"}); !errors.As(err, &partial) || meta.IsNoMatchError(err) {
		t.Errorf("ResourceFor: %v", err)
	}
	if on, err := live.IsEnabled(ctx, gv.WithResource("boats")); on || !errors.As(err, &partial) {
		t.Errorf("IsEnabled: %t, %v", on, err)
	}
	if _, err := m.RESTMapping(schema.GroupKind{Group: "apps", Kind: "Boat"}); !meta.IsNoMatchError(err) {
		t.Errorf("a group that answers: %v", err)
	}
	if _, err := m.RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"}); err != nil {
		t.Errorf("what is there: %v", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := discovery.NewMapper(live).ResourceForWithContext(ctx, schema.GroupVersionResource{Resource: "pods"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context: %v", err)
	}
}
