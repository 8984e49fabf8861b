package skiff_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/skiff-k8s/skiff"

// house is the architecture as a table: the packages of the library module from the bottom up, and
// what of ours each may import. A folder below a row (rest/internal/x) belongs to the row.
//
// DESIGN.md tells why each stands where it does. To move an arrow is a decision about the
// architecture: change the two together.
var house = []row{
	{"kind", nil},
	{"wire", nil},
	{"workqueue", nil},
	{"rest", imports("wire")},
	{"kubeconfig", imports("rest")},
	{"internal/verbs", imports("kind", "wire", "rest")}, // what client and dynamic have in common
	{"client", imports("kind", "wire", "rest", "internal/verbs")},
	{"dynamic", imports("kind", "wire", "rest", "internal/verbs")},
	{"discovery", imports("kind", "wire", "rest")},
	{"clientset", imports("kind", "wire", "rest", "client", "discovery")},
	{"store", imports("wire")},
	{"informer", imports("kind", "wire", "rest", "store")},
	{"controller", imports("kind", "wire", "rest", "store", "client", "informer", "workqueue")},
	{"skifftest/controlplane", imports("kubeconfig", "rest")},
	{"examples", everyRowAbove},
}

// heldInTests are the rows that a test may import, beside every row above its package's own: a test
// of anything that crosses the API runs on the real control plane.
var heldInTests = imports("skifftest/controlplane", "kubeconfig", "rest")

// banned are modules that skiff exists to be, or that would bring them in.
var banned = []string{
	"k8s.io/client-go",
	"k8s.io/apiserver",
	"k8s.io/apiextensions-apiserver",
	"k8s.io/kubernetes",
	"sigs.k8s.io/controller-runtime",
}

// thirdParty limits how many modules each go.mod of this repository may require, directly and
// indirectly. A module without a limit here is an error, so that nobody adds one unseen.
var thirdParty = map[string]int{
	".":          24,  // what a user of the library takes in
	"addingress": 24,  // the library and what it needs, no more
	"tools":      8,   // staticcheck
	"devcluster": 170, // Kubernetes and etcd themselves
	"bench":      66,  // client-go and controller-runtime, to measure beside them
}

type row struct {
	path string
	may  []string
}

func imports(rows ...string) []string { return rows }

var everyRowAbove = []string{"*"}

// Every import of ours points to a row above the importer's own, and is one that the row allows.
func TestImportsGoUpward(t *testing.T) {
	for _, p := range goList(t, "-e", "./...") {
		from := rowOf(p.ImportPath)
		if from < 0 {
			continue // TestEveryPackageHasARow says it
		}
		for _, path := range p.Imports {
			if err := arrow(from, path, house[from].may); err != nil {
				t.Errorf("%s imports %s: %v", short(p.ImportPath), short(path), err)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if err := arrow(from, path, slices.Concat(everyRowAbove, heldInTests)); err != nil {
				t.Errorf("a test of %s imports %s: %v", short(p.ImportPath), short(path), err)
			}
		}
	}
}

// Every package belongs to a row, and every row names only rows above itself, so that the table
// cannot say something else than its order.
func TestEveryPackageHasARow(t *testing.T) {
	for _, p := range goList(t, "-e", "./...") {
		if p.ImportPath != module && rowOf(p.ImportPath) < 0 {
			t.Errorf("%s has no row in the house: give it one in house_test.go and in DESIGN.md", short(p.ImportPath))
		}
	}
	for i, r := range house {
		for _, m := range r.may {
			if m == "*" {
				continue
			}
			at := slices.IndexFunc(house, func(r row) bool { return r.path == m })
			if at < 0 {
				t.Errorf("row %s may import %s, which is no row", r.path, m)
			} else if at >= i {
				t.Errorf("row %s may import %s, which does not stand above it", r.path, m)
			}
		}
	}
}

// Nothing in the library module is built on client-go or controller-runtime, tests included.
func TestNotBuiltOnWhatItReplaces(t *testing.T) {
	seen := 0
	for _, p := range goList(t, "-deps", "-test", "./...") {
		seen++
		if p.Module == nil {
			continue
		}
		if slices.Contains(banned, p.Module.Path) {
			t.Errorf("the library module builds with %s (package %s)", p.Module.Path, p.ImportPath)
		}
	}
	if seen < 100 {
		t.Fatalf("go list -deps named only %d packages: this test did not look at the library", seen)
	}
	for _, r := range goMod(t, ".").Require {
		if slices.Contains(banned, r.Path) {
			t.Errorf("go.mod requires %s", r.Path)
		}
	}
}

// No go.mod of the repository grows unseen.
func TestModulesStayLean(t *testing.T) {
	files, err := filepath.Glob("*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "go.mod") {
		dir := filepath.Dir(file)
		limit, ok := thirdParty[dir]
		if !ok {
			t.Errorf("%s has no limit in house_test.go", file)
			continue
		}
		n := 0
		for _, r := range goMod(t, dir).Require {
			if r.Path != module {
				n++
			}
		}
		t.Logf("%s: %d third-party modules, limit %d", file, n, limit)
		if n == 0 || n > limit {
			t.Errorf("%s requires %d third-party modules, the limit is %d", file, n, limit)
		}
	}
}

// arrow says whether a package of row from, which may import the rows in may, may import path. What is
// not ours is not its business.
func arrow(from int, path string, may []string) error {
	if path == module {
		return errors.New("the root package is documentation only")
	}
	if !strings.HasPrefix(path, module+"/") {
		return nil
	}
	to := rowOf(path)
	switch {
	case to < 0:
		return errors.New("it has no row in the house (house_test.go)")
	case to == from || slices.Contains(may, house[to].path):
		return nil
	case to > from:
		return fmt.Errorf("%s stands below %s, and imports go upward only", house[to].path, house[from].path)
	case slices.Contains(may, "*"):
		return nil
	}
	return fmt.Errorf("%s may import only: %s", house[from].path, strings.Join(may, ", "))
}

// rowOf finds the row that a package belongs to, or -1.
func rowOf(importPath string) int {
	rel := strings.TrimPrefix(importPath, module+"/")
	return slices.IndexFunc(house, func(r row) bool {
		return rel == r.path || strings.HasPrefix(rel, r.path+"/")
	})
}

func short(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

// listed is what go list says of a package, the fields that are used.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Module                             *struct{ Path string }
}

func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	out := goOutput(t, ".", append([]string{"list", "-json=ImportPath,Imports,TestImports,XTestImports,Module"}, args...)...)
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatalf("reading what go list says: %v", err)
		}
		packages = append(packages, p)
	}
}

type modFile struct {
	Require []struct{ Path string }
}

func goMod(t *testing.T, dir string) modFile {
	t.Helper()
	var f modFile
	if err := json.Unmarshal(goOutput(t, dir, "mod", "edit", "-json"), &f); err != nil {
		t.Fatalf("reading what go mod edit says of %s: %v", dir, err)
	}
	return f
}

func goOutput(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}
