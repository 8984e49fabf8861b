package discovery

import (
	"context"
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A lookup that finds nothing returns the PartialError only if the match may be in what is missing.
func TestOnlyAMissingGroupHidesAMatch(t *testing.T) {
	down := schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1beta1"}
	d := newServer(func(context.Context, int) (*Catalog, error) {
		return now(sample()), &PartialError{Failed: map[schema.GroupVersion]error{down: ErrStale}}
	})
	for name, hidden := range map[string]bool{
		"nothing":                            true, // in any group
		"nodemetrics":                        true,
		"nodemetrics.metrics.k8s.io":         true,
		"NODES.METRICS.k8s.io":               true,
		"nodes.v1beta1.metrics.k8s.io":       true,
		"nodes.v1.metrics.k8s.io":            false, // that version is not missing
		"certificates.cert-manager.io":       false,
		"certificates.v1.cert-manager.io":    false,
		"nothing.apps":                       false,
		"nothing.k8s.io":                     false,
		"nothing.metrics":                    false,
		"nothing.":                           false, // the core group
		"nothing.v1.":                        false,
		"nothing.metrics.k8s.io.example.com": false,
	} {
		_, err := d.ForResource(t.Context(), name)
		var partial *PartialError
		if errors.As(err, &partial) != hidden || meta.IsNoMatchError(err) == hidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	for gv, hidden := range map[schema.GroupVersion]bool{
		down: true, {Group: down.Group}: true, {Group: down.Group, Version: "v1"}: false,
		{Group: "cert-manager.io", Version: "v1"}: false, {Group: "cert-manager.io"}: false, {Version: "v1"}: false,
	} {
		_, byKind := d.ByGVK(t.Context(), gv.WithKind("Nothing"))
		_, byResource := d.ByGVR(t.Context(), gv.WithResource("nothings"))
		for _, err := range []error{byKind, byResource} {
			var partial *PartialError
			if errors.As(err, &partial) != hidden || meta.IsNoMatchError(err) == hidden {
				t.Errorf("%v: %v", gv, err)
			}
		}
	}
	for _, name := range []string{"deploy", "deployments.apps", "Deployment"} { // found in spite of it
		if _, err := d.ForResource(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
