package command_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// completions returns what the shell is offered for the last argument.
func completions(out string) []string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var words []string
	for _, line := range lines[:len(lines)-1] { // the last one is a number for the shell's script
		word, _, _ := strings.Cut(line, "\t")
		words = append(words, word)
	}
	return words
}

func TestCompletion(t *testing.T) {
	r := newTool(t)
	r.configMaps(2)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := skiff(t, "completion", shell); got.code != 0 || !strings.Contains(got.out, "skiff") {
			t.Errorf("completion %s: exit code %d, %.100q", shell, got.code, got.out)
		}
	}
	flags := strings.Join(r.flags, " ") + " "
	for _, c := range []struct{ line, has, not string }{
		{"ge ", "", ""},
		{"get configm", "configmaps", "pods"},
		{"get pods,configm", "pods,configmaps", "configmaps"},
		{"get cm m-0", "m-000", "kube-root-ca.crt"},
		{"get cm m-000 m-0", "m-001", "m-000"},
		{"get cm/m-0", "cm/m-001", "m-001"},
		{"describe cm m-0", "m-000", "kube-root-ca.crt"},
		{"get cm -o js", "json", "xml"},
		{"get cm -n " + r.namespace[:6], r.namespace, "default"},
		{"explain dep", "deployments", "pods"},
		{"api-resources -o w", "wide", "json"},
		{"get flowers ", "", "m-000"},
	} {
		words := strings.Split(c.line, " ")
		out := skiff(t, append(append([]string{"__complete", words[0]}, strings.Fields(flags)...), words[1:]...)...)
		got := completions(out.out)
		if c.has != "" && !slices.Contains(got, c.has) || slices.Contains(got, c.not) {
			t.Errorf("completing %q: %q, want %q and not %q", c.line, got, c.has, c.not)
		}
	}
}

// A server that cannot be reached completes nothing, and prints nothing that the shell would show.
func TestCompletionWithoutServer(t *testing.T) {
	got := skiff(t, "__complete", "get", "-s", "http://127.0.0.1:1", "--kubeconfig", emptyConfig(t), "--cache-dir", t.TempDir(), "po")
	if got.code != 0 || len(completions(got.out)) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"help"}, {"--help"}} {
		if got := skiff(t, args...); got.code != 0 || !strings.Contains(got.out, "\n  get ") || !strings.Contains(got.out, "Usage:") {
			t.Errorf("%q: %+v", args, got)
		}
	}
	if got := skiff(t, "get", "--help"); got.code != 0 || !strings.Contains(got.out, "--chunk-size") {
		t.Errorf("get --help: %+v", got)
	}
}

// Of client-go nothing is linked but its JSONPath, which is kubectl's template language. Of k8s.io/api
// nothing is linked but what is listed, because each package costs time when the program starts.
func TestLinksLittle(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../..").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{
		"k8s.io/client-go/third_party/forked/golang/template",
		"k8s.io/client-go/util/jsonpath",
		"k8s.io/api/core/v1", // of remote: options of logs and exec
	}
	linked := 0
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		linked++
		if (strings.HasPrefix(path, "k8s.io/client-go/") || strings.HasPrefix(path, "k8s.io/api/")) && !slices.Contains(allowed, path) {
			t.Errorf("skiff links %s", path)
		}
	}
	if linked < 100 {
		t.Fatalf("go list -deps names %d packages: this test did not look at the program", linked)
	}
}
