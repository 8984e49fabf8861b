package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// merged holds the entries of several files.
type merged struct {
	clusters map[string]entry[*cluster]
	users    map[string]entry[*user]
	contexts map[string]entry[*kubeContext]
	current  string
	sources  []source // of the files that were read
}

// source is the origin of an entry.
type source struct {
	name string // for errors: the file's path in quotes
	dir  string // relative paths of the entry are relative to this folder
	path string // absolute, or relative to the working directory; "" if it is no file
}

func fileSource(path string) source {
	return source{name: fmt.Sprintf("%q", path), dir: filepath.Dir(path), path: path}
}

type entry[T any] struct {
	value T
	from  source
}

func newMerged() *merged {
	return &merged{
		clusters: map[string]entry[*cluster]{},
		users:    map[string]entry[*user]{},
		contexts: map[string]entry[*kubeContext]{},
	}
}

// readAll merges files in their order. It skips files that do not exist, and returns their paths.
func readAll(paths []string) (m *merged, missing []string, err error) {
	m = newMerged()
	for _, path := range paths {
		f, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, path)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		m.add(f, fileSource(path))
	}
	return m, missing, nil
}

// add merges one more file. Entries that m has stay as they are, entire, and so does
// current-context. Source: Kubernetes documentation, "Merging kubeconfig files".
func (m *merged) add(f *file, from source) {
	m.sources = append(m.sources, from)
	for _, c := range f.Clusters {
		addEntry(m.clusters, c.Name, &c.Cluster, from)
	}
	for _, u := range f.Users {
		addEntry(m.users, u.Name, &u.User, from)
	}
	for _, c := range f.Contexts {
		addEntry(m.contexts, c.Name, &c.Context, from)
	}
	if m.current == "" {
		m.current = f.CurrentContext
	}
}

func addEntry[T any](entries map[string]entry[T], name string, value T, from source) {
	if _, there := entries[name]; !there {
		entries[name] = entry[T]{value: value, from: from}
	}
}

// empty reports whether the files hold no entry, so that the next place is tried.
func (m *merged) empty() bool {
	return len(m.clusters) == 0 && len(m.users) == 0 && len(m.contexts) == 0 && m.current == ""
}

// origin names the files, for an error.
func (m *merged) origin() string {
	names := make([]string, len(m.sources))
	for i, from := range m.sources {
		names[i] = from.name
	}
	return strings.Join(names, ", ")
}

// names lists the entries that exist, for an error about one that does not.
func names[T any](what string, entries map[string]entry[T]) string {
	if len(entries) == 0 {
		return "there are no " + what
	}
	var quoted []string
	for name := range entries {
		quoted = append(quoted, strconv.Quote(name))
	}
	slices.SortFunc(quoted, strings.Compare)
	return "there are the " + what + " " + strings.Join(quoted, ", ")
}

// resolve makes a path of an entry absolute, so that it does not depend on the working directory
// later. "" stays "".
func (from source) resolve(path string) (string, error) {
	if path == "" || filepath.IsAbs(path) {
		return path, nil
	}
	dir, err := filepath.Abs(from.dir)
	if err != nil {
		return "", fmt.Errorf("find the folder of %s: %w", from.name, err)
	}
	return filepath.Join(dir, path), nil
}
