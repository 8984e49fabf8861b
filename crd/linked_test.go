package crd_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The package links none of what skiff replaces, and no package of built-in types.
func TestWhatIsLinked(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 50 {
		t.Fatalf("go list named only %d packages", len(packages))
	}
	for _, p := range packages {
		for _, banned := range []string{"k8s.io/client-go", "k8s.io/apiserver", "k8s.io/apiextensions-apiserver", "sigs.k8s.io/controller-runtime", "k8s.io/api/core"} {
			if p == banned || strings.HasPrefix(p, banned+"/") {
				t.Errorf("package crd links %s", p)
			}
		}
	}
}
