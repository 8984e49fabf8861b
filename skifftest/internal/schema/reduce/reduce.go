// Package reduce makes the file of types that package schema embeds from the OpenAPI documents that
// kube-apiserver serves below /openapi/v3.
package reduce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skiff-k8s/skiff/rest"
)

// File is what is embedded.
type File struct {
	// Version is the server's, such as v1.37.2.
	Version string `json:"version"`

	// Kinds has the name of each kind's type, by group/version/kind ("/v1/Pod" of the core group).
	Kinds map[string]string `json:"kinds"`

	// Types has the types of Kinds and those that they refer to, by name.
	Types map[string]json.RawMessage `json:"types"`
}

// kept are the keywords of a type that merging and applying look at.
var kept = []string{
	"type", "format", "nullable", "default", "properties", "additionalProperties", "items", "allOf", "$ref",
	"x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
	"x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key", "x-kubernetes-preserve-unknown-fields",
	groupVersionKind,
}

const (
	groupVersionKind = "x-kubernetes-group-version-kind"
	refPrefix        = "#/components/schemas/"
	objectMeta       = refPrefix + "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
)

// Server returns the file of the server behind c.
func Server(ctx context.Context, c *rest.Client) (*File, error) {
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := get(ctx, c, "/version", &version); err != nil {
		return nil, err
	}
	var index struct {
		Paths map[string]struct {
			ServerRelativeURL string `json:"serverRelativeURL"`
		} `json:"paths"`
	}
	if err := get(ctx, c, "/openapi/v3", &index); err != nil {
		return nil, err
	}
	types := map[string]map[string]any{}
	for _, path := range slices.Sorted(maps.Keys(index.Paths)) {
		if !strings.HasPrefix(path, "api") {
			continue
		}
		var document struct {
			Components struct {
				Schemas map[string]map[string]any `json:"schemas"`
			} `json:"components"`
		}
		if err := get(ctx, c, index.Paths[path].ServerRelativeURL, &document); err != nil {
			return nil, err
		}
		maps.Copy(types, document.Components.Schemas)
	}
	return file(version.GitVersion, types)
}

func get(ctx context.Context, c *rest.Client, path string, into any) error {
	path, _, _ = strings.Cut(path, "?")
	data, err := c.Get().AbsPath(path).SetHeader("Accept", "application/json").DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("get %s: %w", path, err)
	}
	return json.Unmarshal(data, into)
}

// file returns the file of the kinds among types that have metadata.
func file(version string, types map[string]map[string]any) (*File, error) {
	f := &File{Version: version, Kinds: map[string]string{}, Types: map[string]json.RawMessage{}}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		if !refersTo(types[name], objectMeta) {
			continue
		}
		kinds, _ := types[name][groupVersionKind].([]any)
		for _, k := range kinds {
			k, _ := k.(map[string]any)
			f.Kinds[fmt.Sprintf("%s/%s/%s", k["group"], k["version"], k["kind"])] = name
		}
		if len(kinds) > 0 {
			if err := f.add(types, name); err != nil {
				return nil, err
			}
		}
	}
	if len(f.Kinds) == 0 {
		return nil, errors.New("the documents have no kind")
	}
	return f, nil
}

// refersTo reports whether the field metadata of a type is one of ref.
func refersTo(t map[string]any, ref string) bool {
	properties, _ := t["properties"].(map[string]any)
	data, _ := json.Marshal(properties["metadata"])
	return strings.Contains(string(data), `"`+ref+`"`)
}

// add adds a type, and those that it refers to.
func (f *File) add(types map[string]map[string]any, name string) error {
	if _, has := f.Types[name]; has {
		return nil
	}
	t, ok := types[name]
	if !ok {
		return fmt.Errorf("no document has the type %s", name)
	}
	var refs []string
	data, err := json.Marshal(reduced(t, &refs))
	if err != nil {
		return err
	}
	f.Types[name] = data
	for _, ref := range refs {
		if err := f.add(types, ref); err != nil {
			return err
		}
	}
	return nil
}

// reduced returns a type without the keywords that are not kept, and appends to refs those that it
// refers to.
func reduced(t map[string]any, refs *[]string) map[string]any {
	small := map[string]any{}
	for _, key := range kept {
		value, ok := t[key]
		if !ok {
			continue
		}
		switch v := value.(type) {
		case map[string]any:
			switch key {
			case "properties":
				properties := map[string]any{}
				for name, p := range v {
					properties[name] = reduced(p.(map[string]any), refs)
				}
				value = properties
			case "items", "additionalProperties":
				value = reduced(v, refs)
			}
		case []any:
			if key == "allOf" {
				all := make([]any, len(v))
				for i, part := range v {
					all[i] = reduced(part.(map[string]any), refs)
				}
				value = all
			}
		case string:
			if key == "$ref" {
				*refs = append(*refs, strings.TrimPrefix(v, refPrefix))
			}
		}
		small[key] = value
	}
	return small
}
