package edit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v2"

	"github.com/skiff-k8s/skiff/internal/files"
)

// file is a kubeconfig file as YAML, so that nothing of it is lost. A mapping is a yaml.MapSlice, which
// keeps the order.
type file struct {
	path    string
	there   bool // the file exists
	content yaml.MapSlice
	before  []byte // content as it was read, encoded
}

// readFile reads a file, or returns an empty one if there is none.
func readFile(path string) (*file, error) {
	f := &file{path: path}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %q: it is not a regular file", path)
	}
	data, err := files.Read(path, files.MaxKubeconfig)
	if err != nil {
		return nil, err
	}
	f.there = true
	if f.content, err = decode(data); err != nil {
		return nil, fmt.Errorf("parse %q: %w", path, err)
	}
	f.before, err = yaml.Marshal(f.content)
	return f, err
}

// decode returns the content of a kubeconfig. Its errors repeat nothing of it but names.
func decode(data []byte) (yaml.MapSlice, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var content yaml.MapSlice
	if err := d.Decode(&content); err != nil && err != io.EOF {
		return nil, errors.New("not a YAML mapping" + line(err))
	}
	var more any
	if err := d.Decode(&more); err != io.EOF {
		return nil, errors.New("it holds more than one YAML document")
	}
	if err := unique(content, ""); err != nil {
		return nil, err
	}
	for _, k := range []Kind{Cluster, User, Context} {
		list, err := entriesOf(content, k)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, e := range list {
			if seen[e.name] {
				return nil, fmt.Errorf("it has the %s %q twice: remove or rename one", k, e.name)
			}
			seen[e.name] = true
		}
	}
	return content, nil
}

// line returns the line that an error of the YAML parser names: the rest may repeat the text.
func line(err error) string {
	_, after, found := strings.Cut(err.Error(), "line ")
	number, _, ends := strings.Cut(after, ":")
	if _, err := strconv.Atoi(number); !found || !ends || err != nil {
		return ""
	}
	return " (line " + number + ")"
}

// unique returns an error if a mapping has a key twice, or a key that is not a string.
func unique(value any, at string) error {
	switch v := value.(type) {
	case yaml.MapSlice:
		seen := map[string]bool{}
		for _, item := range v {
			key, ok := item.Key.(string)
			if !ok {
				return fmt.Errorf("a key of %s is not a text: put quotes around it",
					cmp.Or(at, "the file"))
			}
			if seen[key] {
				return fmt.Errorf("it has the key %q twice in %s: remove one of the two", key,
					cmp.Or(at, "the file"))
			}
			seen[key] = true
			if err := unique(item.Value, strings.TrimPrefix(at+"."+key, ".")); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range v {
			if err := unique(element, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode returns the file's text, and whether it differs from what was read.
func (f *file) encode() (data []byte, changed bool, err error) {
	data, err = yaml.Marshal(f.content)
	return data, err == nil && !bytes.Equal(data, f.before), err
}

// write replaces the file by one with data.
func (f *file) write(data []byte) error {
	path := f.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	} else if link, err := os.Readlink(path); err == nil { // its target does not exist
		if path = link; !filepath.IsAbs(link) {
			path = filepath.Join(filepath.Dir(f.path), link)
		}
	}
	mode := fs.FileMode(0o600)
	info, err := os.Stat(path)
	if err == nil {
		mode = info.Mode().Perm()
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %q: %w", f.path, err)
	}
	defer os.Remove(temp.Name()) // it has gone if all is well
	_, err = temp.Write(data)
	if info != nil {
		keepOwner(temp, info)
	}
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", f.path, err)
	}
	return nil
}

// field returns a value of a mapping.
func field(m yaml.MapSlice, key string) (any, bool) {
	for _, item := range m {
		if item.Key == key {
			return item.Value, true
		}
	}
	return nil, false
}

// setField sets a value of a mapping, or removes it if it is nil.
func setField(m yaml.MapSlice, key string, value any) yaml.MapSlice {
	for i, item := range m {
		if item.Key == key {
			if value == nil {
				return append(m[:i:i], m[i+1:]...)
			}
			m[i].Value = value
			return m
		}
	}
	if value == nil {
		return m
	}
	return append(m, yaml.MapItem{Key: key, Value: value})
}

// text returns a value of a mapping if it is a string.
func text(m yaml.MapSlice, key string) string {
	value, _ := field(m, key)
	s, _ := value.(string)
	return s
}

// entry is a cluster, user or context of a file.
type entry struct {
	name  string
	whole yaml.MapSlice // with the name
	body  yaml.MapSlice
}

// entriesOf returns the entries of a kind.
func entriesOf(content yaml.MapSlice, k Kind) ([]entry, error) {
	value, _ := field(content, k.list())
	list, ok := value.([]any)
	if !ok && value != nil {
		return nil, fmt.Errorf("%s is not a list", k.list())
	}
	var out []entry
	for _, element := range list {
		whole, _ := element.(yaml.MapSlice)
		e := entry{name: text(whole, "name"), whole: whole}
		if e.name == "" {
			return nil, fmt.Errorf("an entry of %s has no name", k.list())
		}
		value, _ := field(whole, k.String())
		var ok bool
		if e.body, ok = value.(yaml.MapSlice); !ok && value != nil {
			return nil, fmt.Errorf("the %s %q is not a mapping", k, e.name)
		}
		out = append(out, e)
	}
	return out, nil
}

// unordered returns a value to compare: mappings are equal in any order.
func unordered(value any) any {
	switch v := value.(type) {
	case yaml.MapSlice:
		out := make(map[any]any, len(v))
		for _, item := range v {
			out[item.Key] = unordered(item.Value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = unordered(v[i])
		}
		return out
	}
	return value
}
