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

// A program that calls the clientset links what it calls. It is measured beside the same program
// over package client: of one group version it is at most 1 % larger. With the clientset of three
// groups, of which examples/list-clientset calls two, that was 2.24 % before there were others.
func TestClientsetLinksWhatIsCalled(t *testing.T) {
	dir := t.TempDir()
	size := func(program string) float64 {
		t.Helper()
		out := filepath.Join(dir, filepath.Base(program))
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, program)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", program, err, text)
		}
		file, err := os.Stat(out)
		if err != nil {
			t.Fatal(err)
		}
		return float64(file.Size())
	}
	direct := size("./testdata/list-client")
	for program, limit := range map[string]float64{
		"./testdata/list-groups": 1.01,          // clientset/corev1 and clientset/appsv1
		"./list-clientset":       1.0224 * 1.01, // clientset
	} {
		ratio := size(program) / direct
		t.Logf("%s: %.4f of %.4f, of %.2f MB", program, ratio, limit, direct/1e6)
		if ratio > limit {
			t.Errorf("%s is %.4f times as large as the program over package client, the limit is %.4f", program, ratio, limit)
		}
	}
}
