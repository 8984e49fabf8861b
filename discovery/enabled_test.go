package discovery

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

func TestIsEnabled(t *testing.T) {
	withSub := now(sample())
	pods := &withSub.Groups[0].Versions[0].Resources[0]
	pods.Subresources = []Subresource{{Name: "log"}}
	withSub.Groups[0].Versions[0].Resources[1].Verbs = nil // events: subresources only
	d := newServer(func(context.Context, int) (*Catalog, error) { return withSub, nil })
	for _, q := range []struct {
		group, version, resource string
		want                     bool
	}{
		{"", "v1", "pods", true},
		{"", "", "pods", true},
		{"", "v1", "pods/log", true},
		{"", "v1", "pods/exec", false},
		{"", "v1", "nodes/log", false},
		{"", "v2", "pods", false},
		{"", "v1", "pod", false}, // the resource's name, and no other
		{"", "v1", "events", false},
		{"apps", "v1", "pods", false},
		{"example.com", "v2", "restores", false},
		{"example.com", "v1", "restores", true},
		{"example.com", "", "restores", true},
		{"nowhere.example.com", "v1", "restores", false},
	} {
		gvr := schema.GroupVersionResource{Group: q.group, Version: q.version, Resource: q.resource}
		if got, err := d.IsEnabled(t.Context(), gvr); err != nil || got != q.want {
			t.Errorf("%v: %t, %v; want %t", gvr, got, err, q.want)
		}
	}
	before := d.count()
	for _, name := range []string{"", "/log", "pods/"} {
		var misuse *kind.MisuseError
		if _, err := d.IsEnabled(t.Context(), schema.GroupVersionResource{Version: "v1", Resource: name}); !errors.As(err, &misuse) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if d.count() != before {
		t.Error("a mistake made a request")
	}
}

// "No" has to be known: an error is not a "no".
func TestIsEnabledIsNotFalseForAGroupThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		d := NewMemory(aggregating(&down))
		var partial *PartialError
		for _, q := range []schema.GroupVersionResource{
			metrics.WithResource("nodes"), metrics.WithResource("nodes/log"),
			{Group: metrics.Group, Resource: "nodes"}, outdated.WithResource("boats"),
		} {
			if on, err := d.IsEnabled(t.Context(), q); on || !errors.As(err, &partial) || meta.IsNoMatchError(err) {
				t.Errorf("%v: %t, %v", q, on, err)
			}
		}
		if on, err := d.IsEnabled(t.Context(), outdated.WithResource("events")); !on || err != nil {
			t.Errorf("what is known of an outdated group: %t, %v", on, err)
		}
		if on, err := d.IsEnabled(t.Context(), schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "nodes"}); on || err != nil {
			t.Errorf("a group that answered: %t, %v", on, err)
		}
	})
	broken := newServer(func(context.Context, int) (*Catalog, error) { return nil, errors.New("down") })
	if on, err := broken.IsEnabled(t.Context(), metrics.WithResource("nodes")); on || err == nil || !strings.Contains(err.Error(), "down") {
		t.Errorf("a server that is down: %t, %v", on, err)
	}
}
