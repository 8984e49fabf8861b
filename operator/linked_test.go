package operator_test

import (
	"os/exec"
	"strings"
	"testing"
)

// No operator links a template engine for this package: one import costs a program some 4 MB, because
// it keeps every exported method of every reachable type.
func TestNoTemplatesAreLinked(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	if len(all) < 100 {
		t.Fatalf("go list named only %d packages", len(all))
	}
	for _, path := range all {
		switch {
		case path == "html/template", path == "text/template",
			strings.HasPrefix(path, "k8s.io/client-go"), strings.HasPrefix(path, "sigs.k8s.io/controller-runtime"):
			t.Errorf("package operator links %s", path)
		}
	}
}
