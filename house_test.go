package skiff_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/skiff-k8s/skiff"

// house is the architecture as a table: the packages of the library module from the bottom up, and
// the packages of ours that each may import. A package belongs to the row with the longest path that
// is its own or a folder above it: rest/internal/x belongs to rest, wire/fieldpath to a row of its own
// where there is one.
//
// DESIGN.md tells why each stands where it does. To move an arrow is a decision about the
// architecture: change the two together.
var house = plan{
	{"kind", nil},
	{"internal/jsonfields", nil}, // encoding/json's field rules
	{"wire/internal/scan", nil},
	{"wire/internal/message", nil}, // which Go types have a protobuf form
	{"wire/fieldpath", imports("internal/jsonfields", "wire/internal/scan", "wire/internal/message")},
	{"wire", imports("wire/internal/scan", "wire/internal/message", "wire/fieldpath")},
	{"internal/ctxerr", nil},
	{"internal/handlers", nil}, // the end of a server's handlers
	{"internal/apipath", nil},
	{"internal/storage", nil}, // objects of an API server in memory
	{"faults", imports("kind", "internal/handlers", "internal/apipath", "internal/storage")},
	{"internal/list", nil},
	{"workqueue", imports("internal/list")},
	{"internal/files", nil}, // kubeconfigs, tokens, PEM
	{"rest", imports("kind", "wire", "internal/ctxerr", "internal/files")},
	{"kubeconfig", imports("internal/files", "rest")},
	{"kubeconfig/edit", imports("internal/files")},
	{"kubeconfig/oidc", imports("rest", "kubeconfig", "kubeconfig/edit")},
	{"internal/verbs", imports("kind", "wire", "internal/ctxerr", "rest")}, // what client and dynamic have in common
	{"internal/overlay", imports("internal/jsonfields")},                   // changes of what a Go type knows, laid over JSON
	{"client", imports("internal/jsonfields", "kind", "wire/fieldpath", "wire", "internal/ctxerr", "rest", "internal/verbs",
		"internal/overlay")},
	{"client/wait", imports("client")}, // conditions of Client.WaitFor
	{"discovery", imports("kind", "wire", "internal/ctxerr", "rest")},
	{"dynamic", imports("kind", "wire", "internal/ctxerr", "rest", "internal/verbs")},
	{"remote", imports("kind", "wire", "internal/ctxerr", "rest")},
	{"clientset", imports("kind", "wire", "rest", "client", "discovery")},
	{"pack", nil},
	{"store", imports("wire", "pack")},
	{"informer", imports("kind", "wire/fieldpath", "wire", "internal/ctxerr", "rest", "store")},
	{"controller", imports("kind", "wire", "rest", "store", "client", "informer", "workqueue")},
	{"internal/leaders", nil}, // who led and who wrote, by an audit log: for tests of elections
	{"election", imports("rest", "client")},
	{"finalizer", imports("kind", "client", "controller")},
	{"events", imports("kind", "rest", "client", "workqueue")},
	{"controlplane", imports("kubeconfig", "rest", "discovery", "dynamic")},
	{"examples", everyRowAbove},
}

// heldInTests are the rows that a test may import, beside every row above its package's own: a test
// of anything that crosses the API runs on the real control plane, and meets the faults of one.
var heldInTests = imports("faults", "controlplane", "kubeconfig", "rest", "internal/leaders")

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
	".":                   24,  // what a user of the library takes in
	"addingress":          36,  // the library, the frame of an operator, and what they need, no more
	"cmd/skiff":           30,  // the library; a command line library, its flags and its Windows helper; the terminal
	"crd":                 24,  // the library's own
	"crd/public":          48,  // the types of public operators, and controller-gen, to compare with it
	"skifftest":           48,  // the library; apimachinery's patches and field managers, which link OpenAPI and protobuf
	"operator":            32,  // the library; Prometheus' client with protobuf and what reads a process's figures
	"operator/browser":    40,  // that, and a driver of Chromium
	"operator/monitoring": 44,  // that, and Prometheus' engine, to evaluate alert rules and a dashboard
	"tools":               8,   // staticcheck
	"devcluster":          170, // Kubernetes and etcd themselves
	"bench":               68,  // client-go and controller-runtime with its zap, to measure beside them
	"compare":             60,  // client-go, to compare with it
}

// maxLines is how long a file of the library may be, tests excepted. A longer one tells two ideas.
const maxLines = 400

// mayBeLonger are the files that are longer, each with the reason.
var mayBeLonger = map[string]string{}

// Every import of ours points to a row above the importer's own, and is one that the row allows.
func TestImportsGoUpward(t *testing.T) {
	for _, p := range goList(t, "-e", "./...") {
		for _, problem := range house.imports(p, heldInTests) {
			t.Error(problem)
		}
	}
}

// Every package belongs to a row, and every row names only rows above itself, so that the table
// cannot contradict its order.
func TestEveryPackageHasARow(t *testing.T) {
	for _, p := range goList(t, "-e", "./...") {
		if p.ImportPath != module && house.rowOf(p.ImportPath) < 0 {
			t.Errorf("%s has no row in the house: give it one in house_test.go and in DESIGN.md", short(p.ImportPath))
		}
	}
	for _, problem := range house.contradictions() {
		t.Error(problem)
	}
}

// No file of the library is longer than maxLines, tests excepted, unless mayBeLonger gives a reason.
func TestFilesTellOneIdea(t *testing.T) {
	files := sources(t, ".")
	if len(files) < 100 {
		t.Fatalf("found only %d source files: this test did not look at the library", len(files))
	}
	for _, problem := range tooLong(files, maxLines, mayBeLonger) {
		t.Error(problem)
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
	files := []string{"go.mod"}
	for _, pattern := range []string{"*/go.mod", "*/*/go.mod"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		dir := filepath.ToSlash(filepath.Dir(file))
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

func short(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

// listed is a package as go list describes it, the fields that are used.
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
			t.Fatalf("read the output of go list: %v", err)
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
		t.Fatalf("read the output of go mod edit in %s: %v", dir, err)
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
