package informer_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// For takes structs with an object's metadata, and the compiler says so.
func TestWhatIsNoObjectDoesNotCompile(t *testing.T) {
	for name, c := range map[string]struct{ call, says string }{
		"a struct":        {"informer.For[corev1.Pod](nil)", ""},
		"a pointer":       {"informer.For[*corev1.Pod](nil)", "does not satisfy kind.Object"},
		"not an object":   {"informer.For[corev1.PodSpec](nil)", "does not satisfy kind.Object"},
		"a list":          {"informer.For[corev1.PodList](nil)", "does not satisfy kind.Object"},
		"any object (1)":  {"informer.For[unstructured.Unstructured](nil)", ""},
		"any object (2)":  {"informer.ForResource(nil, kind.Info{})", ""},
		"not a namespace": {`informer.For[corev1.Pod](nil).Lister().Get("web")`, "not enough arguments"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "main.go")
			program := `package main

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

var (
	_ corev1.Pod
	_ unstructured.Unstructured
	_ kind.Info
)

func main() { ` + c.call + ` }
`
			if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput()
			if c.says == "" && err != nil || !strings.Contains(string(out), c.says) {
				t.Errorf("%s: %v\n%s", c.call, err, out)
			}
		})
	}
}
