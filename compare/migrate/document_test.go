package migrate

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the programs into docs/migrating.md")

const document = "../../docs/migrating.md"

// covered are the packages of client-go that the document has a table for.
var covered = []string{
	"rest", "kubernetes", "dynamic", "dynamic/dynamicinformer", "discovery", "discovery/cached/disk",
	"discovery/cached/memory", "metadata", "metadata/metadatainformer", "scale", "restmapper",
	"tools/clientcmd", "tools/clientcmd/api", "tools/cache", "tools/pager", "tools/remotecommand",
	"tools/portforward", "tools/watch", "tools/record", "tools/events", "tools/reference",
	"tools/leaderelection", "tools/leaderelection/resourcelock", "util/workqueue", "util/retry",
	"util/csaupgrade", "transport", "informers",
}

// ofNote are the types whose methods and fields need rows too, by package.
var ofNote = map[string][]string{
	"rest":              {"Config", "Request", "Result"},
	"dynamic":           {"ResourceInterface"},
	"discovery":         {"DiscoveryClient"},
	"metadata":          {"ResourceInterface"},
	"tools/clientcmd":   {"ConfigOverrides", "ClientConfig"},
	"tools/cache":       {"SharedInformer", "SharedIndexInformer", "Indexer", "Store", "GenericLister"},
	"tools/pager":       {"ListPager"},
	"tools/portforward": {"PortForwarder"},
	"util/workqueue":    {"TypedInterface", "TypedDelayingInterface", "TypedRateLimitingInterface"},
	"informers":         {"SharedInformerFactory"},

	"tools/remotecommand":  {"StreamOptions"},
	"tools/leaderelection": {"LeaderElectionConfig"},
}

// foreign are packages of others that the document may name on skiff's side.
var foreign = []string{"context", "meta", "metav1", "sync"}

// declared returns what a package exports: Name, and Name.Member for methods and fields.
func declared(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no Go files: %v", dir, err)
	}
	names := map[string]bool{}
	member := func(of string, ids []*ast.Ident) {
		for _, id := range ids {
			if id.IsExported() && token.IsExported(of) {
				names[of+"."+id.Name] = true
			}
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv != nil {
					member(baseName(n.Recv.List[0].Type), []*ast.Ident{n.Name})
				} else if n.Name.IsExported() {
					names[n.Name.Name] = true
				}
				return false
			case *ast.ValueSpec:
				for _, id := range n.Names {
					if id.IsExported() {
						names[id.Name] = true
					}
				}
				return false
			case *ast.TypeSpec:
				if !n.Name.IsExported() {
					return false
				}
				names[n.Name.Name] = true
				var fields *ast.FieldList
				switch of := n.Type.(type) {
				case *ast.StructType:
					fields = of.Fields
				case *ast.InterfaceType:
					fields = of.Methods
				default:
					return false
				}
				for _, f := range fields.List {
					member(n.Name.Name, f.Names)
				}
				return false
			}
			return true
		})
	}
	return names
}

func baseName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return baseName(e.X)
	case *ast.IndexExpr:
		return baseName(e.X)
	case *ast.IndexListExpr:
		return baseName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// row is one row of a table: patterns of client-go's names, and what skiff has.
type row struct {
	line     int
	patterns []string
	ours     string
}

var (
	code    = regexp.MustCompile("`([^`]+)`")
	section = regexp.MustCompile("^### `k8s.io/client-go/([^`]+)`$")
)

// tables returns the rows of each package's table.
func tables(t *testing.T) map[string][]row {
	t.Helper()
	all := map[string][]row{}
	pkg := ""
	for i, line := range strings.Split(readFile(t, document), "\n") {
		if m := section.FindStringSubmatch(line); m != nil {
			pkg = m[1]
			if !slices.Contains(covered, pkg) {
				t.Errorf("line %d: %s is no package that this test covers", i+1, pkg)
			}
		} else if strings.HasPrefix(line, "## ") {
			pkg = ""
		}
		cells := strings.Split(line, " | ")
		if pkg == "" || !strings.HasPrefix(line, "| `") || len(cells) != 2 {
			continue
		}
		r := row{line: i + 1, ours: strings.TrimSuffix(cells[1], " |")}
		for _, m := range code.FindAllStringSubmatch(cells[0], -1) {
			r.patterns = append(r.patterns, m[1])
		}
		all[pkg] = append(all[pkg], r)
	}
	return all
}

// Everything that the covered packages of client-go export has a row, and every pattern of a row
// matches something.
func TestDocumentCoversClientGo(t *testing.T) {
	root := strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/client-go"))
	if !strings.HasSuffix(root, "@v0.37.2") {
		t.Fatalf("client-go is in %s, and the document is about v0.37.2", root)
	}
	rows := tables(t)
	count := 0
	for _, pkg := range covered {
		names := declared(t, filepath.Join(root, filepath.FromSlash(pkg)))
		count += len(names)
		matched := map[string]bool{}  // the names
		byMember := map[string]bool{} // the names that a pattern with a point matches
		for _, r := range rows[pkg] {
			for _, pattern := range r.patterns {
				hit := false
				for name := range names {
					if ok, err := path.Match(pattern, name); err != nil {
						t.Fatal(err)
					} else if ok {
						hit, matched[name] = true, true
						byMember[name] = byMember[name] || strings.Contains(pattern, ".")
					}
				}
				if !hit {
					t.Errorf("line %d: %s exports nothing that is called %s", r.line, pkg, pattern)
				}
			}
			if r.ours == "" {
				t.Errorf("line %d says nothing of skiff", r.line)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			of, _, isMember := strings.Cut(name, ".")
			switch {
			case !isMember && !matched[name]:
				t.Errorf("%s.%s has no row", pkg, name)
			case isMember && slices.Contains(ofNote[pkg], of) && !byMember[name]:
				t.Errorf("%s.%s has no row", pkg, name)
			}
		}
	}
	if count < 1000 {
		t.Errorf("the packages of client-go export %d names: this test did not look at them", count)
	}
}

// What the document names of skiff exists.
func TestDocumentNamesWhatSkiffHas(t *testing.T) {
	dirs := map[string]string{}
	for _, dir := range []string{"client", "client/wait", "clientset", "clientset/corev1", "controller", "discovery",
		"dynamic", "election", "events", "finalizer", "informer", "kind", "kubeconfig", "kubeconfig/edit", "kubeconfig/oidc", "remote", "rest", "controlplane",
		"faults", "store", "wire", "wire/fieldpath", "workqueue"} {
		dirs[path.Base(dir)] = dir
	}
	known := map[string]map[string]bool{}
	name := regexp.MustCompile(`\b([a-z][a-z0-9]*)\.([A-Z][A-Za-z0-9]*(?:\.[A-Z][A-Za-z0-9]*)?)`)
	checked := 0
	check := func(line int, text string) {
		for _, span := range code.FindAllStringSubmatch(text, -1) {
			for _, m := range name.FindAllStringSubmatch(span[1], -1) {
				pkg, id := m[1], m[2]
				dir, ours := dirs[pkg]
				if !ours {
					if !slices.Contains(foreign, pkg) {
						t.Errorf("line %d: %s is no package that the document may name", line, pkg)
					}
					continue
				}
				if known[pkg] == nil {
					known[pkg] = declared(t, filepath.Join("../..", filepath.FromSlash(dir)))
				}
				checked++
				if !known[pkg][id] {
					t.Errorf("line %d: %s has no %s", line, dir, id)
				}
			}
		}
	}
	for _, rows := range tables(t) {
		for _, r := range rows {
			check(r.line, r.ours)
		}
	}
	if checked < 100 {
		t.Errorf("%d names were checked: this test did not read the tables", checked)
	}
}

// The programs in the document are the compiled ones, and each compiled one is there. Run with
// -update to write them into it.
func TestDocumentQuotesThePrograms(t *testing.T) {
	text := readFile(t, document)
	quote := regexp.MustCompile("(?s)<!-- ([a-z]+/[a-z]+\\.go) -->\n```go\n(.*?)```\n")
	quoted := map[string]bool{}
	after := quote.ReplaceAllStringFunc(text, func(block string) string {
		m := quote.FindStringSubmatch(block)
		quoted[m[1]] = true
		want := body(readFile(t, m[1]))
		if m[2] != want && !*update {
			t.Errorf("the document shows another %s than there is: run go test -update", m[1])
		}
		return fmt.Sprintf("<!-- %s -->\n```go\n%s```\n", m[1], want)
	})
	if *update && after != text {
		if err := os.WriteFile(document, []byte(after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("*/*.go")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d programs, %v", len(files), err)
	}
	for _, file := range files {
		if !quoted[filepath.ToSlash(file)] {
			t.Errorf("the document does not show %s", file)
		}
	}
}

// body returns a file without its package clause and imports.
func body(source string) string {
	_, after, _ := strings.Cut(source, "\n)\n\n")
	return after
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}
