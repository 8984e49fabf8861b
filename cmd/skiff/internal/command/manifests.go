package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/dynamic"
)

// manifests are files of objects.
type manifests struct {
	files     []string
	recursive bool
}

func (m *manifests) flags(set *pflag.FlagSet) {
	set.StringSliceVarP(&m.files, "filename", "f", nil,
		"`files` of objects, YAML or JSON; folders; or - for standard input")
	set.BoolVarP(&m.recursive, "recursive", "R", false, "folders of --filename with all below them")
}

// check finds mistakes on the command line.
func (m *manifests) check() error {
	stdin := 0
	for _, file := range m.files {
		switch {
		case file == "":
			return cli.Usagef("--filename: a name is empty")
		case strings.HasPrefix(file, "http://"), strings.HasPrefix(file, "https://"):
			return cli.Usagef("--filename %q: skiff loads no URL; look at it first: "+
				"curl -fsSLO %s", file, file)
		case file == "-":
			stdin++
		}
	}
	if stdin > 1 {
		return cli.Usagef("--filename: there is one standard input (-)")
	}
	return nil
}

// names of files that are read in a folder.
var manifestNames = []string{".yaml", ".yml", ".json"}

// paths returns the files, those of folders in the order of their names.
func (m *manifests) paths() ([]string, error) {
	var all []string
	for _, file := range m.files {
		if file == "-" {
			all = append(all, file)
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			all = append(all, file)
			continue
		}
		before := len(all)
		err = filepath.WalkDir(file, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && path != file && !m.recursive:
				return fs.SkipDir
			case !d.IsDir() && slices.Contains(manifestNames, filepath.Ext(path)):
				all = append(all, path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(all) == before {
			return nil, fmt.Errorf("read the folder %q: it has no file of %s", file,
				strings.Join(manifestNames, ", "))
		}
	}
	return all, nil
}

// objects returns an iterator over the objects of the files. An error names the file.
func (m *manifests) objects(f *cli.Factory) iter.Seq2[*unstructured.Unstructured, error] {
	return func(yield func(*unstructured.Unstructured, error) bool) {
		paths, err := m.paths()
		if err != nil {
			yield(nil, err)
			return
		}
		count := 0
		for _, path := range paths {
			for u, err := range fileObjects(f, path) {
				if err != nil {
					yield(nil, fmt.Errorf("read %s: %w", cmp.Or(quoted(path), "standard input"), err))
					return
				}
				if count++; !yield(u, nil) {
					return
				}
			}
		}
		if count == 0 {
			yield(nil, fmt.Errorf("read %s: there is no object", strings.Join(m.files, ", ")))
		}
	}
}

func quoted(path string) string {
	if path == "-" {
		return ""
	}
	return fmt.Sprintf("%q", path)
}

func fileObjects(f *cli.Factory, path string) iter.Seq2[*unstructured.Unstructured, error] {
	return func(yield func(*unstructured.Unstructured, error) bool) {
		var in io.Reader = f.In
		if path != "-" {
			file, err := os.Open(path)
			if err != nil {
				yield(nil, err)
				return
			}
			defer file.Close()
			in = file
		}
		dynamic.Decode(in)(yield)
	}
}

// targets returns the objects of the files as a command names them: their resource, namespace and
// name.
func (m *manifests) targets(ctx context.Context, f *cli.Factory) ([]target, error) {
	var all []target
	for u, err := range m.objects(f) {
		if err != nil {
			return nil, err
		}
		r, err := f.ResourceOfKind(ctx, u.GroupVersionKind())
		if err != nil {
			return nil, err
		}
		t := target{object: object{resource: r, name: u.GetName()}}
		if t.name == "" {
			return nil, fmt.Errorf("read a %s of the files: it has no metadata.name", u.GetKind())
		}
		if r.Info.Namespaced {
			if t.namespace, err = namespaceOf(f, u); err != nil {
				return nil, err
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// namespaceOf returns the namespace of a namespaced object: its own, or else the one that is chosen. If
// --namespace names another one, it is an error.
func namespaceOf(f *cli.Factory, u *unstructured.Unstructured) (string, error) {
	namespace, chosen, err := f.Namespace()
	if err != nil {
		return "", err
	}
	own := u.GetNamespace()
	if chosen && own != "" && own != namespace {
		return "", fmt.Errorf("%s %q has the namespace %q, and --namespace is %q: they must be the same",
			u.GetKind(), u.GetName(), own, namespace)
	}
	return cmp.Or(own, namespace), nil
}
