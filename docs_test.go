package skiff_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The programs that README.md shows are the compiled ones, which the tests of package examples run.
func TestReadmeShowsCompiledPrograms(t *testing.T) {
	want := []string{"examples/quickstart/main.go", "examples/controller/main.go"}
	blocks := fenced(read(t, "README.md"), "go")
	if len(blocks) != len(want) {
		t.Fatalf("README.md shows %d blocks of Go code, want %d: %v", len(blocks), len(want), want)
	}
	for i, file := range want {
		if blocks[i] != read(t, file) {
			t.Errorf("README.md and %s differ: copy the file into README.md", file)
		}
	}
}

// The code that docs/testing.md shows is that of tests that run.
func TestTestingGuideShowsCompiledTests(t *testing.T) {
	var sources string
	for _, pattern := range []string{"examples/tested/*.go", "skifftest/guide_test.go", "operator/examples/webhooks/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			sources += "\n" + read(t, file)
		}
	}
	blocks := fenced(read(t, "docs/testing.md"), "go")
	if len(blocks) < 7 {
		t.Fatalf("docs/testing.md shows %d blocks of Go code: this test does not read it right", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(sources, "\n"+block) {
			t.Errorf("docs/testing.md shows what no test has:\n%s", block)
		}
	}
}

// What the documents link to exists.
func TestLinkedFilesExist(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, doc := range []string{
		"README.md", "DESIGN.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/stability.md", "docs/faults.md",
		"docs/differences.md", "docs/migrating.md", "docs/versions.md", "docs/operating.md", "docs/webhooks.md",
		"docs/testing.md",
		"addingress/README.md", "cmd/skiff/README.md",
	} {
		// Code holds brackets of its own.
		prose := regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`").ReplaceAllString(read(t, doc), "")
		links := link.FindAllStringSubmatch(prose, -1)
		if len(links) == 0 {
			t.Errorf("%s links to no file: this test does not read it right", doc)
		}
		for _, m := range links {
			file := filepath.Join(filepath.Dir(doc), filepath.FromSlash(m[1]))
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
			}
		}
	}
}

// DESIGN.md's table has the rows of the house that are built, in its order and no others.
func TestDesignNamesThePackages(t *testing.T) {
	design := read(t, "DESIGN.md")
	cell := regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\| .* \\| .* \\|$")
	var named []string
	for _, m := range cell.FindAllStringSubmatch(design, -1) {
		if !strings.HasSuffix(m[1], "/") { // those are modules
			named = append(named, m[1])
		}
	}
	var built []string
	for _, r := range house {
		if _, err := os.Stat(r.path); err == nil {
			built = append(built, r.path)
		}
	}
	if got, want := strings.Join(named, " "), strings.Join(built, " "); got != want {
		t.Errorf("the table in DESIGN.md has the packages\n\t%s\nwant those that are built, in the order of house_test.go\n\t%s", got, want)
	}
}

// What README.md tells to run with make exists.
func TestMakeTargetsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	targets := regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)").FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(targets) < 2 {
		t.Fatalf("README.md names %d make targets, want make run and make test at least", len(targets))
	}
	for _, m := range targets {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("README.md says `make %s`, and Makefile has no such target", m[1])
		}
	}
}

// fenced returns the blocks of code of a language in a Markdown document.
func fenced(doc, language string) []string {
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(doc, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
