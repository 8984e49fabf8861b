package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// merged is what several files say together.
type merged struct {
	clusters map[string]entry[cluster]
	users    map[string]entry[user]
	contexts map[string]entry[kubeContext]
	current  string
	files    []string // those that were read
}

// entry remembers which file it came from: paths in it start there, and errors name it.
type entry[T any] struct {
	value T
	file  string
}

// readAll merges files in their order. Those that do not exist are left out and returned.
func readAll(paths []string) (m *merged, missing []string, err error) {
	m = &merged{
		clusters: map[string]entry[cluster]{},
		users:    map[string]entry[user]{},
		contexts: map[string]entry[kubeContext]{},
	}
	for _, path := range paths {
		f, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, path)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		m.add(f, path)
	}
	return m, missing, nil
}

// add merges one more file. What is there already stays: the first file that has an entry counts,
// entire, and the first that sets current-context.
func (m *merged) add(f *file, path string) {
	m.files = append(m.files, path)
	for _, c := range f.Clusters {
		addEntry(m.clusters, c.Name, c.Cluster, path)
	}
	for _, u := range f.Users {
		addEntry(m.users, u.Name, u.User, path)
	}
	for _, c := range f.Contexts {
		addEntry(m.contexts, c.Name, c.Context, path)
	}
	if m.current == "" {
		m.current = f.CurrentContext
	}
}

func addEntry[T any](entries map[string]entry[T], name string, value T, path string) {
	if _, there := entries[name]; !there {
		entries[name] = entry[T]{value: value, file: path}
	}
}

// empty says that the files hold nothing, so that it makes sense to look elsewhere.
func (m *merged) empty() bool {
	return len(m.clusters) == 0 && len(m.users) == 0 && len(m.contexts) == 0 && m.current == ""
}

// from names the files for an error.
func (m *merged) from() string {
	quoted := make([]string, len(m.files))
	for i, f := range m.files {
		quoted[i] = fmt.Sprintf("%q", f)
	}
	return strings.Join(quoted, ", ")
}

// names lists what there is, for an error that says that something is not.
func names[T any](what string, entries map[string]entry[T]) string {
	if len(entries) == 0 {
		return "there are no " + what
	}
	var quoted []string
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	return "there are the " + what + " " + strings.Join(quoted, ", ")
}

// resolve makes a path of the entry's file absolute; "" stays.
func (e entry[T]) resolve(path string) (string, error) {
	if path == "" || filepath.IsAbs(path) {
		return path, nil
	}
	folder, err := filepath.Abs(filepath.Dir(e.file))
	if err != nil {
		return "", fmt.Errorf("the folder of %q: %w", e.file, err)
	}
	return filepath.Join(folder, path), nil
}
