package skifftest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// AddCRD makes the server serve the custom kinds of a CustomResourceDefinition: the path of a file of
// YAML or JSON documents, or of a folder of such files; or an object as of [Server.Put], which is no
// string. The definition is an object of the server, and is Established when AddCRD returns. A
// definition that cannot be served fails the test.
func (s *Server) AddCRD(definition any) {
	s.t.Helper()
	all := []any{definition}
	if path, ok := definition.(string); ok {
		if strings.ContainsAny(path, "{\n") {
			s.t.Fatalf("skifftest: add a CustomResourceDefinition: a string is the path of a file or folder, and %.30q… is "+
				"none: pass the JSON of a definition as []byte", path)
		}
		var err error
		if all, err = readDefinitions(path); err != nil {
			s.t.Fatalf("skifftest: add a CustomResourceDefinition: %v", err)
		}
	}
	for _, v := range all {
		o, err := toContent(v)
		if err == nil {
			err = s.api.AddDefinition(o)
		}
		if err != nil {
			s.t.Fatalf("skifftest: add a CustomResourceDefinition: %v", err)
		}
	}
}

// readDefinitions returns the definitions in a file, or in the files of a folder.
func readDefinitions(path string) ([]any, error) {
	files := []string{path}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		files = nil
		for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
			found, _ := filepath.Glob(filepath.Join(path, pattern))
			files = append(files, found...)
		}
		slices.Sort(files)
	}
	var all []any
	for _, file := range files {
		found, err := definitionsOf(file)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no CustomResourceDefinition", path)
	}
	return all, nil
}

func definitionsOf(file string) (all []any, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for d := utilyaml.NewYAMLOrJSONDecoder(bufio.NewReader(f), 4096); ; {
		var o map[string]any
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		if o["kind"] == "CustomResourceDefinition" {
			all = append(all, o)
		}
	}
}
