// generate writes testdata: the structure of the schemas that controller-gen makes of public kinds,
// without what only markers say. It is controller-gen's own parser, which is given no markers to
// read, so that a schema follows from the Go types alone. It also writes ../testdata/marked: the whole
// definitions of ../internal/twice/marked; and ../foreign.go: what the markers of Kubernetes say.
//
//	go run ./generate
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	gencrd "sigs.k8s.io/controller-tools/pkg/crd"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"

	"github.com/skiff-k8s/skiff/crd/public/kinds"
)

func main() {
	var paths []string
	for _, k := range kinds.All {
		if !slices.Contains(paths, k.Type.PkgPath()) {
			paths = append(paths, k.Type.PkgPath())
		}
	}
	roots, err := loader.LoadRoots(paths...)
	if err != nil {
		log.Fatal(err)
	}
	parser := &gencrd.Parser{
		Collector:                  &markers.Collector{Registry: &markers.Registry{}},
		Checker:                    &loader.TypeChecker{},
		AllowDangerousTypes:        true,
		GenerateEmbeddedObjectMeta: true,
	}
	gencrd.AddKnownTypes(parser)
	byPath := map[string]*loader.Package{}
	for _, root := range roots {
		byPath[root.PkgPath] = root
		parser.NeedPackage(root)
	}
	for _, k := range kinds.All {
		ident := gencrd.TypeIdent{Package: byPath[k.Type.PkgPath()], Name: k.Type.Name()}
		parser.NeedFlattenedSchemaFor(ident)
		made := parser.FlattenedSchemata[ident]
		schema := made.DeepCopy()
		metadata := schema.Properties["metadata"]
		metadata.Properties = nil // as controller-gen does, the server knows them
		schema.Properties["metadata"] = metadata
		data, err := json.Marshal(schema)
		if err != nil {
			log.Fatal(err)
		}
		var content map[string]any
		if err := json.Unmarshal(data, &content); err != nil {
			log.Fatal(err)
		}
		name := filepath.Join("testdata", k.Name()+".txt")
		if err := os.WriteFile(name, []byte(strings.Join(kinds.Structure(content), "\n")+"\n"), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	writeModules()
	if err := foreign(filepath.Join("..", "foreign.go")); err != nil {
		log.Fatal(err)
	}
	if err := marked(filepath.Join("..", "testdata", "marked")); err != nil {
		log.Fatal(err)
	}
	for _, root := range roots {
		for _, err := range root.Errors {
			// The parser looks at types and at nothing else, so functions and variables are missing.
			if !strings.HasPrefix(err.Msg, "undefined: ") && !strings.Contains(err.Msg, "missing method") {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// writeModules writes from which modules the schemas were made, for the test that they are up to date.
func writeModules() {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		log.Fatal("the program has no build info")
	}
	var lines []string
	for _, m := range info.Deps {
		made := slices.ContainsFunc(kinds.All, func(k kinds.Kind) bool {
			return strings.HasPrefix(k.Type.PkgPath(), m.Path+"/")
		})
		if made || strings.HasPrefix(m.Path, "k8s.io/api") || strings.Contains(m.Path, "fluxcd/pkg/apis") ||
			m.Path == "sigs.k8s.io/controller-tools" {
			lines = append(lines, m.Path+" "+m.Version)
		}
	}
	err := os.WriteFile(filepath.Join("testdata", "modules.txt"), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
	if err != nil {
		log.Fatal(err)
	}
}
