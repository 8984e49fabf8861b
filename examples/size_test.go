package examples_test

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// An informer program stays small: what client-go's equivalent takes is 29.8 MB and 49 modules.
func TestInformerIsSmall(t *testing.T) {
	program := sized(t, "examples/informer", 12_700_000)
	for _, function := range ofKubeconfigs {
		if !links(t, program, function) {
			t.Errorf("the program does not hold %q: these tests look for the wrong name", function)
		}
	}
}

// A program that runs in a pod only does not pay for kubeconfigs: it links neither YAML nor os/exec.
func TestInformerInAPodIsSmaller(t *testing.T) {
	source, err := os.ReadFile("informer/main.go")
	if err != nil {
		t.Fatal(err)
	}
	inCluster := bytes.Replace(source, []byte("kubeconfig.Load(path)"), []byte("kubeconfig.InCluster()"), 1)
	if bytes.Equal(inCluster, source) {
		t.Fatal("examples/informer does not call kubeconfig.Load(path)")
	}
	dir := t.TempDir()
	replaced := filepath.Join(dir, "main.go")
	if err := os.WriteFile(replaced, inCluster, 0o600); err != nil {
		t.Fatal(err)
	}
	original, err := filepath.Abs("informer/main.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	program := sized(t, "examples/informer with kubeconfig.InCluster", 12_400_000, "-overlay", path)
	for _, function := range ofKubeconfigs {
		if links(t, program, function) {
			t.Errorf("the program links %q", function)
		}
	}
}

// ofKubeconfigs are functions that are linked only with what reads kubeconfigs.
var ofKubeconfigs = []string{"os/exec.(*Cmd).Start", "go.yaml.in/yaml/v2.yaml_parser_parse"}

// sized builds examples/informer as it is released, and wants at most maxBytes and 24 modules.
func sized(t *testing.T, name string, maxBytes int64, flags ...string) (program string) {
	t.Helper()
	const maxModules = 24
	program = filepath.Join(t.TempDir(), "informer")
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", program}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./informer")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", name, err, out)
	}
	file, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, stripped: %.3f MB of %.2f, %d third-party modules of %d",
		name, float64(file.Size())/1e6, float64(maxBytes)/1e6, len(info.Deps), maxModules)
	if file.Size() > maxBytes {
		t.Errorf("%s is %d bytes, the limit is %d", name, file.Size(), maxBytes)
	}
	if n := len(info.Deps); n == 0 || n > maxModules {
		t.Errorf("%s is built of %d third-party modules, the limit is %d", name, n, maxModules)
	}
	return program
}

// links reports whether a program holds a function's name, which a stripped program does as well.
func links(t *testing.T, program, function string) bool {
	t.Helper()
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(data, []byte(function))
}
