package controlplane

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write writes an executable file, and what is needed above it.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// $SKIFF_DEVCLUSTER is first, then the repository's own binary, $KUBEBUILDER_ASSETS, and $PATH.
func TestTheOrderOfThePlaces(t *testing.T) {
	dir := t.TempDir()
	named, repo, assets, path, none := filepath.Join(dir, "named"), filepath.Join(dir, "repo"), filepath.Join(dir, "assets"),
		filepath.Join(dir, "path"), filepath.Join(dir, "none")
	write(t, named, "")
	write(t, filepath.Join(repo, "go.mod"), module+"\n")
	write(t, filepath.Join(repo, "pkg", "go.mod"), "module other\n")
	ours := filepath.Join(repo, "bin", "devcluster")
	write(t, filepath.Join(assets, "etcd"), "")
	write(t, filepath.Join(assets, "kube-apiserver"), "")
	write(t, filepath.Join(dir, "half", "etcd"), "")
	write(t, filepath.Join(path, "devcluster"), "")
	write(t, filepath.Join(none, "note"), "")
	inPath := place{devcluster: filepath.Join(path, "devcluster")}
	for name, c := range map[string]struct {
		binary, assets, path, dir string
		built                     bool // the repository's own
		want                      place
		err                       string
	}{
		"all are there":                      {named, assets, path, filepath.Join(repo, "pkg"), true, place{devcluster: named}, ""},
		"a stray variable in the repository": {"", assets, path, filepath.Join(repo, "pkg"), true, place{devcluster: ours}, ""},
		"a repository that has built none":   {"", assets, path, repo, false, place{assets: assets}, ""},
		"a stranger's":                       {"", assets, path, none, true, place{assets: assets}, ""},
		"only in the path":                   {"", "", path, none, true, inPath, ""},
		"a wrong path of the binary":         {filepath.Join(dir, "nowhere"), assets, path, none, true, place{}, "$SKIFF_DEVCLUSTER is " + dir},
		"a folder with half of them":         {"", filepath.Join(dir, "half"), path, none, true, place{}, "half/kube-apiserver"},
		"a folder that is not there":         {"", filepath.Join(dir, "nowhere"), path, none, true, place{}, "nowhere/etcd"},
		"a relative folder":                  {"", "assets", path, none, true, place{}, "not an absolute path"},
		"none":                               {"", "", none, none, true, place{}, "$KUBEBUILDER_ASSETS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(EnvBinary, c.binary)
			t.Setenv(EnvAssets, c.assets)
			t.Setenv("PATH", c.path)
			t.Setenv("GOPATH", none)
			t.Setenv("HOME", none)
			t.Setenv("GOBIN", "")
			t.Chdir(c.dir)
			if c.built {
				write(t, ours, "")
			} else if err := os.RemoveAll(ours); err != nil {
				t.Fatal(err)
			}
			got, err := find()
			if got != c.want || (c.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %+v and error %v, want %+v and %q", got, err, c.want, c.err)
			}
			if c.want == (place{}) && c.assets == "" {
				for _, way := range []string{"make devcluster", EnvAssets, EnvKubeconfig, EnvContext} {
					if !errors.Is(err, ErrNoBinary) || !strings.Contains(err.Error(), way) {
						t.Errorf("the error does not say %s: %v", way, err)
					}
				}
			}
		})
	}
}
