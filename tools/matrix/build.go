package main

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// binary is a devcluster of one version.
type binary struct {
	path       string
	kubernetes string
	etcd       string
}

// build makes the devcluster of a version in dir, unless it is there and of these sources.
func build(root, dir, version string) (binary, error) {
	r, err := find(version)
	if err != nil {
		return binary{}, err
	}
	work, err := os.MkdirTemp("", "matrix")
	if err != nil {
		return binary{}, err
	}
	defer os.RemoveAll(work)
	if err := r.writeModule(root, work); err != nil {
		return binary{}, err
	}
	b := binary{path: filepath.Join(dir, "devcluster-"+version), kubernetes: version, etcd: r.etcd()}
	stamp := b.path + ".stamp"
	state, err := digest(work, filepath.Join(root, "tools", "matrix", "_before136"))
	if err != nil {
		return binary{}, err
	}
	if was, err := os.ReadFile(stamp); err == nil && string(was) == state {
		if _, err := os.Stat(b.path); err == nil {
			return b, nil
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return binary{}, err
	}
	fmt.Printf("matrix: building Kubernetes %s and etcd %s, which takes minutes the first time\n", version, b.etcd)
	begun := time.Now()
	cmd := exec.Command("go", "build", "-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", r.ldflags(), "-o", b.path, ".")
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return binary{}, fmt.Errorf("go build: %w\n%s", err, out)
	}
	fmt.Printf("matrix: built %s in %d s\n", version, int(time.Since(begun).Seconds()))
	return b, os.WriteFile(stamp, []byte(state), 0o644)
}

// ldflags sets the version that the programs report, as tools/devcluster does.
func (r release) ldflags() string {
	const pkg = "k8s.io/component-base/version"
	flags := []string{"-s", "-w"}
	for _, v := range [][2]string{
		{"gitVersion", "v" + r.version}, {"gitMajor", "1"}, {"gitMinor", fmt.Sprint(r.minor())},
		{"gitCommit", "unknown"}, {"gitTreeState", "archive"}, {"buildDate", r.date.UTC().Format(time.RFC3339)},
	} {
		flags = append(flags, "-X", pkg+"."+v[0]+"="+v[1])
	}
	return strings.Join(flags, " ")
}

// digest returns a number for the contents of the files in dirs.
func digest(dirs ...string) (string, error) {
	h := fnv.New64a()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(dir, path)
			fmt.Fprintf(h, "%s %d\n%s", name, len(data), data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x\n", h.Sum64()), nil
}
