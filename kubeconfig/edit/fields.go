package edit

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"
)

// The fields of a kubeconfig, by what the package has to know of them. Source: the v1 Config type of
// client-go's tools/clientcmd/api.

// bools, lists and mappings are the fields that kubectl knows and that are no text.
var (
	bools    = []string{"insecure-skip-tls-verify", "disable-compression"}
	lists    = []string{"as-groups", "extensions"}
	mappings = []string{"as-user-extra", "exec", "auth-provider"}
	texts    = []string{
		"server", "tls-server-name", "certificate-authority", "certificate-authority-data",
		"proxy-url", "client-certificate", "client-certificate-data", "client-key",
		"client-key-data", "token", "tokenFile", "as", "as-uid", "username", "password", "cluster",
		"user", "namespace",
	}
	// paths are the fields that name a file, and inlined the fields that hold a file's content.
	paths   = []string{"certificate-authority", "client-certificate", "client-key", "tokenFile"}
	inlined = map[string]string{
		"certificate-authority": "certificate-authority-data",
		"client-certificate":    "client-certificate-data",
		"client-key":            "client-key-data",
	}
)

// checkField returns an error if a value is not of the type of its field, or cannot be written.
func checkField(key string, value any) error {
	if value == nil {
		return nil
	}
	kind, want := reflect.TypeOf(value).Kind(), reflect.Invalid
	switch {
	case slices.Contains(bools, key):
		want = reflect.Bool
	case slices.Contains(lists, key):
		want = reflect.Slice
	case slices.Contains(mappings, key):
		if want = reflect.Map; kind == reflect.Slice { // a yaml.MapSlice
			want = reflect.Slice
		}
	case slices.Contains(texts, key):
		want = reflect.String
	}
	if want != reflect.Invalid && kind != want {
		return fmt.Errorf("the field %q is a %v, not a %v", key, want, kind)
	}
	switch kind {
	case reflect.Chan, reflect.Func, reflect.Pointer, reflect.Struct, reflect.UnsafePointer,
		reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("the field %q is a %v, which YAML cannot say", key, kind)
	}
	return nil
}

// absolute makes the paths of an entry absolute. The command of a plugin is a path if it has a
// separator.
func absolute(k Kind, body yaml.MapSlice, dir string) (yaml.MapSlice, error) {
	if k == Context {
		return body, nil
	}
	body = slices.Clone(body)
	resolve := func(m yaml.MapSlice, key string) (yaml.MapSlice, error) {
		path := text(m, key)
		if path == "" || filepath.IsAbs(path) {
			return m, nil
		}
		path, err := filepath.Abs(filepath.Join(dir, path))
		if err != nil {
			return nil, err
		}
		return setField(m, key, path), nil
	}
	var err error
	for _, key := range paths {
		if body, err = resolve(body, key); err != nil {
			return nil, err
		}
	}
	value, _ := field(body, "exec")
	plugin, _ := value.(yaml.MapSlice)
	if strings.ContainsRune(filepath.ToSlash(text(plugin, "command")), '/') {
		if plugin, err = resolve(slices.Clone(plugin), "command"); err != nil {
			return nil, err
		}
		body = setField(body, "exec", plugin)
	}
	return body, nil
}

// Fields returns the fields of an entry, under the names that they have in a file, and whether a file
// has it. Mappings are of type map[string]any, lists of type []any. They belong to the caller. Secrets
// are in them.
func (c *Config) Fields(k Kind, name string) (map[string]any, bool) {
	_, e, found := c.find(k, name)
	if !found {
		return nil, false
	}
	return plain(e.body).(map[string]any), true
}

// plain returns a value of a file without the types of the YAML package.
func plain(value any) any {
	switch v := value.(type) {
	case yaml.MapSlice:
		m := make(map[string]any, len(v))
		for _, item := range v {
			m[fmt.Sprint(item.Key)] = plain(item.Value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	}
	return value
}
