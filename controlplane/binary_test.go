package controlplane_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
)

// In a module of one's own the binary is where tools/devcluster installs it, which $PATH seldom has.
func TestTheBinaryOfGoInstallIsFoundInAnyModule(t *testing.T) {
	if testing.Short() {
		t.Skip("under -short no binary is looked for")
	}
	t.Chdir(t.TempDir())
	t.Setenv(controlplane.EnvBinary, "")
	t.Setenv("PATH", t.TempDir())
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("GOPATH", "")
	t.Setenv("GOBIN", "")
	install := func(folder ...string) string {
		path := filepath.Join(filepath.Join(folder...), "devcluster")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}

	tb := &recorder{T: t}
	controlplane.Binary(tb)
	if len(tb.fatal) != 1 || !strings.HasSuffix(tb.fatal[0], "\ngo run github.com/skiff-k8s/skiff/tools/devcluster@latest") ||
		!strings.Contains(tb.fatal[0], filepath.Join(home, "go", "bin", "devcluster")) {
		t.Errorf("without a binary: %q", tb.fatal)
	}

	want := install(home, "go", "bin")
	if got := controlplane.Binary(t); got != want {
		t.Errorf("the binary is %s, want that of the home folder, %s", got, want)
	}
	gopath := t.TempDir()
	want = install(gopath, "bin")
	t.Setenv("GOPATH", gopath+string(filepath.ListSeparator)+t.TempDir())
	if got := controlplane.Binary(t); got != want {
		t.Errorf("the binary is %s, want that of $GOPATH, %s", got, want)
	}
	gobin := t.TempDir()
	want = install(gobin)
	t.Setenv("GOBIN", gobin)
	if got := controlplane.Binary(t); got != want {
		t.Errorf("the binary is %s, want that of $GOBIN, %s", got, want)
	}
}
