package skiff_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plan is a table of packages from the bottom up. See house.
type plan []row

type row struct {
	path string
	may  []string // rows, or everyRowAbove
}

func imports(rows ...string) []string { return rows }

var everyRowAbove = []string{"*"}

// rowOf returns the number of the row that a package belongs to, or -1: the row with the longest path
// that is the package's own or a folder above it.
func (h plan) rowOf(importPath string) int {
	rel := strings.TrimPrefix(importPath, module+"/")
	found := -1
	for i, r := range h {
		if rel != r.path && !strings.HasPrefix(rel, r.path+"/") {
			continue
		}
		if found < 0 || len(r.path) > len(h[found].path) {
			found = i
		}
	}
	return found
}

// imports returns a problem for each import of p that the plan does not allow. A test may import every
// row above its package's own, and the rows in inTests.
func (h plan) imports(p listed, inTests []string) []string {
	from := h.rowOf(p.ImportPath)
	if from < 0 {
		return nil // TestEveryPackageHasARow reports it
	}
	var problems []string
	for _, path := range p.Imports {
		if err := h.arrow(from, path, h[from].may); err != nil {
			problems = append(problems, fmt.Sprintf("%s imports %s: %v", short(p.ImportPath), short(path), err))
		}
	}
	for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
		if err := h.arrow(from, path, slices.Concat(everyRowAbove, inTests)); err != nil {
			problems = append(problems, fmt.Sprintf("a test of %s imports %s: %v", short(p.ImportPath), short(path), err))
		}
	}
	return problems
}

// arrow returns an error if a package of row from, which may import the rows in may, may not import
// path. A path that is not ours is always allowed.
func (h plan) arrow(from int, path string, may []string) error {
	if path == module {
		return errors.New("the root package is documentation only")
	}
	if !strings.HasPrefix(path, module+"/") {
		return nil
	}
	to := h.rowOf(path)
	switch {
	case to < 0:
		return errors.New("it has no row in the house (house_test.go)")
	case to == from || slices.Contains(may, h[to].path):
		return nil
	case to > from:
		return fmt.Errorf("%s stands below %s, and imports go upward only", h[to].path, h[from].path)
	case slices.Contains(may, "*"):
		return nil
	}
	return fmt.Errorf("%s may import only: %s", h[from].path, strings.Join(may, ", "))
}

// contradictions returns a problem for each row that stands twice, and for each import that a row
// allows although the row it names does not exist or does not stand above it.
func (h plan) contradictions() []string {
	var problems []string
	at := map[string]int{}
	for i, r := range h {
		if _, twice := at[r.path]; twice {
			problems = append(problems, fmt.Sprintf("row %s stands twice", r.path))
		}
		at[r.path] = i
	}
	for i, r := range h {
		for _, m := range r.may {
			if m == "*" {
				continue
			}
			if above, ok := at[m]; !ok {
				problems = append(problems, fmt.Sprintf("row %s may import %s, which is no row", r.path, m))
			} else if above >= i {
				problems = append(problems, fmt.Sprintf("row %s may import %s, which does not stand above it", r.path, m))
			}
		}
	}
	return problems
}

// sources returns the Go files of the module in dir and their lengths in lines, tests excepted. Folders
// with a go.mod of their own are other modules.
func sources(t *testing.T, dir string) map[string]int {
	t.Helper()
	files := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path == dir {
				return nil
			}
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if err == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = bytes.Count(data, []byte("\n"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// tooLong returns a problem for each file that is longer than limit and has no reason in allowed, and
// for each entry of allowed that allows nothing.
func tooLong(files map[string]int, limit int, allowed map[string]string) []string {
	var problems []string
	for file, lines := range files {
		reason, named := allowed[file]
		switch {
		case lines > limit && !named:
			problems = append(problems, fmt.Sprintf("%s has %d lines, the limit is %d: part it by idea, "+
				"or give the reason in mayBeLonger (house_test.go)", file, lines, limit))
		case lines > limit && strings.TrimSpace(reason) == "":
			problems = append(problems, fmt.Sprintf("mayBeLonger names %s without a reason", file))
		case lines <= limit && named:
			problems = append(problems, fmt.Sprintf("mayBeLonger names %s, which has %d lines and needs no exception", file, lines))
		}
	}
	for file := range allowed {
		if _, ok := files[file]; !ok {
			problems = append(problems, fmt.Sprintf("mayBeLonger names %s, which does not exist", file))
		}
	}
	slices.Sort(problems)
	return problems
}

// The checks themselves, on made-up input: each fails where it should.

var madeUp = plan{
	{"wire/internal/scan", nil},
	{"wire/fieldpath", imports("wire/internal/scan")},
	{"wire", imports("wire/internal/scan", "wire/fieldpath")},
	{"rest", imports("wire")},
	{"examples", everyRowAbove},
}

func TestThePlanTakesTheLongestPath(t *testing.T) {
	for path, want := range map[string]string{
		"wire":                    "wire",
		"wire/other":              "wire",
		"wire/internal/other":     "wire",
		"wire/internal/scan":      "wire/internal/scan",
		"wire/internal/scan/deep": "wire/internal/scan",
		"wire/fieldpath":          "wire/fieldpath",
		"wire/fieldpathology":     "wire",
		"examples/informer":       "examples",
		"wires":                   "",
		"controller":              "",
	} {
		got := ""
		if i := madeUp.rowOf(module + "/" + path); i >= 0 {
			got = madeUp[i].path
		}
		if got != want {
			t.Errorf("%s belongs to row %q, want %q", path, got, want)
		}
	}
}

func TestThePlanRefusesWhatItDoesNotAllow(t *testing.T) {
	for _, tc := range []struct {
		pkg, imported string
		inTest        bool
		problem       string // a part of it; empty means allowed
	}{
		{"wire", "wire/internal/scan", false, ""},
		{"wire", "wire/fieldpath", false, ""},
		{"wire/internal/other", "wire", false, ""},
		{"wire/fieldpath", "wire", false, "wire stands below wire/fieldpath"},
		{"wire/internal/scan", "wire/fieldpath", false, "wire/fieldpath stands below wire/internal/scan"},
		{"rest", "wire", false, ""},
		{"rest", "wire/fieldpath", false, "rest may import only: wire"},
		{"rest", "wire/fieldpath", true, ""},
		{"rest", "examples/x", true, "examples stands below rest"},
		{"wire", "rest", true, ""}, // held in tests
		{"wire", "rest", false, "rest stands below wire"},
		{"wire", "nowhere", false, "it has no row"},
		{"examples/x", "rest", false, ""},
		{"rest", "", false, "documentation only"},
	} {
		imported := strings.TrimSuffix(module+"/"+tc.imported, "/")
		p := listed{ImportPath: module + "/" + tc.pkg}
		if tc.inTest {
			p.XTestImports = []string{"testing", imported}
		} else {
			p.Imports = []string{"fmt", imported}
		}
		got := strings.Join(madeUp.imports(p, imports("rest")), "; ")
		if (got == "") != (tc.problem == "") || !strings.Contains(got, tc.problem) {
			t.Errorf("%s imports %s (in a test: %v): got %q, want %q", tc.pkg, tc.imported, tc.inTest, got, tc.problem)
		}
	}
}

func TestThePlanSeesContradictions(t *testing.T) {
	if got := madeUp.contradictions(); len(got) > 0 {
		t.Errorf("a sound plan: %q", got)
	}
	for problem, h := range map[string]plan{
		"which is no row":               {{"a", imports("b")}},
		"which does not stand above it": {{"a", imports("b")}, {"b", nil}},
		"row a stands twice":            {{"a", nil}, {"a", nil}},
	} {
		if got := strings.Join(h.contradictions(), "; "); !strings.Contains(got, problem) {
			t.Errorf("got %q, want %q", got, problem)
		}
	}
}

func TestLongFilesNeedAReason(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, lines int) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Repeat("//\n", lines)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/short.go", 10)
	write("a/long.go", 11)
	write("a/reasoned.go", 11)
	write("a/unreasoned.go", 11)
	write("a/long_test.go", 50)
	write("a/testdata/long.go", 50)
	write("other/go.mod", 1)
	write("other/deep/long.go", 50)

	got := strings.Join(tooLong(sources(t, dir), 10, map[string]string{
		"a/reasoned.go":   "a table",
		"a/unreasoned.go": " ",
		"a/short.go":      "was long once",
		"a/gone.go":       "a table",
	}), "\n")
	want := []string{
		"a/long.go has 11 lines, the limit is 10",
		"mayBeLonger names a/gone.go, which does not exist",
		"mayBeLonger names a/short.go, which has 10 lines",
		"mayBeLonger names a/unreasoned.go without a reason",
	}
	lines := strings.Split(got, "\n")
	if len(lines) != len(want) {
		t.Fatalf("got %d problems, want %d:\n%s", len(lines), len(want), got)
	}
	for i, w := range want {
		if !strings.HasPrefix(lines[i], w) {
			t.Errorf("got %q, want %q", lines[i], w)
		}
	}
}
