package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// release is a version of the module k8s.io/kubernetes.
type release struct {
	version string // 1.36.3
	date    time.Time
	mod     modFile
}

// modFile is the part of `go mod edit -json` that is read here.
type modFile struct {
	Require []struct{ Path, Version string }
	Replace []struct{ Old struct{ Path string } }
}

// find downloads a version and reads its requirements.
func find(version string) (release, error) {
	out, err := command("", "go", "mod", "download", "-json", "k8s.io/kubernetes@v"+version)
	if err != nil {
		return release{}, err
	}
	var module struct{ Info, GoMod string }
	if err := json.Unmarshal(out, &module); err != nil {
		return release{}, err
	}
	r := release{version: version}
	info, err := os.ReadFile(module.Info)
	if err != nil {
		return release{}, err
	}
	var published struct{ Time time.Time }
	if err := json.Unmarshal(info, &published); err != nil {
		return release{}, fmt.Errorf("%s: %w", module.Info, err)
	}
	r.date = published.Time
	if out, err = command("", "go", "mod", "edit", "-json", module.GoMod); err != nil {
		return release{}, err
	}
	return r, json.Unmarshal(out, &r.mod)
}

// minor returns the second number of the version.
func (r release) minor() int {
	var major, minor int
	_, _ = fmt.Sscanf(r.version, "%d.%d", &major, &minor)
	return minor
}

// etcd returns the version of etcd's server that Kubernetes names.
func (r release) etcd() string {
	for _, m := range r.mod.Require {
		if m.Path == "go.etcd.io/etcd/server/v3" {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	return "unknown"
}

// hasStreaming reports whether the version has the module k8s.io/cri-streaming.
func (r release) hasStreaming() bool { return r.minor() >= 36 }

// goMod returns the go.mod of a devcluster of the version. Kubernetes names its staging modules v0.0.0
// and replaces them by its own folders; a replace counts only in the main module, so that each is
// replaced here by its release. before is the folder of what versions before 1.36 need.
func (r release) goMod(before string) string {
	_, patch, _ := strings.Cut(r.version, ".")
	staged := "v0." + patch
	var b strings.Builder
	b.WriteString("module github.com/skiff-k8s/skiff/devcluster\n\ngo 1.26.0\n\ngodebug default=go1.26\n\nrequire (\n")
	fmt.Fprintf(&b, "\tk8s.io/kubernetes v%s\n", r.version)
	var staging []string
	for _, m := range r.mod.Replace {
		staging = append(staging, m.Old.Path)
	}
	for _, m := range r.mod.Require {
		if slices.Contains(staging, m.Path) {
			m.Version = staged
		}
		fmt.Fprintf(&b, "\t%s %s\n", m.Path, m.Version)
	}
	if !r.hasStreaming() {
		b.WriteString("\tk8s.io/cri-streaming v0.0.0\n")
	}
	b.WriteString(")\n\nreplace (\n")
	for _, path := range staging {
		fmt.Fprintf(&b, "\t%s => %s %s\n", path, path, staged)
	}
	if !r.hasStreaming() {
		fmt.Fprintf(&b, "\tk8s.io/cri-streaming => %s\n", filepath.Join(before, "cri-streaming"))
	}
	b.WriteString(")\n")
	return b.String()
}

// writeModule writes the module of a devcluster of the version to dir.
func (r release) writeModule(root, dir string) error {
	source := filepath.Join(root, "devcluster")
	err := filepath.WalkDir(source, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(dir, name), 0o755)
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return copyFile(path, filepath.Join(dir, name))
	})
	if err != nil {
		return err
	}
	before := filepath.Join(root, "tools", "matrix", "_before136")
	if !r.hasStreaming() {
		err := copyFile(filepath.Join(before, "kubelet", "logfile.go"), filepath.Join(dir, "kubelet", "logfile.go"))
		if err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte(r.goMod(before)), 0o644)
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// command runs a program in dir and returns its standard output. The error has what it said.
func command(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		text := string(out)
		if exit := new(exec.ExitError); errors.As(err, &exit) {
			text += string(exit.Stderr)
		}
		return out, fmt.Errorf("%s: %w\n%s", strings.Join(append([]string{name}, args...), " "), err, text)
	}
	return out, nil
}
