package skiff_test

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/migrating.md has every example program of other projects once, and every one of ours; what it
// names of ours exists.
func TestExampleTableIsWhole(t *testing.T) {
	_, section, found := strings.Cut(read(t, "docs/migrating.md"), "\n## Example programs\n")
	if !found {
		t.Fatal("docs/migrating.md has no section of example programs")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	theirs := map[string]int{} // by project
	seen := map[string]bool{}
	add := func(project, name string) {
		if seen[project+":"+name] {
			t.Errorf("%s:%s has two rows", project, name)
		}
		seen[project+":"+name] = true
		theirs[project]++
	}
	code := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || cells[1] == "kube-rs" {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
			add("kube-rs", m[1])
		}
		for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
			project, name, _ := strings.Cut(m[1], ":")
			add(project, name)
		}
		if ours := cells[3]; !strings.Contains(ours, "](") && !strings.HasPrefix(ours, "not yet: ") {
			t.Errorf("%q is neither a link nor a reason", ours)
		}
	}
	for project, want := range map[string]int{"kube-rs": 77, "client-go": 22, "ctrl": 48, "kubebuilder": 6} {
		if theirs[project] != want {
			t.Errorf("the table has %d programs of %s, want %d", theirs[project], project, want)
		}
	}

	for _, m := range regexp.MustCompile(`\[([a-z]+)\.(Example\w*)\]\(\.\./([^)]+)\)`).FindAllStringSubmatch(section, -1) {
		if source := read(t, m[3]); path.Base(path.Dir(m[3])) != m[1] || !strings.Contains(source, "\nfunc "+m[2]+"() {") {
			t.Errorf("%s has no %s.%s", m[3], m[1], m[2])
		}
	}
	linked := strings.Join(regexp.MustCompile(`\]\([^)]+\)`).FindAllString(section, -1), " ")
	for _, dir := range []string{"examples", "operator/examples"} {
		programs, err := filepath.Glob(dir + "/*/main.go")
		if err != nil || len(programs) == 0 {
			t.Fatalf("%s has no programs: %v", dir, err)
		}
		for _, p := range programs {
			if !strings.Contains(linked, "](../"+filepath.ToSlash(p)+")") {
				t.Errorf("the table does not link to %s", p)
			}
		}
	}
}

// README.md lists every program of the library, and a test runs each.
func TestExamplesAreListedAndRun(t *testing.T) {
	dirs, err := filepath.Glob("examples/*/main.go")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	files, err := filepath.Glob("examples/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	for _, file := range files {
		tests = append(tests, read(t, file))
	}
	readme := read(t, "README.md")
	for _, p := range dirs {
		name := filepath.Base(filepath.Dir(p))
		if !strings.Contains(readme, "(examples/"+name+"/main.go)") {
			t.Errorf("README.md does not link to examples/%s", name)
		}
		if !slices.ContainsFunc(tests, func(s string) bool { return strings.Contains(s, `"`+name+`"`) || strings.Contains(s, `"./`+name+`"`) }) {
			t.Errorf("no test runs examples/%s", name)
		}
	}
}
