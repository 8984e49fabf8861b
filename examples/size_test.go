package examples_test

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// An informer program stays small: what client-go's equivalent takes is 29.8 MB and 49 modules.
func TestInformerIsSmall(t *testing.T) {
	const (
		maxBytes   = 12_500_000
		maxModules = 24
	)
	program := filepath.Join(t.TempDir(), "informer")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./informer")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build ./examples/informer: %v\n%s", err, out)
	}
	file, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("examples/informer, stripped: %.2f MB of %.2f, %d third-party modules of %d",
		float64(file.Size())/1e6, maxBytes/1e6, len(info.Deps), maxModules)
	if file.Size() > maxBytes {
		t.Errorf("examples/informer is %d bytes, the limit is %d", file.Size(), maxBytes)
	}
	if n := len(info.Deps); n == 0 || n > maxModules {
		t.Errorf("examples/informer is built of %d third-party modules, the limit is %d", n, maxModules)
	}
}
