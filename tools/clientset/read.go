package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const apiPath = "k8s.io/api"

// group is a group version: the resources of one Go package of k8s.io/api.
type group struct {
	path, group, version string
	resources            []resource
}

type resource struct {
	kind, plural string
	namespaced   bool

	createOnly          bool   // the server answers and keeps nothing
	deprecated, removed string // the version of Kubernetes, such as 1.16
	replacement         string // apps/v1 Deployment
	refused             bool   // staticcheck refuses the type outside of what is deprecated itself
}

// name is the name of the group version's package: corev1, appsv1beta2.
func (g group) name() string { return strings.ReplaceAll(strings.TrimPrefix(g.path, apiPath), "/", "") }

// method is the name of the group version among all: CoreV1, RbacV1beta1. It is client-go's.
func (g group) method() string {
	first, _, _ := strings.Cut(cmp.Or(g.group, "core"), ".")
	return title(first) + title(g.version)
}

func (g group) String() string {
	return cmp.Or(g.group, "core") + "/" + g.version
}

// method is the plural of the kind: NetworkPolicies of a NetworkPolicy.
func (r resource) method() string {
	n := 0
	for n < len(r.kind) && n < len(r.plural) && strings.ToLower(r.kind[n:n+1]) == r.plural[n:n+1] {
		n++
	}
	return r.kind[:n] + r.plural[n:]
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// apiModule finds the source of k8s.io/api that the module in dir requires.
func apiModule(dir string) (api, version string, err error) {
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", apiPath)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", "", fmt.Errorf("go list -m %s: %w", apiPath, err)
	}
	fields := strings.Fields(string(out))
	if len(fields) != 2 {
		return "", "", fmt.Errorf("the source of %s is not in the module cache: run go mod download", apiPath)
	}
	return fields[0], fields[1], nil
}

// readTable reads the composite literal of package kind's table.
func readTable(file string) ([]group, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var groups []group
	for _, decl := range f.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.VAR {
			continue
		}
		for _, p := range elements(d.Specs[0].(*ast.ValueSpec).Values[0]) {
			fields := elements(p)
			g := group{path: text(fields[0]), group: text(fields[1]), version: text(fields[2])}
			for _, e := range elements(fields[3]) {
				kind := elements(e)
				g.resources = append(g.resources, resource{kind: text(kind[0]), plural: text(kind[1]),
					namespaced: kind[2].(*ast.Ident).Name == "namespaced"})
			}
			groups = append(groups, g)
		}
	}
	return groups, nil
}

func elements(e ast.Expr) []ast.Expr { return e.(*ast.CompositeLit).Elts }

func text(e ast.Expr) string {
	s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		panic(err) // the parser has read it
	}
	return s
}

// readMarkers adds what the source in a folder says of the types.
func (g *group) readMarkers(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return err
	}
	types := map[string][]string{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for i, decl := range f.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				continue
			}
			begin := f.Name.End()
			if i > 0 {
				begin = f.Decls[i-1].End()
			}
			types[d.Specs[0].(*ast.TypeSpec).Name.Name] = comments(f, begin, d.Pos())
		}
	}
	for i := range g.resources {
		r := &g.resources[i]
		lines, ok := types[r.kind]
		if !ok {
			return fmt.Errorf("%s has no type %s", g.path, r.kind)
		}
		r.read(lines)
	}
	return nil
}

// comments returns the lines of comment between two places. A marker may stand in a comment of its
// own, which a blank line keeps apart from the type's.
func comments(f *ast.File, begin, end token.Pos) []string {
	var lines []string
	for _, c := range f.Comments {
		if c.Pos() > begin && c.End() < end {
			for _, line := range c.List {
				lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line.Text, "//")))
			}
		}
	}
	return lines
}

// since finds the version in a comment: Deprecated: This API is deprecated in v1.33+.
var since = regexp.MustCompile(`deprecated in v(\d+\.\d+)`)

func (r *resource) read(lines []string) {
	r.createOnly = r.kind == "Binding"
	for _, line := range lines {
		if strings.HasPrefix(line, "Deprecated: ") {
			r.refused = true
			if m := since.FindStringSubmatch(line); m != nil {
				r.deprecated = m[1]
			}
		}
		if line == "+genclient:onlyVerbs=create" {
			r.createOnly = true
		}
		marker, ok := strings.CutPrefix(line, "+k8s:prerelease-lifecycle-gen:")
		if !ok {
			continue
		}
		switch key, value, _ := strings.Cut(marker, "="); key {
		case "deprecated":
			r.deprecated = value
		case "removed":
			r.removed = value
		case "replacement":
			if parts := strings.Split(value, ","); len(parts) == 3 {
				r.replacement = strings.TrimPrefix(parts[0]+"/", "core/") + parts[1] + " " + parts[2]
			}
		}
	}
}
