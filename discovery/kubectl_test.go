package discovery

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kubectlOnly makes a directory with kubectl's files only.
func kubectlOnly(t *testing.T, d Interface) string {
	t.Helper()
	dir := t.TempDir()
	_, _ = NewDisk(d, dir, 0).Catalog(t.Context())
	if err := os.Remove(filepath.Join(dir, diskFile)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLookupsUseKubectlsFiles(t *testing.T) {
	dir := kubectlOnly(t, stable())
	s := stable()
	d := NewMemory(NewDisk(s, dir, 0))
	if r, err := d.ForResource(t.Context(), "po.v1."); err != nil || r.Info.Resource != "pods" || s.count() != 0 {
		t.Errorf("%+v, %v, %d requests", r, err, s.count())
	}
	if k, err := d.ByGVK(t.Context(), schema.GroupVersionKind{Group: "example.com", Kind: "Backup"}); err != nil || k.Version != "v2" || s.count() != 0 {
		t.Errorf("%+v, %v, %d requests", k, err, s.count())
	}
	if c, err := d.Catalog(t.Context()); err != nil || len(c.Groups) != 5 || s.count() != 1 {
		t.Errorf("Catalog is sure of what it lists: %v, %d requests", err, s.count())
	}
}

// kubectl's files do not tell which groups failed, so nothing is absent by them.
func TestAbsentInKubectlsFilesIsNotKnown(t *testing.T) {
	down := true
	dir := kubectlOnly(t, aggregating(&down))
	old := time.Now().Add(-time.Hour)
	files := 0
	if err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if e.Name() == resourcesFile {
			files++
			if filepath.Base(filepath.Dir(filepath.Dir(path))) == metrics.Group || filepath.Base(filepath.Dir(filepath.Dir(path))) == outdated.Group {
				t.Errorf("a group that failed has a file: %s", path)
			}
		}
		return os.Chtimes(path, old, old)
	}); err != nil || files != 5 {
		t.Fatal(files, err)
	}
	for _, down = range []bool{true, false} {
		s := aggregating(&down)
		on, err := NewDisk(s, dir, 0).IsEnabled(t.Context(), metrics.WithResource("nodes"))
		var partial *PartialError
		if on == down || errors.As(err, &partial) != down || meta.IsNoMatchError(err) {
			t.Errorf("down %t: %t, %v, %d requests", down, on, err, s.count())
		}
		_ = os.Remove(filepath.Join(dir, diskFile))
	}
}

func TestKubectlsFilesThatDoNotCountAreAMiss(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"no groups": func(dir string) error { return os.Remove(filepath.Join(dir, groupsFile)) },
		"noise":     func(dir string) error { return os.WriteFile(filepath.Join(dir, groupsFile), []byte("{"), 0o600) },
		"of another": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, groupsFile), []byte(`{"kind":"List"}`), 0o600)
		},
		"no resources":  func(dir string) error { return os.Remove(filepath.Join(dir, "apps", "v1", resourcesFile)) },
		"resources cut": func(dir string) error { return os.Truncate(filepath.Join(dir, "apps", "v1", resourcesFile), 10) },
		"expired groups": func(dir string) error {
			at := time.Now().Add(-DefaultTTL - time.Hour)
			return os.Chtimes(filepath.Join(dir, groupsFile), at, at)
		},
		"expired resources": func(dir string) error {
			at := time.Now().Add(-DefaultTTL - time.Hour)
			return os.Chtimes(filepath.Join(dir, "apps", "v1", resourcesFile), at, at)
		},
		"from the future": func(dir string) error {
			at := time.Now().Add(time.Hour)
			return os.Chtimes(filepath.Join(dir, groupsFile), at, at)
		},
	} {
		dir := kubectlOnly(t, stable())
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		s := stable()
		if r, err := NewDisk(s, dir, 0).ForResource(t.Context(), "deployments.apps"); err != nil || r.Info.Group != "apps" || s.count() != 1 {
			t.Errorf("%s: %+v, %v, %d requests", name, r, err, s.count())
		}
	}
}

func TestInvalidateAppliesToKubectlsFiles(t *testing.T) {
	dir := kubectlOnly(t, stable())
	s := stable()
	d := NewDisk(s, dir, 0)
	d.Invalidate()
	if _, err := d.ForResource(t.Context(), "deployments.apps"); err != nil || s.count() != 1 {
		t.Errorf("%v, %d requests", err, s.count())
	}
}

// The names of groups come from the server, and from files that others may have written.
func TestNoNameLeadsOutOfTheDirectory(t *testing.T) {
	d := NewDisk(stable(), "base", 0).source.(*disk)
	for _, gv := range []schema.GroupVersion{
		{Group: "..", Version: "v1"}, {Group: "a", Version: ".."}, {Version: ".."}, {Group: "a/../..", Version: "v1"}, {Group: `a\b`, Version: "v1"},
		{Group: "a", Version: "v1/../../.."}, {Group: "a"}, {}, {Group: ".a", Version: "v1"}, {Group: "c:", Version: "v1"},
	} {
		if path, ok := d.resourcesPath(gv); ok {
			t.Errorf("%q is in %s", gv, path)
		}
	}
	for gv, want := range map[schema.GroupVersion]string{
		{Version: "v1"}: "base/v1/" + resourcesFile, {Group: "apps", Version: "v1"}: "base/apps/v1/" + resourcesFile,
	} {
		if path, ok := d.resourcesPath(gv); !ok || filepath.ToSlash(path) != want {
			t.Errorf("%q is in %s", gv, path)
		}
	}
}
