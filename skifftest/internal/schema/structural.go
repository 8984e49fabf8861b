package schema

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
)

// structural is the schema of a value in a custom object: the keywords by which values are pruned,
// defaulted, merged and compared.
type structural struct {
	properties   map[string]*structural
	additional   *structural // of the values of other keys; nil if those are not known
	anyKey       bool        // additionalProperties is true: other keys are known, nothing in them is
	items        *structural
	preserve     bool // x-kubernetes-preserve-unknown-fields
	embedded     bool // x-kubernetes-embedded-resource
	nullable     bool
	defaultValue any
	listType     string
	listKeys     []string
}

// newStructural returns the schema in the JSON of an openAPIV3Schema.
func newStructural(schema map[string]any) *structural {
	s := &structural{
		preserve:     schema["x-kubernetes-preserve-unknown-fields"] == true,
		embedded:     schema["x-kubernetes-embedded-resource"] == true,
		nullable:     schema["nullable"] == true,
		defaultValue: schema["default"],
		anyKey:       schema["additionalProperties"] == true,
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		s.properties = make(map[string]*structural, len(properties))
		for name, p := range properties {
			p, _ := p.(map[string]any)
			s.properties[name] = newStructural(p)
		}
	}
	if additional, ok := schema["additionalProperties"].(map[string]any); ok {
		s.additional = newStructural(additional)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		s.items = newStructural(items)
	}
	s.listType, _ = schema["x-kubernetes-list-type"].(string)
	keys, _ := schema["x-kubernetes-list-map-keys"].([]any)
	for _, k := range keys {
		if k, ok := k.(string); ok {
			s.listKeys = append(s.listKeys, k)
		}
	}
	return s
}

// of returns the schema of a key's value, and whether the key is known. The schema is nil if the key
// is known and nothing in its value is.
func (s *structural) of(key string) (*structural, bool) {
	if p, ok := s.properties[key]; ok {
		return p, true
	}
	return s.additional, s.additional != nil || s.anyKey
}

// isMeta reports whether a key is one of those that every object has.
func isMeta(key string) bool { return key == "apiVersion" || key == "kind" || key == "metadata" }

// setDefaults sets the default values in x. Null is replaced where it is not allowed.
func (s *structural) setDefaults(x any) {
	if s == nil {
		return
	}
	switch x := x.(type) {
	case map[string]any:
		for key, p := range s.properties {
			if p.defaultValue == nil {
				continue
			}
			if v, ok := x[key]; !ok || v == nil && !p.nullable {
				x[key] = runtime.DeepCopyJSONValue(p.defaultValue)
			}
		}
		for key, v := range x {
			p, _ := s.of(key)
			if v == nil && p != nil && !p.nullable {
				v = runtime.DeepCopyJSONValue(p.defaultValue)
				x[key] = v
			}
			p.setDefaults(v)
		}
	case []any:
		for i, v := range x {
			if v == nil && s.items != nil && !s.items.nullable {
				x[i] = runtime.DeepCopyJSONValue(s.items.defaultValue)
			}
			s.items.setDefaults(x[i])
		}
	}
}

// dropNulls removes from x the nulls that are neither allowed nor replaced by a default.
func (s *structural) dropNulls(x any) {
	if s == nil {
		return
	}
	switch x := x.(type) {
	case map[string]any:
		for key, v := range x {
			p, _ := s.of(key)
			if v == nil && p != nil && !p.nullable && p.defaultValue == nil {
				delete(x, key)
				continue
			}
			p.dropNulls(v)
		}
	case []any:
		for _, v := range x {
			s.items.dropNulls(v)
		}
	}
}

// pruner removes what a schema does not know, and collects the paths.
type pruner struct{ unknown []string }

// prune removes from x what s does not know. A nil schema knows nothing.
func (p *pruner) prune(x any, s *structural, path string) {
	switch x := x.(type) {
	case map[string]any:
		for key, v := range x {
			if s != nil && s.embedded && isMeta(key) {
				continue
			}
			at := key
			if path != "" {
				at = path + "." + key
			}
			if s != nil {
				if sub, known := s.of(key); known {
					p.prune(v, sub, at)
					continue
				}
				if s.preserve {
					continue
				}
			}
			p.unknown = append(p.unknown, at)
			delete(x, key)
		}
	case []any:
		var items *structural
		if s != nil {
			items = s.items
			if items == nil && s.preserve {
				return
			}
		}
		for i, v := range x {
			p.prune(v, items, indexed(path, i))
		}
	}
}

func (p *pruner) sorted() []string {
	slices.Sort(p.unknown)
	return p.unknown
}
