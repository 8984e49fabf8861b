package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheSourceIsCopiedOnceAndWhole(t *testing.T) {
	src, dst := t.TempDir(), filepath.Join(t.TempDir(), "a", "v1")
	write(t, filepath.Join(src, "go.mod"), "module m\n")
	write(t, filepath.Join(src, "internal", "x.go"), "package x\n")
	// A module's files in Go's cache cannot be written; those of the copy can.
	if err := os.Chmod(filepath.Join(src, "go.mod"), 0o444); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := copySource(dst, src); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dst, "internal", "x.go")); err != nil || string(data) != "package x\n" {
		t.Errorf("the copy of internal/x.go is %q, %v", data, err)
	}
	if info, err := os.Stat(filepath.Join(dst, "go.mod")); err != nil || info.Mode().Perm()&0o200 == 0 {
		t.Errorf("go.mod of the copy: %v, %v", info, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(dst)); len(left) != 1 {
		t.Errorf("beside the copy there is more: %v", left)
	}
	if err := copySource(filepath.Join(t.TempDir(), "v1"), filepath.Join(src, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy of what is not there: %v", err)
	}
}

// What go build -v says is counted, but for what is an error.
func TestABuildsReportTellsPackagesFromProblems(t *testing.T) {
	r := new(report)
	r.Write([]byte("go: downloading k8s.io/api v0.37.2\nk8s.io/api/core/v1\nunsafe\n# example.com/x\n./x.go:3:1: syntax"))
	r.Write([]byte(" error\n"))
	if n := r.packages(); n != 2 {
		t.Errorf("%d packages, want 2", n)
	}
	if p := r.problems(); p != "# example.com/x\n./x.go:3:1: syntax error" {
		t.Errorf("the problems are %q", p)
	}
}

// The state changes with what is compiled, and with nothing else.
func TestTheStateIsThatOfWhatIsCompiled(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "a.go"), "package a\n")
	state := func() string {
		s, err := stateOf(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := state()
	for name, changes := range map[string]bool{"a_test.go": false, "README.md": false, "b.go": true, "sub/c.go": true, "go.sum": true} {
		before := state()
		write(t, filepath.Join(dir, name), "package a // "+name+"\n")
		if changed := state() != before; changed != changes {
			t.Errorf("%s: changed %t, want %t", name, changed, changes)
		}
	}
	if state() == first {
		t.Error("the state is as at first")
	}
}

func TestWhatCannotBeBuiltSaysWhy(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOPROXY", "off")
	wrong := t.TempDir()
	write(t, filepath.Join(wrong, "go.mod"), "module m\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes v1.36.0\nreplace k8s.io/kubernetes => ./k\n")
	write(t, filepath.Join(wrong, "k", "go.mod"), "module k8s.io/kubernetes\n\ngo 1.26.0\n")
	for _, c := range []struct{ args, want string }{
		{"extra", `no arguments, only flags: ["extra"]`},
		{"-source " + filepath.Join(wrong, "nowhere"), "nowhere"},
		{"-source " + wrong, "requires k8s.io/kubernetes v1.36.0, and this program builds " + kubernetes},
		{"-version v0.0.1-none", "download " + module + "@v0.0.1-none"},
	} {
		err := run(t.Context(), strings.Fields(c.args), new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.args, err, c.want)
		}
	}
}

func TestTheProgramGoesWhereGoInstallPutsPrograms(t *testing.T) {
	bin, path := t.TempDir(), t.TempDir()
	t.Setenv("GOBIN", bin)
	t.Setenv("GOPATH", path)
	if got, err := installFolder(t.Context()); err != nil || got != bin {
		t.Errorf("with GOBIN: %s, %v", got, err)
	}
	t.Setenv("GOBIN", "")
	if got, err := installFolder(t.Context()); err != nil || got != filepath.Join(path, "bin") {
		t.Errorf("without GOBIN: %s, %v", got, err)
	}
}

// An interrupt ends the compiler, and no half program is left.
func TestAnInterruptedBuildLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "devcluster")
	if err := build(ctx, "../../devcluster", out, new(bytes.Buffer)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(out)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
