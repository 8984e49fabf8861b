package schema

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkCRD returns the most common faults of a CustomResourceDefinition, with the paths and words of
// kube-apiserver.
func checkCRD(crd map[string]any, o crdOptions) field.ErrorList {
	spec := at(crd, "spec")
	path := field.NewPath("spec")
	group, _ := spec["group"].(string)
	names := at(spec, "names")
	plural, _ := names["plural"].(string)

	var errs field.ErrorList
	add := func(err *field.Error) { errs = append(errs, err) }
	if name, _ := at(crd, "metadata")["name"].(string); name != plural+"."+group {
		add(field.Invalid(field.NewPath("metadata", "name"), name, `must be spec.names.plural+"."+spec.group`))
	}
	switch faults := utilvalidation.IsDNS1123Subdomain(group); {
	case group == "":
		add(field.Required(path.Child("group"), ""))
	case len(faults) > 0:
		add(field.Invalid(path.Child("group"), group, strings.Join(faults, ",")))
	case !strings.Contains(group, "."):
		add(field.Invalid(path.Child("group"), group, "should be a domain with at least one dot"))
	}
	switch scope, _ := spec["scope"].(string); scope {
	case "Cluster", "Namespaced":
	case "":
		add(field.Required(path.Child("scope"), ""))
	default:
		add(field.NotSupported(path.Child("scope"), scope, []string{"Cluster", "Namespaced"}))
	}
	errs = append(errs, checkNames(path.Child("names"), names)...)
	errs = append(errs, checkVersions(path, versionsOf(crd), o)...)
	if at(spec, "conversion")["strategy"] == "Webhook" && !o.ignoreWebhook {
		add(field.Forbidden(path.Child("conversion", "strategy"),
			"skifftest does not convert by a webhook, unless it is told to convert as the strategy None does"))
	}
	return errs
}

func checkNames(path *field.Path, names map[string]any) field.ErrorList {
	var errs field.ErrorList
	for _, key := range []string{"plural", "singular", "kind", "listKind"} {
		v, _ := names[key].(string)
		lower := strings.ToLower(v)
		prefix := ""
		if key == "plural" || key == "singular" {
			lower = v
		} else {
			prefix = "may have mixed case, but should otherwise match: "
		}
		if v == "" {
			errs = append(errs, field.Required(path.Child(key), ""))
		} else if faults := utilvalidation.IsDNS1035Label(lower); len(faults) > 0 {
			errs = append(errs, field.Invalid(path.Child(key), v, prefix+strings.Join(faults, ",")))
		}
	}
	if names["kind"] == names["listKind"] && names["kind"] != nil {
		errs = append(errs, field.Invalid(path.Child("listKind"), names["listKind"], "kind and listKind may not be the same"))
	}
	return errs
}

func checkVersions(path *field.Path, versions []map[string]any, o crdOptions) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	stored, unique, same := 0, true, len(versions) > 0
	for i, v := range versions {
		name, _ := v["name"].(string)
		unique = unique && !seen[name]
		seen[name] = true
		if v["storage"] == true {
			stored++
		}
		if faults := utilvalidation.IsDNS1035Label(name); len(faults) > 0 {
			fault := strings.Join(faults, ",")
			errs = append(errs, field.Invalid(path.Child("versions").Index(i).Child("name"), name, fault))
			if i == 0 {
				errs = append(errs, field.Invalid(path.Child("version"), name, fault))
			}
		}
		same = same && reflect.DeepEqual(v["schema"], versions[0]["schema"])
	}
	if !unique {
		errs = append(errs, field.Invalid(path.Child("versions"), versions, "must contain unique version names"))
	}
	if stored != 1 {
		errs = append(errs, field.Invalid(path.Child("versions"), versions, "must have exactly one version marked as storage version"))
	}
	if stored == 0 {
		errs = append(errs, field.Invalid(field.NewPath("status", "storedVersions"), nil, "must have at least one stored version"))
	}
	for i, v := range versions {
		at1 := path.Child("versions").Index(i).Child("schema", "openAPIV3Schema")
		document := at(v, "schema", "openAPIV3Schema")
		if document == nil {
			errs = append(errs, field.Required(at1, "schemas are required"))
			continue
		}
		if same {
			// kube-apiserver keeps schemas that are all equal in one place.
			at1 = path.Child("validation", "openAPIV3Schema")
		}
		c := schemaCheck{o: o}
		c.check(at1, document, "root")
		errs = append(errs, c.errs...)
		if same {
			break
		}
	}
	return errs
}

// schemaCheck collects what is not structural in a schema.
type schemaCheck struct {
	o    crdOptions
	errs field.ErrorList
}

func (c *schemaCheck) add(err *field.Error) { c.errs = append(c.errs, err) }

// check checks a schema. as is what it is of: root, field or item.
func (c *schemaCheck) check(path *field.Path, s map[string]any, as string) {
	if _, ok := s["$ref"]; ok {
		c.add(field.Forbidden(path.Child("$ref"), "$ref is not supported"))
		return
	}
	typ, _ := s["type"].(string)
	preserve, intOrString := s["x-kubernetes-preserve-unknown-fields"] == true, s["x-kubernetes-int-or-string"] == true
	switch {
	case typ == "" && as == "root":
		c.add(field.Required(path.Child("type"), "must not be empty at the root"))
	case typ != "object" && as == "root":
		c.add(field.Invalid(path.Child("type"), typ, "must be object at the root"))
	case typ == "" && as == "item" && !preserve && !intOrString:
		c.add(field.Required(path.Child("type"), "must not be empty for specified array items"))
	case typ == "" && as == "field" && !preserve && !intOrString:
		c.add(field.Required(path.Child("type"), "must not be empty for specified object fields"))
	case typ != "" && !slices.Contains([]string{"array", "boolean", "integer", "number", "object", "string"}, typ):
		c.add(field.NotSupported(path.Child("type"), typ, []string{"array", "boolean", "integer", "number", "object", "string"}))
	}
	if typ == "array" && s["items"] == nil {
		c.add(field.Required(path.Child("items"), "must be specified"))
	}
	if s["uniqueItems"] == true {
		c.add(field.Forbidden(path.Child("uniqueItems"),
			"uniqueItems cannot be set to true since the runtime complexity becomes quadratic"))
	}
	if s["properties"] != nil && s["additionalProperties"] != nil && s["additionalProperties"] != false {
		c.add(field.Forbidden(path.Child("additionalProperties"), "additionalProperties and properties are mutual exclusive"))
	}
	if p, ok := s["pattern"].(string); ok {
		if _, err := regexp.Compile(p); err != nil {
			c.add(field.Invalid(path.Child("pattern"), p, fmt.Sprintf("must be a valid regular expression, but isn't: %v", err)))
		}
	}
	if rules, ok := s["x-kubernetes-validations"].([]any); ok && len(rules) > 0 && !c.o.ignoreRules {
		c.add(field.Forbidden(path.Child("x-kubernetes-validations"),
			"skifftest does not evaluate CEL rules: skifftest.IgnoreRules() stores objects as if there were none, and package controlplane tests them"))
	}
	c.lists(path, s, typ)
	c.below(path, s)
}

// lists checks x-kubernetes-list-type.
func (c *schemaCheck) lists(path *field.Path, s map[string]any, typ string) {
	listType, ok := s["x-kubernetes-list-type"].(string)
	keys, _ := s["x-kubernetes-list-map-keys"].([]any)
	if !ok {
		if len(keys) > 0 {
			c.add(field.Required(path.Child("x-kubernetes-list-type"), "must be map if x-kubernetes-list-map-keys is non-empty"))
		}
		return
	}
	p := path.Child("x-kubernetes-list-type")
	switch {
	case typ == "":
		c.add(field.Required(path.Child("type"), "must be array if x-kubernetes-list-type is specified"))
	case typ != "array":
		c.add(field.Invalid(path.Child("type"), typ, "must be array if x-kubernetes-list-type is specified"))
	}
	if !slices.Contains([]string{"atomic", "map", "set"}, listType) {
		c.add(field.NotSupported(p, listType, []string{"atomic", "set", "map"}))
	}
	if listType != "map" {
		if len(keys) > 0 {
			c.add(field.Invalid(p, listType, "must be map if x-kubernetes-list-map-keys is non-empty"))
		}
		return
	}
	if len(keys) == 0 {
		c.add(field.Required(path.Child("x-kubernetes-list-map-keys"), "must not be empty if x-kubernetes-list-type is map"))
	}
	items := at(s, "items")
	required, _ := items["required"].([]any)
	for _, k := range keys {
		k, _ := k.(string)
		property := at(items, "properties", k)
		if property == nil {
			c.add(field.Invalid(path.Child("x-kubernetes-list-map-keys"), keys, "entries must all be names of item properties"))
			continue
		}
		if property["default"] == nil && !slices.Contains(required, any(k)) {
			c.add(field.Required(path.Child("items").Child("properties").Key(k).Child("default"),
				"this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"))
		}
	}
}

// below checks the schemas inside a schema.
func (c *schemaCheck) below(path *field.Path, s map[string]any) {
	properties := at(s, "properties")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if p, ok := properties[name].(map[string]any); ok {
			if isMeta(name) {
				continue
			}
			c.check(path.Child("properties").Key(name), p, "field")
		}
	}
	if items := at(s, "items"); items != nil {
		c.check(path.Child("items"), items, "item")
	}
	if additional := at(s, "additionalProperties"); additional != nil {
		c.check(path.Child("additionalProperties"), additional, "field")
	}
}
