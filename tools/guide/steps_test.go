package guide

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestABlockIsWhatItsWordsSay(t *testing.T) {
	steps, err := parse(strings.ReplaceAll("# A guide\n\n'''go a.go\npackage a\n'''\ntext\n'''yaml deploy/x.yaml\nx: 1\n'''\n"+
		"'''sh\necho\n'''\n'''text\nout\n'''\n'''sh background until=\"it is up\"\nserve\n'''\n'''sh unrun because=\"no engine\"\nbuild\n'''\n"+
		"'''dockerfile Dockerfile.x\nFROM\n'''\n", "'''", "```"))
	if err != nil {
		t.Fatal(err)
	}
	want := []step{
		{line: 3, file: "a.go", text: "package a\n"},
		{line: 7, file: "deploy/x.yaml", text: "x: 1\n"},
		{line: 10, commands: true, text: "echo\n"},
		{line: 13, text: "out\n"},
		{line: 16, commands: true, background: "it is up", text: "serve\n"},
		{line: 19, commands: true, unrun: "no engine", text: "build\n"},
		{line: 22, file: "Dockerfile.x", text: "FROM\n"},
	}
	if !reflect.DeepEqual(steps, want) {
		t.Errorf("got  %+v\nwant %+v", steps, want)
	}
	for guide, problem := range map[string]string{
		"'''go\nx\n'''\n":                 "a block of \"go\" has no name",
		"'''go a.go\nx\n":                 "has no end",
		"'''sh background\nx\n'''\n":      "no value in quotes",
		"'''sh unrun because=x\nx\n'''\n": "no value in quotes",
		"'''sh loudly\nx\n'''\n":          "says nothing",
	} {
		if _, err := parse(strings.ReplaceAll(guide, "'''", "```")); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: error %v, want one with %q", guide, err, problem)
		}
	}
}

// What a proxy serves of a module requires the other modules as they are released, and no folder.
func TestAReleasedModuleStandsAlone(t *testing.T) {
	mod, err := released([]byte("module github.com/skiff-k8s/skiff/operator\n\ngo 1.26.0\n\nrequire (\n"+
		"\tgithub.com/skiff-k8s/skiff v0.0.0\n\tk8s.io/api v0.37.2\n)\n\nreplace github.com/skiff-k8s/skiff => ../\n\n"+
		"replace k8s.io/x => k8s.io/x v1.0.0\n"), "v0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	text := string(mod)
	for _, part := range []string{"github.com/skiff-k8s/skiff v0.0.1", "k8s.io/api v0.37.2", "replace k8s.io/x => k8s.io/x v1.0.0"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if strings.Contains(text, "../") || strings.Contains(text, "v0.0.0") {
		t.Errorf("it names a folder, or what is no version:\n%s", text)
	}
}

func TestEachModuleIsPublishedWithoutThoseWithin(t *testing.T) {
	proxy := t.TempDir()
	version, err := publish("../..", proxy)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range modules {
		folder := filepath.Join(proxy, filepath.FromSlash(library), dir, "@v")
		for _, name := range []string{"list", version + ".info", version + ".mod", version + ".zip"} {
			if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
				t.Error(err)
			}
		}
	}
	archive, err := os.ReadFile(filepath.Join(proxy, filepath.FromSlash(library), "@v", version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	name := library + "@" + version + "/"
	if !strings.Contains(string(archive), name+"informer/informer.go") {
		t.Error("the library's archive lacks informer/informer.go")
	}
	if strings.Contains(string(archive), name+"operator/") {
		t.Error("the library's archive has the module operator")
	}
}
