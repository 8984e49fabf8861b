package crd

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Loss is what a change of a definition does to objects that are stored.
type Loss string

const (
	// What is stored is dropped when the object is read or written next.
	TypeChanged          Loss = "type changed"
	PropertyRemoved      Loss = "property removed"
	StoredVersionRemoved Loss = "stored version removed"
	ConversionRemoved    Loss = "conversion removed"
	ScopeChanged         Loss = "scope changed"

	// What is stored may have become invalid, so that it cannot be updated.
	EnumValueRemoved Loss = "enum value removed"
	BoundTightened   Loss = "bound tightened"
	RequiredAdded    Loss = "required field added without default"
)

// LossError is one change of a definition that Install refuses.
type LossError struct {
	Definition string // "backups.example.com"
	Version    string // "" if it is said of the definition
	Path       string // ".spec.rules[].host"; "" if it is said of the version or the definition
	Loss       Loss
	Detail     string // what it was, and what it would be
}

// Error returns "definition version path: loss: detail".
func (e *LossError) Error() string {
	where := e.Definition
	if e.Version != "" {
		where += " " + e.Version
	}
	if e.Path != "" {
		where += " " + e.Path
	}
	return fmt.Sprintf("%s: %s: %s", where, e.Loss, e.Detail)
}

// Losses returns what objects that are stored would lose if the definition old became next, in the
// order of next's versions and by path. It needs no server: old may be the file of the last release.
// The versions that old's status says are stored must not be missing, and without a status the one
// with storage. Neither is changed.
//
// Versions of the same name are compared with each other. Unless a webhook converts, a version that is
// new is compared with the one that was stored, and so are the fields of one that becomes it. Rules in CEL, patterns, formats and the combinations
// oneOf, anyOf, allOf and not are not understood: one that is new or different counts as tightened.
func Losses(old, next *unstructured.Unstructured) []*LossError {
	c := &comparison{definition: old.GetName()}
	was, is := specOf(old), specOf(next)
	if was.scope != is.scope {
		c.found(ScopeChanged, "", "from %s to %s", was.scope, is.scope)
	}
	stored, _, _ := unstructured.NestedStringSlice(old.Object, "status", "storedVersions")
	if len(stored) == 0 && was.stored != "" {
		stored = []string{was.stored} // a file says only where objects are stored that are written now
	}
	for _, name := range stored {
		if _, ok := is.schemas[name]; !ok {
			c.version = name
			c.found(StoredVersionRemoved, "", "objects are stored in it: status.storedVersions has it "+
				"until they are written in another and it is taken out there")
		}
	}
	c.version = ""
	if was.converts && !is.converts && len(is.names) > 1 {
		c.found(ConversionRemoved, "", "no webhook converts between %d versions any more", len(is.names))
	}
	for _, name := range is.names {
		c.version, c.before = name, ""
		before, ok := was.schemas[name]
		switch {
		case ok:
			c.compare(before, is.schemas[name], "")
		case !is.converts:
			c.compareStored(was, is.schemas[name])
		}
		if ok && !is.converts && name == is.stored && name != was.stored {
			// An object that is written is read as this version from then on. What is valid in it was
			// so before.
			moved := &comparison{definition: c.definition, version: name}
			moved.compareStored(was, is.schemas[name])
			for _, loss := range moved.losses {
				if loss.Loss == TypeChanged || loss.Loss == PropertyRemoved {
					c.losses = append(c.losses, loss)
				}
			}
		}
	}
	return c.losses
}

// compareStored compares the schema that objects were stored in with the schema is.
func (c *comparison) compareStored(was spec, is schema) {
	c.before = fmt.Sprintf(" (compared with %s, which is stored, because no webhook converts)", was.stored)
	c.compare(was.schemas[was.stored], is, "")
}

// spec is what Losses looks at in a definition.
type spec struct {
	scope, stored string
	converts      bool
	names         []string
	schemas       map[string]schema
}

func specOf(u *unstructured.Unstructured) spec {
	s := spec{schemas: map[string]schema{}}
	s.scope, _, _ = unstructured.NestedString(u.Object, "spec", "scope")
	strategy, _, _ := unstructured.NestedString(u.Object, "spec", "conversion", "strategy")
	s.converts = strategy == "Webhook"
	versions, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "versions")
	list, _ := versions.([]any)
	for _, v := range list {
		v, _ := v.(map[string]any)
		name, _ := v["name"].(string)
		root, _, _ := unstructured.NestedFieldNoCopy(v, "schema", "openAPIV3Schema")
		s.names = append(s.names, name)
		s.schemas[name], _ = root.(schema)
		if v["storage"] == true {
			s.stored = name
		}
	}
	return s
}

// comparison collects the losses of one definition.
type comparison struct {
	definition, version string
	before              string // said after each loss
	losses              []*LossError
}

func (c *comparison) found(loss Loss, path, format string, args ...any) {
	c.losses = append(c.losses, &LossError{Definition: c.definition, Version: c.version, Path: path,
		Loss: loss, Detail: fmt.Sprintf(format, args...) + c.before})
}

// compare looks at what was valid in the schema was and is lost or invalid in the schema is.
func (c *comparison) compare(was, is schema, path string) {
	if from, to := kindOf(was), kindOf(is); !widens(from, to) {
		c.found(TypeChanged, path, "from %s to %s", from, to)
		return
	}
	c.bounds(was, is, path)
	c.properties(was, is, path)
	if items, ok := is["items"].(schema); ok {
		before, _ := was["items"].(schema)
		c.compare(before, items, path+"[]")
	}
	c.required(was, is, path)
}

// widens reports whether each value of a type is one of another type, too.
func widens(from, to string) bool {
	switch {
	case from == to, to == "any", from == "integer" && to == "number":
		return true
	case to == "int-or-string":
		return from == "integer" || from == "string"
	}
	return false
}

// properties looks at the fields of an object and the values of a map.
func (c *comparison) properties(was, is schema, path string) {
	keeps := is["x-kubernetes-preserve-unknown-fields"] == true
	before, _ := was["properties"].(schema)
	after, _ := is["properties"].(schema)
	values, isMap := is["additionalProperties"].(schema)
	isMap = isMap || is["additionalProperties"] == true
	for _, name := range slices.Sorted(maps.Keys(before)) {
		property, _ := before[name].(schema)
		next, ok := after[name].(schema)
		switch {
		case ok:
			c.compare(property, next, path+"."+name)
		case isMap:
			c.compare(property, values, path+"."+name)
		case !keeps:
			c.found(PropertyRemoved, path+"."+name, "the server drops it from stored objects")
		}
	}
	any := was["x-kubernetes-preserve-unknown-fields"] == true
	valuesBefore, wasMap := was["additionalProperties"].(schema)
	wasMap = wasMap || was["additionalProperties"] == true
	if any || wasMap { // a field that is new in the schema may be stored
		for _, name := range slices.Sorted(maps.Keys(after)) {
			if _, ok := before[name]; !ok {
				next, _ := after[name].(schema)
				c.compare(valuesBefore, next, path+"."+name)
			}
		}
	}
	const embedded = "x-kubernetes-embedded-resource"
	if was[embedded] == true && is[embedded] != true && !keeps && !isMap {
		for _, name := range []string{"apiVersion", "kind", "metadata"} {
			if before[name] == nil && after[name] == nil {
				c.found(PropertyRemoved, path+"."+name, "each embedded resource has it, and the server drops "+
					"it from stored objects")
			}
		}
	}
	switch {
	case keeps, kindOf(is) == "any":
	case wasMap && isMap:
		c.compare(valuesBefore, values, path+".*")
	case any && isMap && kindOf(values) != "any":
		c.found(TypeChanged, path+".*", "from any to %s", kindOf(values))
	case (wasMap || any) && !isMap:
		c.found(PropertyRemoved, path+".*", "fields without a schema were kept, and the server drops "+
			"them from stored objects")
	}
}

// required looks at the fields that must be there.
func (c *comparison) required(was, is schema, path string) {
	before, _ := was["required"].([]any)
	after, _ := is["required"].([]any)
	hasDefault := func(s schema, field string) bool {
		properties, _ := s["properties"].(schema)
		property, _ := properties[field].(schema)
		_, ok := property["default"]
		return ok
	}
	for _, name := range after {
		field, _ := name.(string)
		switch {
		case hasDefault(is, field):
		case !slices.Contains(before, name):
			c.found(RequiredAdded, path+"."+field, "objects without it cannot be updated")
		case hasDefault(was, field):
			c.found(RequiredAdded, path+"."+field, "its default is removed: objects that were stored before "+
				"there was one cannot be updated")
		}
	}
}

// bounds looks at the values that are valid.
func (c *comparison) bounds(was, is schema, path string) {
	for _, r := range ranges {
		c.bound(was, is, path, r[0], func(was, is float64) bool { return is > was })
		c.bound(was, is, path, r[1], func(was, is float64) bool { return is < was })
	}
	for _, key := range []string{"exclusiveMinimum", "exclusiveMaximum", "uniqueItems", "x-kubernetes-embedded-resource"} {
		if is[key] == true && was[key] != true {
			c.found(BoundTightened, path, "%s", key)
		}
	}
	if was["nullable"] == true && is["nullable"] != true {
		c.found(BoundTightened, path, "null is not valid any more")
	}
	for _, key := range []string{"pattern", "multipleOf", "oneOf", "anyOf", "allOf", "not"} {
		if now, before := is[key], was[key]; now != nil && !equal(now, before) && !isIntOrString(key, is) {
			c.found(BoundTightened, path, "%s from %s to %s", key, orNone(before), orNone(now))
		}
	}
	if now, before := is["format"], was["format"]; now != nil && now != before &&
		(kindOf(was) != "integer" || now != "int64") { // each whole number is one of 64 bits
		c.found(BoundTightened, path, "format from %s to %s", orNone(before), orNone(now))
	}
	if now, before := is["x-kubernetes-list-type"], was["x-kubernetes-list-type"]; now == "set" && before != now ||
		now == "map" && (before != now || !equal(is["x-kubernetes-list-map-keys"], was["x-kubernetes-list-map-keys"])) {
		c.found(BoundTightened, path, "list type from %s to %s: elements with the same key are not valid", orNone(before), orNone(now))
	}
	c.enum(was, is, path)
	c.rules(was, is, path)
}

// isIntOrString reports whether a combination is the one that every number or string has.
func isIntOrString(key string, s schema) bool {
	return key == "anyOf" && equal(s[key], intOrString()[key])
}

func orNone(v any) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(v)
}

func (c *comparison) bound(was, is schema, path, key string, tighter func(was, is float64) bool) {
	now, ok := asFloat(is[key])
	if !ok {
		return
	}
	before, had := asFloat(was[key])
	if !had && key != "maximum" && key != "minimum" && now == 0 && key[:3] == "min" {
		return // a length is never below 0
	}
	if !had || tighter(before, now) {
		c.found(BoundTightened, path, "%s from %s to %v", key, orNone(was[key]), is[key])
	}
}

func (c *comparison) enum(was, is schema, path string) {
	now, ok := is["enum"].([]any)
	if !ok {
		return
	}
	before, had := was["enum"].([]any)
	if !had {
		c.found(BoundTightened, path, "an enum: %v", now)
	}
	for _, v := range before {
		if !slices.ContainsFunc(now, func(n any) bool { return equal(n, v) }) {
			c.found(EnumValueRemoved, path, "%v", v)
		}
	}
}

func (c *comparison) rules(was, is schema, path string) {
	known := map[any]bool{}
	before, _ := was[rulesKey].([]any)
	for _, rule := range before {
		rule, _ := rule.(map[string]any)
		known[rule["rule"]] = true
	}
	after, _ := is[rulesKey].([]any)
	for _, rule := range after {
		if rule, _ := rule.(map[string]any); !known[rule["rule"]] {
			c.found(BoundTightened, path, "a new rule: %v", rule["rule"])
		}
	}
}
