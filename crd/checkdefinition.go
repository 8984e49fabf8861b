package crd

import (
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// checkNames looks at the names of the definition.
func (d *definition) checkNames() {
	k := d.versions[0].kind
	if k.Protobuf {
		d.misuse("%v is built into Kubernetes: it has no CustomResourceDefinition", d.versions[0].of)
	}
	if !strings.Contains(k.Group, ".") || len(validation.IsDNS1123Subdomain(k.Group)) > 0 {
		d.misuse("the group %q is no domain of at least two parts, such as example.com", k.Group)
	}
	protected := k.Group == "k8s.io" || strings.HasSuffix(k.Group, ".k8s.io") ||
		k.Group == "kubernetes.io" || strings.HasSuffix(k.Group, ".kubernetes.io")
	if _, ok := d.annotations[approval]; protected && !ok {
		d.misuse("the group %s belongs to Kubernetes: the server wants the annotation %s, with the URL "+
			"of the approval or with \"unapproved, \" and a reason", k.Group, approval)
	}
	names := slices.Concat([]string{k.Resource, strings.ToLower(k.Kind)}, d.shortNames, d.categories)
	if d.singular != "" {
		names = append(names, d.singular)
	}
	if d.listKind != "" {
		names = append(names, strings.ToLower(d.listKind))
	}
	for _, name := range names {
		if problems := validation.IsDNS1035Label(name); len(problems) > 0 {
			d.misuse("the name %q: %s", name, problems[0])
		}
	}
}

const approval = "api-approved.kubernetes.io"

// checkVersions looks at the versions, and decides which is stored.
func (d *definition) checkVersions() {
	first := d.versions[0]
	stored, status := 0, first.status
	seen := map[string]bool{}
	for _, v := range d.versions {
		k := v.kind
		if k.Version = first.kind.Version; k != first.kind {
			d.misuse("%v is registered as %v, resource %s, Namespaced %t; %v as %v, resource %s, "+
				"Namespaced %t: versions of one definition differ in the version only", v.of, v.kind,
				v.kind.Resource, v.kind.Namespaced, first.of, first.kind, first.kind.Resource,
				first.kind.Namespaced)
		}
		if seen[v.kind.Version] {
			d.misuse("the version %s is there twice", v.kind.Version)
		}
		seen[v.kind.Version] = true
		if problems := validation.IsDNS1035Label(v.kind.Version); len(problems) > 0 {
			d.misuse("the version %q: %s", v.kind.Version, problems[0])
		}
		if v.storage {
			stored++
		}
		if v.status != status {
			d.misuse("one version has Status, and another (%s) has not: by that one everybody could "+
				"write the status", v.kind.Version)
		}
		if len(v.warning) > 256 {
			d.misuse("version %s: the warning of Deprecated is longer than 256 bytes", v.kind.Version)
		}
	}
	switch {
	case stored == 0:
		first.storage = true
	case stored > 1:
		d.misuse("%d versions have Storage: objects are stored in one", stored)
	}
	if w := d.conversion; w != nil {
		service := w.Namespace != "" && w.Service != ""
		switch {
		case w.URL != "" && (w.Namespace != "" || w.Service != "" || w.Path != "" || w.Port != 0):
			d.misuse("the webhook has a URL and a Service: one of them")
		case w.URL == "" && !service:
			d.misuse("the webhook needs a namespace and a Service, or a URL")
		case w.URL != "" && !strings.HasPrefix(w.URL, "https://"):
			d.misuse("the webhook's URL does not begin with https://")
		case w.Port < 0 || w.Port > 65535:
			d.misuse("the webhook's port %d is none", w.Port)
		case d.noConversion:
			d.misuse("Convert and NoConversion contradict each other")
		}
	}
}

// checkPaths looks at the paths of a version's options, and gives columns the types of their fields.
func (d *definition) checkPaths(v *version) {
	name := v.kind.Version
	properties, _ := v.schema["properties"].(schema)
	if v.status && properties["status"] == nil {
		d.misuse("version %s has Status, and %v has no field status", name, v.of)
	}
	if v.scale != nil {
		if !v.status {
			d.misuse("version %s has Scale without Status: the number of replicas in its status could "+
				"not be kept apart", name)
		}
		d.checkPath(v, "Scale: the path to the replicas of the spec", v.scale.spec, ".spec.", "integer")
		d.checkPath(v, "Scale: the path to the replicas of the status", v.scale.status, ".status.", "integer")
		if v.scale.selector != "" {
			d.checkPath(v, "Scale: the path to the selector", v.scale.selector, ".", "string")
		}
	}
	if len(v.selectable) > 8 {
		d.misuse("version %s has %d selectable fields, and at most 8 are possible", name, len(v.selectable))
	}
	for _, path := range v.selectable {
		if strings.HasPrefix(path, ".metadata.") {
			d.misuse("version %s: SelectableFields: %s: of the metadata the server selects by name and "+
				"namespace, without an option", name, path)
			continue
		}
		d.checkPath(v, "SelectableFields", path, ".", "string", "integer", "boolean")
	}
	for i := range v.columns {
		d.checkColumn(v, &v.columns[i])
	}
}

// checkSelectable refuses what the server refuses with a message that leads nowhere: if all versions
// have the same schema, it takes that for one schema of the definition, and finds none in the version
// that has selectable fields of its own.
func (d *definition) checkSelectable() {
	first := d.versions[0]
	differs := func(v *version) bool { return !equal(v.schema, first.schema) }
	if slices.ContainsFunc(d.versions, differs) {
		return
	}
	for _, v := range d.versions {
		if !slices.Equal(v.selectable, first.selectable) {
			d.misuse("the versions %s and %s have the same schema and other SelectableFields: the "+
				"server wants the same in both", first.kind.Version, v.kind.Version)
		}
	}
}

// checkConversion refuses versions of which one drops what another has, if nothing converts between
// them: whoever reads an object in that version and writes it back loses the rest.
func (d *definition) checkConversion() {
	if d.conversion != nil || d.noConversion {
		return
	}
	for _, v := range d.versions {
		for _, other := range d.versions {
			c := comparison{}
			c.compare(other.schema, v.schema, "")
			for _, loss := range c.losses {
				if loss.Loss == TypeChanged || loss.Loss == PropertyRemoved {
					d.misuse("version %s drops %s of version %s (%s): a webhook has to convert "+
						"(crd.Convert), or it is meant (crd.NoConversion)", v.kind.Version,
						orObject(loss.Path), other.kind.Version, loss.Loss)
				}
			}
		}
	}
}

// checkPath reports a path that does not begin with a prefix, or does not lead to a field of one of
// the types.
func (d *definition) checkPath(v *version, what, path, prefix string, types ...string) {
	if !strings.HasPrefix(path, prefix) || len(path) == len(prefix) || !isPlain(path) {
		d.misuse("version %s: %s: %q does not begin with %s, or is no plain path", v.kind.Version, what, path, prefix)
		return
	}
	field, ok := find(v.schema, path)
	switch {
	case !ok:
		d.misuse("version %s: %s: there is no field %s", v.kind.Version, what, path)
	case !slices.Contains(types, kindOf(field)):
		d.misuse("version %s: %s: %s is of type %s, not %s", v.kind.Version, what, path, kindOf(field),
			strings.Join(types, " or "))
	}
}

var columnTypes = []string{"string", "integer", "number", "boolean", "date"}

func (d *definition) checkColumn(v *version, c *Column) {
	complain := func(problem string) {
		d.misuse("version %s: column %q: %s", v.kind.Version, c.Name, problem)
	}
	switch {
	case c.Name == "":
		complain("it has no name")
	case !strings.HasPrefix(c.Path, "."):
		complain("its path does not begin with a dot: " + c.Path)
	case c.Priority < 0:
		complain("its priority is negative")
	case c.Type != "" && !slices.Contains(columnTypes, c.Type):
		complain("its type " + c.Type + " is none of: " + strings.Join(columnTypes, ", "))
	case isPlain(c.Path):
		field, ok := find(v.schema, c.Path)
		if !ok {
			complain("there is no field " + c.Path)
			return
		}
		if c.Type != "" {
			return
		}
		switch c.Type = kindOf(field); {
		case field["format"] == "date-time":
			c.Type = "date"
		case c.Type == "int-or-string":
			c.Type = "string"
		case !slices.Contains(columnTypes, c.Type):
			complain(c.Path + " is of type " + c.Type + ": a column shows a single value, or names its Type")
		}
	case c.Type == "":
		complain("its Type does not follow from the path " + c.Path + ": name it")
	}
}

var plain = regexp.MustCompile(`^(\.[^.\[\]'"*?@\\{}()]+)+$`)

// isPlain reports whether a path is made of the names of fields only.
func isPlain(path string) bool { return plain.MatchString(path) }

// find returns the schema of the field that a plain path leads to. Of the metadata, which has no
// schema of its own, it knows the fields that are single values.
func find(s schema, path string) (schema, bool) {
	if field, ok := strings.CutPrefix(path, ".metadata."); ok {
		return metadataField(field)
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		properties, _ := s["properties"].(schema)
		values, _ := s["additionalProperties"].(schema)
		switch property, ok := properties[name].(schema); {
		case ok:
			s = property
		case values != nil:
			s = values
		case s["x-kubernetes-preserve-unknown-fields"] == true:
			return anyValue(), true
		default:
			return nil, false
		}
	}
	return s, true
}

func metadataField(path string) (schema, bool) {
	name, rest, _ := strings.Cut(path, ".")
	switch name {
	case "name", "namespace", "generateName", "uid", "resourceVersion", "selfLink":
		return schema{"type": "string"}, rest == ""
	case "labels", "annotations":
		return schema{"type": "string"}, rest != ""
	case "generation":
		return schema{"type": "integer"}, rest == ""
	case "creationTimestamp", "deletionTimestamp":
		return schema{"type": "string", "format": "date-time"}, rest == ""
	}
	return nil, false
}
