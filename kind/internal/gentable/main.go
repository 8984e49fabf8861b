// Command gentable writes the table of built-in kinds to the file named by its argument. It reads
// the source of k8s.io/api at the version in go.mod. After changing that version, run it with go
// generate ./kind; a test compares the two.
//
// The facts are the markers from which Kubernetes generates its own clients: a type marked
// +genclient is a resource, +genclient:nonNamespaced makes it cluster-scoped, and
// +genclient:noVerbs makes it no resource. The package's GroupName and its folder are the group and
// version. The facts without a marker (the plural of a kind, a few resources) are in plural and
// unmarked below. The test that compares the table with the discovery of a real API server proves
// them right.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// pkg is one group version: the types of one Go package.
type pkg struct {
	path, group, version string
	kinds                []resource
}

type resource struct {
	kind, plural string
	namespaced   bool
}

// unmarked are the resources whose types carry no +genclient marker.
var unmarked = map[string]resource{
	"k8s.io/api/core/v1": {"Binding", "bindings", true}, // create only; made by schedulers
}

// elsewhere are the built-in kinds whose types are not in k8s.io/api, which go.mod does not require.
var elsewhere = []pkg{
	{"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "apiextensions.k8s.io", "v1",
		[]resource{{"CustomResourceDefinition", "customresourcedefinitions", false}}},
	{"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1", "apiregistration.k8s.io", "v1",
		[]resource{{"APIService", "apiservices", false}}},
}

// plural is the English that resource names are made with.
func plural(kind string) string {
	s := strings.ToLower(kind)
	switch {
	case s == "endpoints":
		return s
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"), strings.HasSuffix(s, "ch"), strings.HasSuffix(s, "sh"):
		return s + "es"
	case strings.HasSuffix(s, "y") && !strings.ContainsRune("aeiou", rune(s[len(s)-2])):
		return s[:len(s)-1] + "ies"
	}
	return s + "s"
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("gentable: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: gentable FILE")
	}
	module, version := apiModule()
	folders, err := filepath.Glob(filepath.Join(module, "*", "v*"))
	if err != nil {
		log.Fatal(err)
	}
	table := slices.Clone(elsewhere)
	for _, folder := range folders {
		rel, err := filepath.Rel(module, folder)
		if err != nil {
			log.Fatal(err)
		}
		p := read(folder, "k8s.io/api/"+filepath.ToSlash(rel))
		if len(p.kinds) == 0 {
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, "generated.pb.go")); err != nil {
			log.Fatalf("%s has no protobuf, the table says it has: %v", p.path, err)
		}
		table = append(table, p)
	}
	slices.SortFunc(table, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	if err := os.WriteFile(os.Args[1], source(table, version), 0o644); err != nil {
		log.Fatal(err)
	}
}

// apiModule finds the source of k8s.io/api.
func apiModule() (dir, version string) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", "k8s.io/api").Output()
	if err != nil {
		log.Fatalf("go list -m k8s.io/api: %v", err)
	}
	fields := strings.Fields(string(out))
	if len(fields) != 2 {
		log.Fatalf("the source of k8s.io/api is not in the module cache: run go mod download k8s.io/api")
	}
	return fields[0], fields[1]
}

// read finds the resources among the types of one package.
func read(folder, path string) pkg {
	p := pkg{path: path, version: filepath.Base(folder)}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		log.Fatal(err)
	}
	named := false
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			log.Fatal(err)
		}
		for _, decl := range f.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.ValueSpec:
					if d.Tok == token.CONST && s.Names[0].Name == "GroupName" {
						if p.group, err = strconv.Unquote(s.Values[0].(*ast.BasicLit).Value); err != nil {
							log.Fatal(err)
						}
						named = true
					}
				case *ast.TypeSpec:
					if r, ok := marked(s.Name.Name, markers(f, d)); ok {
						p.kinds = append(p.kinds, r)
					} else if r := unmarked[path]; r.kind == s.Name.Name {
						p.kinds = append(p.kinds, r)
					}
				}
			}
		}
	}
	if len(p.kinds) > 0 && !named {
		log.Fatalf("%s has resources and no GroupName", path)
	}
	slices.SortFunc(p.kinds, func(a, b resource) int { return strings.Compare(a.kind, b.kind) })
	return p
}

// markers returns the lines of comment before a declaration. A marker may stand in a comment of its
// own, which a blank line keeps apart from the type's documentation.
func markers(f *ast.File, d *ast.GenDecl) map[string]bool {
	begin := token.Pos(0)
	for _, other := range f.Decls {
		if other.End() < d.Pos() && other.End() > begin {
			begin = other.End()
		}
	}
	lines := map[string]bool{}
	for _, group := range f.Comments {
		if group.Pos() > begin && group.End() < d.Pos() {
			for _, c := range group.List {
				lines[strings.TrimSpace(strings.TrimPrefix(c.Text, "//"))] = true
			}
		}
	}
	return lines
}

func marked(name string, lines map[string]bool) (resource, bool) {
	if !lines["+genclient"] || lines["+genclient:noVerbs"] {
		return resource{}, false
	}
	return resource{kind: name, plural: plural(name), namespaced: !lines["+genclient:nonNamespaced"]}, true
}

func source(table []pkg, version string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by gentable from k8s.io/api %s; DO NOT EDIT.\n\npackage kind\n\n", version)
	b.WriteString("// builtins are the kinds built into Kubernetes, by the package of their Go types, sorted by path.\n")
	b.WriteString("var builtins = [...]pkg{\n")
	for _, p := range table {
		fmt.Fprintf(&b, "{%q, %q, %q, []entry{\n", p.path, p.group, p.version)
		for _, r := range p.kinds {
			scope := "cluster"
			if r.namespaced {
				scope = "namespaced"
			}
			fmt.Fprintf(&b, "{%q, %q, %s},\n", r.kind, r.plural, scope)
		}
		b.WriteString("}},\n")
	}
	b.WriteString("}\n")
	out, err := format.Source(b.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	return out
}
