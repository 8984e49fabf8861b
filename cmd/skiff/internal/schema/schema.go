// Package schema finds kinds and their fields in an OpenAPI v3 document of an API server.
package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/scan"
)

// A Document is the OpenAPI document of one group version. Its schemas are decoded when they are
// needed.
type Document struct {
	schemas map[string]json.RawMessage
}

// Parse returns the document in data.
func Parse(data []byte) (*Document, error) {
	d := &Document{map[string]json.RawMessage{}}
	c := scan.New(data)
	for key := range c.Members() {
		if string(key) != "components" {
			continue
		}
		for key := range c.Members() {
			if string(key) != "schemas" {
				continue
			}
			for name := range c.Members() { // names of schemas have no escapes
				d.schemas[string(name)] = c.Raw()
			}
		}
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("decode the OpenAPI document: %w", err)
	}
	return d, nil
}

// node is a schema as the document has it.
type node struct {
	Ref                  string                     `json:"$ref"`
	AllOf                []json.RawMessage          `json:"allOf"`
	Type                 string                     `json:"type"`
	Description          string                     `json:"description"`
	Properties           map[string]json.RawMessage `json:"properties"`
	Required             []string                   `json:"required"`
	Items                json.RawMessage            `json:"items"`
	AdditionalProperties json.RawMessage            `json:"additionalProperties"`
	Enum                 []any                      `json:"enum"`
	IntOrString          bool                       `json:"x-kubernetes-int-or-string"`
	Kinds                []struct {
		Group, Version, Kind string
	} `json:"x-kubernetes-group-version-kind"`
}

// A Schema is the schema of a value: of a kind, or of a field.
type Schema struct {
	document    *Document
	own, target node   // target is own, or what own refers to
	ref         string // the name of target, if own refers to it
}

// Kind returns the schema of a kind, and reports whether the document has one.
func (d *Document) Kind(gvk schema.GroupVersionKind) (*Schema, bool) {
	names := slices.Sorted(maps.Keys(d.schemas))
	// Most are named by their kind: those come first, because a document may have a thousand schemas.
	slices.SortStableFunc(names, func(a, b string) int {
		switch x, y := strings.HasSuffix(a, "."+gvk.Kind), strings.HasSuffix(b, "."+gvk.Kind); {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	for _, name := range names {
		s, err := d.resolve(d.schemas[name])
		if err != nil {
			continue
		}
		for _, k := range s.own.Kinds {
			if k.Group == gvk.Group && k.Version == gvk.Version && k.Kind == gvk.Kind {
				return s, true
			}
		}
	}
	return nil, false
}

// resolve returns a schema with what it refers to.
func (d *Document) resolve(raw json.RawMessage) (*Schema, error) {
	s := &Schema{document: d}
	if err := json.Unmarshal(raw, &s.own); err != nil {
		return nil, err
	}
	s.target = s.own
	for range 8 { // references of references are short
		ref := s.target.Ref
		for _, part := range s.target.AllOf {
			var n node
			if json.Unmarshal(part, &n) == nil && n.Ref != "" {
				ref = n.Ref
			}
		}
		if ref == "" {
			break
		}
		s.ref = ref[strings.LastIndex(ref, "/")+1:]
		s.target = node{}
		if err := json.Unmarshal(d.schemas[s.ref], &s.target); err != nil {
			return nil, fmt.Errorf("decode schema %s: %w", s.ref, err)
		}
	}
	return s, nil
}

// Description returns the description of the field, or else of its type; "" for none.
func (s *Schema) Description() string {
	if s.own.Description != "" {
		return strings.TrimSpace(s.own.Description)
	}
	return strings.TrimSpace(s.target.Description)
}

// Enum returns the values that are permitted, if they are limited.
func (s *Schema) Enum() []string {
	var values []string
	for _, v := range s.target.Enum {
		values = append(values, fmt.Sprint(v))
	}
	return values
}

// Type returns the name of the type: "string", "[]Container", "map[string]string".
func (s *Schema) Type() string {
	switch {
	case s.ref != "":
		return s.ref[strings.LastIndex(s.ref, ".")+1:]
	case s.own.IntOrString:
		return "IntOrString"
	case s.own.Type == "array":
		return "[]" + s.element(s.own.Items)
	case len(s.own.Properties) == 0 && len(s.own.AdditionalProperties) > 0 &&
		s.own.AdditionalProperties[0] == '{':
		return "map[string]" + s.element(s.own.AdditionalProperties)
	case s.own.Type == "" || s.own.Type == "object":
		return "Object"
	}
	return s.own.Type
}

func (s *Schema) element(raw json.RawMessage) string {
	e, err := s.document.resolve(raw)
	if err != nil {
		return "Object"
	}
	return e.Type()
}

// A Field is a field of an object.
type Field struct {
	Name     string
	Required bool
	*Schema
}

// Fields returns the fields of the object, or of the elements of the list or map, sorted.
func (s *Schema) Fields() ([]Field, error) {
	object := s.inner()
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(object.target.Properties)) {
		f, err := s.document.resolve(object.target.Properties[name])
		if err != nil {
			return nil, err
		}
		fields = append(fields, Field{name, slices.Contains(object.target.Required, name), f})
	}
	return fields, nil
}

// inner returns the schema of the elements, if s is that of a list or map.
func (s *Schema) inner() *Schema {
	for range 8 {
		raw := s.target.Items
		if s.target.Type != "array" {
			raw = s.target.AdditionalProperties
		}
		if len(raw) == 0 || raw[0] != '{' || len(s.target.Properties) > 0 {
			return s
		}
		e, err := s.document.resolve(raw)
		if err != nil {
			return s
		}
		s = e
	}
	return s
}

// Name returns the name by which the document has the type, or "" for one without a name. A type with
// a name may contain itself.
func (s *Schema) Name() string { return s.inner().ref }
