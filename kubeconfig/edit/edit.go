package edit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v2"
)

// Kind is the kind of an entry.
type Kind uint8

// The kinds of entries.
const (
	Cluster Kind = iota
	User
	Context
)

// String returns the name of the kind: "cluster", "user" or "context".
func (k Kind) String() string {
	switch k {
	case Cluster:
		return "cluster"
	case User:
		return "user"
	case Context:
		return "context"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

func (k Kind) list() string { return k.String() + "s" }

// ErrNotFound is the cause of an error about an entry that no file has.
var ErrNotFound = errors.New("there is none")

// Modify locks the files that path names (see the package's comment; "" means the default ones), reads
// them, calls f, and writes those that f has changed. If f returns an error, nothing is written, and
// Modify returns that error. ctx ends the wait for locks.
//
// If several files change, they are written one after the other. An error of the second leaves the
// first one changed.
func Modify(ctx context.Context, path string, f func(*Config) error) (err error) {
	paths, fresh, err := locate(path)
	if err != nil {
		return fmt.Errorf("edit the kubeconfig: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("edit the kubeconfig: %w", err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(fresh), 0o700); err != nil {
		return err
	}
	var present []string // what has no folder cannot be read, and is not written
	for _, p := range paths {
		if _, err := os.Stat(filepath.Dir(p)); err == nil {
			present = append(present, p)
		}
	}
	unlock, err := lock(ctx, present)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	c, err := read(present, fresh)
	if err != nil {
		return err
	}
	if err := f(c); err != nil {
		return err
	}
	return c.write()
}

// Config is the content of one or more kubeconfig files while Modify runs. It is not safe for
// concurrent use, and not to be used after f has returned.
type Config struct {
	files []*file
	fresh *file // for new entries
}

// locate returns the files to edit, and the one for new entries.
func locate(path string) (paths []string, fresh string, err error) {
	if path != "" {
		return []string{path}, path, nil
	}
	for _, p := range filepath.SplitList(os.Getenv("KUBECONFIG")) {
		if p != "" && !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, "", errors.New("there is no home directory: name a file, or set KUBECONFIG")
		}
		paths = []string{filepath.Join(home, ".kube", "config")}
	}
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return paths, p, nil
		}
	}
	return paths, paths[len(paths)-1], nil
}

func read(paths []string, fresh string) (*Config, error) {
	c := &Config{}
	for _, path := range paths {
		f, err := readFile(path)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, f)
		if path == fresh {
			c.fresh = f
		}
	}
	return c, nil
}

func (c *Config) write() error {
	for _, f := range c.files {
		if len(f.content) == 0 {
			continue // it was empty, and still is
		}
		data, differs, err := f.encode()
		if err == nil && !differs {
			continue
		}
		if _, there := field(f.content, "kind"); err == nil && !there {
			head := yaml.MapSlice{{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "Config"}}
			f.content = append(head, setField(f.content, "apiVersion", nil)...)
			data, _, err = f.encode()
		}
		if err != nil {
			return fmt.Errorf("write %q: encode it: %w", f.path, err)
		}
		if err := f.write(data); err != nil {
			return err
		}
	}
	return nil
}

// find returns the first file that has an entry, and the entry.
func (c *Config) find(k Kind, name string) (*file, entry, bool) {
	for _, f := range c.files {
		list, _ := entriesOf(f.content, k) // decode has checked it
		for _, e := range list {
			if e.name == name {
				return f, e, true
			}
		}
	}
	return nil, entry{}, false
}

// Names returns the names of all entries of a kind, in the order of the files, each once.
func (c *Config) Names(k Kind) []string {
	var names []string
	for _, f := range c.files {
		list, _ := entriesOf(f.content, k)
		for _, e := range list {
			if !slices.Contains(names, e.name) {
				names = append(names, e.name)
			}
		}
	}
	return names
}

// Current returns the current-context, or "" if none is set.
func (c *Config) Current() string {
	for _, f := range c.files {
		if name := text(f.content, "current-context"); name != "" {
			return name
		}
	}
	return ""
}

// Set sets fields of an entry, and makes the entry if there is none. The fields have the names that
// they have in a file, such as "server" or "client-key-data", and values that YAML can say: strings,
// numbers, bools, lists and maps with string keys. nil removes a field. A value of a field that
// kubectl knows must be of its type. Other fields of the entry stay as they are.
func (c *Config) Set(k Kind, name string, fields map[string]any) error {
	if k > Context || name == "" {
		return fmt.Errorf("set the %s %q: it needs a kind and a name", k, name)
	}
	for key, value := range fields {
		if err := checkField(key, value); err != nil {
			return fmt.Errorf("set the %s %q: %w", k, name, err)
		}
	}
	f, e, found := c.find(k, name)
	if !found {
		f, e = c.fresh, entry{name: name, whole: yaml.MapSlice{{Key: "name", Value: name}}}
	}
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	body := slices.Clone(e.body)
	for _, key := range keys {
		body = setField(body, key, fields[key])
	}
	if body == nil {
		body = yaml.MapSlice{}
	}
	f.put(k, entry{name: name, whole: setField(slices.Clone(e.whole), k.String(), body)}, name)
	return nil
}

// put replaces the entry of an old name, or adds one.
func (f *file) put(k Kind, e entry, old string) {
	value, _ := field(f.content, k.list())
	list, _ := value.([]any)
	list = slices.Clone(list)
	for i, element := range list {
		if whole, _ := element.(yaml.MapSlice); text(whole, "name") == old {
			list[i] = e.whole
			f.content = setField(f.content, k.list(), list)
			return
		}
	}
	f.content = setField(f.content, k.list(), append(list, e.whole))
}

// Delete removes an entry from the first file that has it. If another file has one of the same name,
// that is used from then on. What refers to the entry stays as it is, as with kubectl: contexts, and
// current-context, which then names a context that is missing until Use sets another. If no file has
// the entry, the error wraps ErrNotFound.
func (c *Config) Delete(k Kind, name string) error {
	f, _, found := c.find(k, name)
	if !found {
		return fmt.Errorf("delete the %s %q: %w", k, name, ErrNotFound)
	}
	value, _ := field(f.content, k.list())
	list, _ := value.([]any)
	kept := []any{}
	for _, element := range list {
		if whole, _ := element.(yaml.MapSlice); text(whole, "name") != name {
			kept = append(kept, element)
		}
	}
	f.content = setField(f.content, k.list(), kept)
	return nil
}

// Use sets current-context. "" clears it. If no file has the context, the error wraps ErrNotFound.
func (c *Config) Use(context string) error {
	if context != "" {
		if _, _, found := c.find(Context, context); !found {
			return fmt.Errorf("use the context %q: %w", context, ErrNotFound)
		}
		if c.Current() != context {
			c.fresh.content = setField(c.fresh.content, "current-context", context)
		}
		return nil
	}
	for _, f := range c.files {
		if text(f.content, "current-context") != "" {
			f.content = setField(f.content, "current-context", "")
			return nil
		}
	}
	return nil
}

// RenameContext renames a context, in the file that has it, and current-context with it. It is an
// error if a context has the new name already. If no file has the old one, the error wraps
// ErrNotFound.
func (c *Config) RenameContext(old, name string) error {
	f, e, found := c.find(Context, old)
	if !found {
		return fmt.Errorf("rename the context %q: %w", old, ErrNotFound)
	}
	if _, _, taken := c.find(Context, name); taken || name == "" {
		return fmt.Errorf("rename the context %q: the name %q is taken or empty", old, name)
	}
	wasCurrent := c.Current() == old
	f.put(Context, entry{whole: setField(slices.Clone(e.whole), "name", name)}, old)
	if wasCurrent {
		return c.Use(name)
	}
	return nil
}

// Merge adds the entries of another kubeconfig. dir is the folder that its relative paths are relative
// to; they are made absolute. An entry that is there already with the same content stays; with another
// content it is an error that names it, or replaced if replace is set. current-context is taken if
// none is set and its context is there. After an error nothing has changed.
func (c *Config) Merge(data []byte, dir string, replace bool) error {
	content, err := decode(data)
	if err != nil {
		return fmt.Errorf("merge a kubeconfig: %w", err)
	}
	type addition struct {
		f *file
		k Kind
		e entry
	}
	var additions []addition
	for _, k := range []Kind{Cluster, User, Context} {
		list, _ := entriesOf(content, k)
		for _, e := range list {
			if e.body, err = absolute(k, e.body, dir); err != nil {
				return fmt.Errorf("merge the %s %q: %w", k, e.name, err)
			}
			if e.body != nil {
				e.whole = setField(slices.Clone(e.whole), k.String(), e.body)
			}
			f, there, found := c.find(k, e.name)
			if found {
				if there.body, err = absolute(k, there.body, filepath.Dir(f.path)); err != nil {
					return fmt.Errorf("merge the %s %q: %w", k, e.name, err)
				}
			}
			switch {
			case !found:
				f = c.fresh
			case reflect.DeepEqual(unordered(there.body), unordered(e.body)):
				continue
			case !replace:
				return fmt.Errorf("merge the %s %q: %s has another one of this name", k, e.name, f.path)
			}
			additions = append(additions, addition{f, k, e})
		}
	}
	for _, a := range additions {
		a.f.put(a.k, a.e, a.e.name)
	}
	if current := text(content, "current-context"); c.Current() == "" {
		if _, _, found := c.find(Context, current); found {
			return c.Use(current)
		}
	}
	return nil
}
