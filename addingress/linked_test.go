package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Neither template engine is linked: one import costs some 4 MB, because it keeps every exported method
// of every reachable type.
func TestNoTemplateEngineIsLinked(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	if !slices.Contains(all, "text/template/parse") {
		t.Errorf("go list named %d packages, and not text/template/parse", len(all))
	}
	for _, path := range []string{"text/template", "html/template"} {
		if slices.Contains(all, path) {
			t.Errorf("addingress links %s", path)
		}
	}
}
