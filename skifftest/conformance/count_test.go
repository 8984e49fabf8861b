package conformance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/skifftest/conformance"
)

// The suite has at least 150 cases, each with a name of its own.
func TestThereAreManyCases(t *testing.T) {
	cases := conformance.Cases()
	if len(cases) < 150 {
		t.Errorf("%d cases", len(cases))
	}
	slices.Sort(cases)
	if n := len(slices.Compact(slices.Clone(cases))); n != len(cases) {
		t.Errorf("%d names are taken twice", len(cases)-n)
	}
}

// At most ten cases may differ, and none of the topics that every controller depends on.
func TestDifferencesAreFew(t *testing.T) {
	if n := len(conformance.Differences); n > 10 {
		t.Errorf("%d differences", n)
	}
	never := []string{"create", "get", "update", "delete", "patch-json", "patch-merge", "apply", "list", "watch", "watch-list",
		"expired", "status", "scale"}
	for _, d := range conformance.Differences {
		topic, _, _ := strings.Cut(d.Case, "/")
		if slices.Contains(never, topic) {
			t.Errorf("%s may not differ", d.Case)
		}
		if !slices.Contains(conformance.Cases(), d.Case) {
			t.Errorf("%s is no case", d.Case)
		}
		if d.Reason == "" {
			t.Errorf("%s has no reason", d.Case)
		}
	}
}
