// clientset writes the packages below clientset/ of the library: one for each group version of
// k8s.io/api, and one with all of them.
//
//	clientset DIR
//
// DIR is the root of the library's module. What is a resource, its name and its scope is read from
// package kind's table, kind/builtin.go. The verbs and the life of a resource are read from the
// markers in the source of k8s.io/api, at the version in the module's go.mod. Run it with go
// generate ./clientset after changing that version; a test compares the two.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("clientset: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: clientset DIR")
	}
	if err := write(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// write replaces the generated files of the module in dir.
func write(dir string) error {
	files, err := generate(dir)
	if err != nil {
		return err
	}
	old, err := generated(dir)
	if err != nil {
		return err
	}
	for _, path := range old {
		if _, again := files[path]; !again {
			if err := os.Remove(filepath.Join(dir, path)); err != nil {
				return err
			}
		}
	}
	for path, data := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files, by their path in the module in dir.
func generate(dir string) (map[string][]byte, error) {
	api, version, err := apiModule(dir)
	if err != nil {
		return nil, err
	}
	table, err := readTable(filepath.Join(dir, "kind", "builtin.go"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var groups []group
	for _, g := range table {
		folder, ok := strings.CutPrefix(g.path, apiPath+"/")
		if !ok {
			continue // its Go types are in a module that the library does not require
		}
		if err := g.readMarkers(filepath.Join(api, filepath.FromSlash(folder))); err != nil {
			return nil, err
		}
		groups = append(groups, g)
		name := filepath.Join("clientset", g.name(), g.name()+".go")
		if files[name], err = groupSource(g, version); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(groups) == 0 {
		return nil, fmt.Errorf("the table in %s has no group of %s", dir, apiPath)
	}
	name := filepath.Join("clientset", "all", "all.go")
	if files[name], err = allSource(groups, version); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return files, nil
}

// generated returns the paths of the generated files that are there.
func generated(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "clientset", "*", "*.go"))
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(string(data), header) {
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return nil, err
			}
			paths = append(paths, rel)
		}
	}
	slices.Sort(paths)
	return paths, nil
}
