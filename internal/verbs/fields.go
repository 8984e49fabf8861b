package verbs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// maxFields is how many paths Write.Fields names at most, and maxField how many bytes of each.
	maxFields = 16
	maxField  = 128
)

type fieldsKey struct{}

// WithFields returns a context under which a Write has its Fields.
func WithFields(ctx context.Context) context.Context {
	return context.WithValue(ctx, fieldsKey{}, true)
}

func wantsFields(ctx context.Context) bool {
	wants, _ := ctx.Value(fieldsKey{}).(bool)
	return wants
}

// content is what a write sends. The paths of its fields are those of created or patch; an Update,
// whose body is the whole object, has neither.
type content struct {
	verb    string
	body    any    // JSON, or an object that package rest encodes
	created any    // an object that package rest encodes, or nil
	patch   []byte // or a patch
	of      types.PatchType
}

// fields returns the paths of the fields that a write sets. See client.Write.
func (r Resource) fields(c content, sub []string) string {
	if r.Kind.Group == "" && r.Kind.Resource == "secrets" {
		return ""
	}
	var f fields
	switch {
	case c.created != nil:
		data, err := json.Marshal(c.created)
		if err != nil {
			return ""
		}
		f.created(data)
	case c.of == types.JSONPatchType:
		f.operations(c.patch)
	case c.patch != nil:
		f.patch(c.patch)
	}
	text := f.String()
	if len(sub) == 0 || text != "" && sub[0] == "status" {
		return text
	}
	return strings.TrimSuffix(strings.Join(sub, "/")+": "+text, ": ")
}

// fields are paths. The text of more than maxFields is that of the first ones, and a count.
type fields struct{ paths []string }

func (f *fields) add(path string) {
	if len(path) > maxField {
		path = strings.ToValidUTF8(path[:maxField], "") + "…"
	}
	f.paths = append(f.paths, path)
}

// String returns the paths in the order of the alphabet, each once.
func (f *fields) String() string {
	slices.Sort(f.paths)
	paths := slices.Compact(f.paths)
	if len(paths) <= maxFields {
		return strings.Join(paths, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(paths[:maxFields], ", "), len(paths)-maxFields)
}

// created adds the members of an object that are not empty, and those of its metadata.
func (f *fields) created(object []byte) {
	var members, meta map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return
	}
	if json.Unmarshal(members["metadata"], &meta) == nil {
		for name, value := range meta {
			if !identity("metadata."+name) && !empty(value) {
				f.add(child("metadata", name))
			}
		}
	}
	for name, value := range members {
		if name != "metadata" && name != "status" && !identity(name) && !empty(value) {
			f.add(child("", name))
		}
	}
}

// empty reports whether a value is one that Go's JSON has of a field that nobody has set.
func empty(value json.RawMessage) bool {
	return string(value) == "null" || string(value) == "{}"
}

// patch adds the fields of a merge patch, a strategic one, or a configuration that is applied. A
// configuration that is YAML and not JSON has none.
func (f *fields) patch(patch []byte) {
	var tree map[string]any
	if json.Unmarshal(patch, &tree) == nil {
		f.members("", tree)
	}
}

// members adds the leaves of an object. A list is a leaf: its elements are values.
func (f *fields) members(path string, object map[string]any) {
	if len(object) == 0 && path != "" {
		f.add(path)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := child(path, name)
		if directive, of, ok := strings.Cut(name, "/"); strings.HasPrefix(name, "$") {
			// Of a strategic merge patch: strategic-merge-patch.md of kubernetes/community,
			// contributors/devel/sig-api-machinery.
			if at = path; ok && directive == "$deleteFromPrimitiveList" {
				at = child(path, of)
			}
			if at != "" && (ok || len(object) == 1) && directive != "$setElementOrder" {
				f.add(at)
			}
			continue
		}
		if identity(at) {
			continue
		}
		if inner, ok := object[name].(map[string]any); ok && (len(inner) > 0 || at != "metadata") {
			f.members(at, inner)
		} else if !ok {
			f.add(at)
		}
	}
}

// operations adds the fields that the operations of a JSON patch (RFC 6902) change.
func (f *fields) operations(patch []byte) {
	var operations []struct{ Op, Path, From string }
	if json.Unmarshal(patch, &operations) != nil {
		return
	}
	for _, o := range operations {
		if o.Op == "test" {
			continue
		}
		f.pointer(o.Path)
		if o.Op == "move" {
			f.pointer(o.From)
		}
	}
}

// pointer adds the path of a JSON pointer (RFC 6901). It ends at a number or "-", which names an
// element of a list.
func (f *fields) pointer(pointer string) {
	path := ""
	for _, name := range strings.Split(pointer, "/")[1:] {
		if name == "-" || name != "" && strings.Trim(name, "0123456789") == "" {
			break
		}
		path = child(path, strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
	}
	if path != "" && !identity(path) {
		f.add(path)
	}
}

// child returns the path of a member, as package fieldpath writes it. A name that is not made of
// letters, digits, "-" and "_" is a key of a map.
func child(path, name string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	switch {
	case name == "" || strings.Trim(name, plain) != "":
		return path + "['" + name + "']"
	case path == "":
		return name
	}
	return path + "." + name
}

// identity reports whether a field only tells which object it is, or is the server's to write.
func identity(path string) bool {
	switch path {
	case "apiVersion", "kind", "metadata.name", "metadata.generateName", "metadata.namespace",
		"metadata.uid", "metadata.resourceVersion", "metadata.generation", "metadata.selfLink",
		"metadata.creationTimestamp", "metadata.deletionTimestamp",
		"metadata.deletionGracePeriodSeconds", "metadata.managedFields":
		return true
	}
	return false
}
