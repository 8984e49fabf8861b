package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/validation/spec"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// Custom is the schema of one version of a custom kind. It is safe for concurrent use.
type Custom struct {
	gvk       apischema.GroupVersionKind
	root      *structural
	validator validator
	status    *validator // of the field status; nil if the schema does not have it
	hasStatus bool       // the subresource
	scale     *scale
	merge     func() (*typed.ParseableType, error)
}

// newCustom returns the schema of a version of a CustomResourceDefinition.
func newCustom(gvk apischema.GroupVersionKind, version map[string]any) (*Custom, error) {
	document := at(version, "schema", "openAPIV3Schema")
	c := &Custom{gvk: gvk, root: newStructural(document)}
	// The metadata of the object itself is checked as that of an embedded one.
	c.root.embedded = true
	var err error
	if c.validator, err = newValidator(document); err != nil {
		return nil, err
	}
	if status := at(document, "properties", "status"); status != nil {
		v, err := newValidator(status)
		if err != nil {
			return nil, err
		}
		c.status = &v
	}
	subresources := at(version, "subresources")
	_, c.hasStatus = subresources["status"]
	c.scale = newScale(at(subresources, "scale"))
	c.merge = sync.OnceValues(func() (*typed.ParseableType, error) { return mergeType(document) })
	return c, nil
}

// at returns the object below path, or nil.
func at(object map[string]any, path ...string) map[string]any {
	for _, key := range path {
		object, _ = object[key].(map[string]any)
	}
	return object
}

// Status reports whether the kind has the subresource status.
func (c *Custom) Status() bool { return c.hasStatus }

// Decode makes object what the API server keeps of it: fields that the schema does not know are
// removed, defaults are set, and metadata gets the fields that it has in every kind. unknown are the
// paths of the removed fields, sorted. The error is that of metadata of a wrong type. The caller owns
// object.
func (c *Custom) Decode(object map[string]any) (unknown []string, err error) {
	unknown, err = coerce(object, c.root, "")
	if err != nil {
		return nil, err
	}
	unknown = append(unknown, c.Prune(object)...)
	c.Default(object)
	return unknown, nil
}

// Prune removes from object the fields that the schema does not know, and returns their paths. The
// metadata is left as it is. The caller owns object.
func (c *Custom) Prune(object map[string]any) []string {
	var p pruner
	p.prune(object, c.root, "")
	return p.sorted()
}

// Default sets the defaults of the schema in object, and removes nulls that it does not allow. The
// caller owns object.
func (c *Custom) Default(object map[string]any) {
	c.root.dropNulls(object)
	c.root.setDefaults(object)
}

// coerce gives the metadata of x and of the resources embedded in it the fields of the Go type, and
// returns the paths of others.
func coerce(x any, s *structural, path string) (unknown []string, err error) {
	if s == nil {
		return nil, nil
	}
	switch x := x.(type) {
	case map[string]any:
		if s.embedded && x["metadata"] != nil {
			if unknown, err = coerceMetadata(x, path); err != nil {
				return nil, err
			}
		}
		for key, v := range x {
			sub, _ := s.of(key)
			more, err := coerce(v, sub, joined(path, key))
			if err != nil {
				return nil, err
			}
			unknown = append(unknown, more...)
		}
	case []any:
		for i, v := range x {
			more, err := coerce(v, s.items, indexed(path, i))
			if err != nil {
				return nil, err
			}
			unknown = append(unknown, more...)
		}
	}
	return unknown, nil
}

func coerceMetadata(x map[string]any, path string) (unknown []string, err error) {
	data, err := json.Marshal(x["metadata"])
	if err != nil {
		return nil, err
	}
	var m metav1.ObjectMeta
	strict, err := kjson.UnmarshalStrict(data, &m)
	if err != nil {
		return nil, err
	}
	for _, err := range strict {
		if err, ok := err.(kjson.FieldError); ok {
			unknown = append(unknown, joined(path, "metadata")+"."+err.FieldPath())
		}
	}
	x["metadata"], err = runtime.DefaultUnstructuredConverter.ToUnstructured(&m)
	return unknown, err
}

func joined(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// mergeType returns the type by which objects of a schema are merged.
func mergeType(document map[string]any) (*typed.ParseableType, error) {
	const name = "custom"
	root := mergeable(document)
	addMeta(root)
	data, err := json.Marshal(root)
	if err != nil {
		return nil, err
	}
	t := &spec.Schema{}
	if err := json.Unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	types := map[string]*spec.Schema{name: t}
	if err := addReferred(types, t); err != nil {
		return nil, err
	}
	return parseable(types, name, false)
}

// mergeable returns the keywords of a schema that merging looks at.
func mergeable(schema map[string]any) map[string]any {
	small := map[string]any{}
	for _, key := range []string{
		"type", "format", "nullable", "default", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
		"x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields",
	} {
		if v, ok := schema[key]; ok {
			small[key] = v
		}
	}
	if schema["x-kubernetes-int-or-string"] == true {
		delete(small, "type")
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		all := map[string]any{}
		for name, p := range properties {
			p, _ := p.(map[string]any)
			all[name] = mergeable(p)
		}
		small["properties"] = all
	}
	for _, key := range []string{"items", "additionalProperties"} {
		switch v := schema[key].(type) {
		case map[string]any:
			small[key] = mergeable(v)
		case bool:
			small[key] = v
		}
	}
	if schema["x-kubernetes-embedded-resource"] == true {
		addMeta(small)
	}
	return small
}

// addMeta adds to a schema the fields that every object has.
func addMeta(schema map[string]any) {
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		properties = map[string]any{}
		schema["properties"] = properties
	}
	properties["apiVersion"] = map[string]any{"type": "string"}
	properties["kind"] = map[string]any{"type": "string"}
	properties["metadata"] = map[string]any{"$ref": "#/components/schemas/" + objectMeta}
}
