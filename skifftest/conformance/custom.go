package conformance

import "strings"

// definition is the CustomResourceDefinition of the widgets that cases share, with GROUP for the group:
// two versions, defaults, validation, fields that are kept and fields that are pruned, lists by key,
// status and scale.
const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList, shortNames: [wdg], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    selectableFields: [{jsonPath: .spec.color}]
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size, labelSelectorPath: .status.selector}
    schema: &schema
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [color]
            properties:
              color: {type: string, enum: [red, blue, green]}
              size: {type: integer, minimum: 0, maximum: 10, default: 1}
              name: {type: string, minLength: 2, maxLength: 5, pattern: '^[a-z]+$'}
              options: {type: object, default: {}, properties: {deep: {type: boolean, default: true}}}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              port: {x-kubernetes-int-or-string: true}
              labels: {type: object, additionalProperties: {type: string}}
              note: {type: string, nullable: true}
              parts:
                type: array
                maxItems: 3
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, weight: {type: integer}}}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              words: {type: array, items: {type: string}}
          status:
            type: object
            properties: {size: {type: integer}, selector: {type: string}, phase: {type: string}}
  - name: v2
    served: true
    storage: false
    selectableFields: [{jsonPath: .spec.color}]
    subresources: {status: {}}
    schema: *schema
`

const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

// installWidgets creates the definition of widgets, once for all cases of a Run.
func (f *fixture) installWidgets(s *scene) {
	f.widgets.Do(func() {
		s.define(strings.ReplaceAll(definition, "GROUP", f.group), "v1", "v2")
		f.ready = true
	})
	if !f.ready {
		s.fatalf("the widgets are not served: see the first case that needs them")
	}
}

// define creates a definition and waits until its versions are served. It stays for the whole Run.
func (s *scene) define(crd string, versions ...string) *answer {
	a := s.post(crds, crd).is(201)
	group, plural := a.text("spec.group"), a.text("spec.names.plural")
	for _, version := range versions {
		s.eventually(plural+" of "+version+" are served", func() bool { return s.get("/apis/"+group+"/"+version+"/"+plural).code == 200 })
	}
	return a
}

// defineMine is define for a case alone: a small definition of a group of its own, deleted at its end.
// It returns the group.
func (s *scene) defineMine(scope, schema string) string {
	group := s.unique() + ".conformance.example.com"
	s.atEnd(crds + "/gadgets." + group)
	s.define(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gadgets.`+group+`}, spec: {group: `+group+`, scope: `+scope+`,
		names: {plural: gadgets, kind: Gadget}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: `+schema+`}}]}}`, "v1")
	return group
}

// widget is the body of a Widget, given its spec.
func (s *scene) widget(name, spec string) string {
	return "{apiVersion: " + s.group + "/v1, kind: Widget, metadata: {name: " + name + "}, spec: " + spec + "}"
}

// build creates a Widget.
func (s *scene) build(name, spec string) *answer { return s.post("widgets", s.widget(name, spec)) }

var customCases = []testCase{
	{"a definition becomes established and its kind is served", func(s *scene) {
		group := s.defineMine("Namespaced", "{type: object, x-kubernetes-preserve-unknown-fields: true}")
		crd := s.get(crds + "/gadgets." + group).is(200)
		for _, condition := range []string{"NamesAccepted", "Established"} {
			crd.of(crd.find("status.conditions", "type", condition), condition).has("status", "True")
		}
		crd.has("status.acceptedNames", "{plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}").has("status.storedVersions", "[v1]")
		path := "/apis/" + group + "/v1/namespaces/" + s.namespace() + "/gadgets"
		s.post(path, "{apiVersion: "+group+"/v1, kind: Gadget, metadata: {name: a}, any: {thing: [1, x]}}").is(201).
			has("any", "{thing: [1, x]}").has("metadata.generation", 1).set("metadata.uid")
		s.get(path).names("a").has("kind", "GadgetList").has("items.0.kind", "Gadget").has("items.0.apiVersion", group+"/v1")
	}},
	{"a kind without namespaces", func(s *scene) {
		group := s.defineMine("Cluster", "{type: object}")
		s.post("/apis/"+group+"/v1/gadgets", "{apiVersion: "+group+"/v1, kind: Gadget, metadata: {name: a}}").is(201).lacks("metadata.namespace")
		s.get("/apis/" + group + "/v1/gadgets/a").is(200)
	}},
	{"a deleted definition is no longer served", func(s *scene) {
		group := s.defineMine("Cluster", "{type: object}")
		s.post("/apis/"+group+"/v1/gadgets", "{apiVersion: "+group+"/v1, kind: Gadget, metadata: {name: a}}").is(201)
		s.delete(crds + "/gadgets." + group).is(200)
		s.eventually("gadgets are gone", func() bool { return s.get("/apis/"+group+"/v1/gadgets").code == 404 })
		s.eventually("the definition is gone", func() bool { return s.get(crds+"/gadgets."+group).code == 404 })
	}},
	{"discovery names a custom kind", func(s *scene) {
		s.installWidgets(s)
		s.eventually("discovery has the group", func() bool { return s.get("/apis/"+s.group+"/v1").code == 200 })
		a := s.get("/apis/"+s.group+"/v1").is(200).has("kind", "APIResourceList")
		a.of(a.find("resources", "name", "widgets"), "widgets").has("kind", "Widget").has("singularName", "widget").has("shortNames", "[wdg]").
			has("categories", "[all]").has("namespaced", true)
		a.of(a.find("resources", "name", "widgets/scale"), "scale").has("kind", "Scale").has("group", "autoscaling")
		a.find("resources", "name", "widgets/status")
		s.eventually("the list of groups has it", func() bool {
			list := s.get("/apis").is(200)
			groups, _ := list.at("groups").([]any)
			for _, g := range groups {
				if m, _ := g.(map[string]any); m["name"] == s.group {
					list.of(m, "group").has("preferredVersion.version", "v2").has("versions.#", nil)
					return true
				}
			}
			return false
		})
	}},
	{"aggregated discovery names a custom kind", func(s *scene) {
		s.installWidgets(s)
		s.eventually("aggregated discovery has the group", func() bool {
			list := s.get("/apis", aggregated).is(200)
			items, _ := list.at("items").([]any)
			for _, i := range items {
				g := list.of(i.(map[string]any), "group")
				if g.at("metadata.name") == s.group {
					v := g.of(g.find("versions", "version", "v1"), "v1")
					w := v.of(v.find("resources", "resource", "widgets"), "widgets")
					w.has("responseKind.kind", "Widget").has("scope", "Namespaced").find("subresources", "subresource", "status")
					return true
				}
			}
			return false
		})
	}},
	{"defaults are set", func(s *scene) {
		s.build("a", "{color: red}").is(201).has("spec", "{color: red, size: 1, options: {deep: true}}")
		s.build("b", "{color: red, size: 3, options: {deep: false}}").is(201).has("spec.size", 3).has("spec.options.deep", false)
	}},
	{"unknown fields are pruned, unless the schema keeps them", func(s *scene) {
		s.build("a", "{color: red, unknown: 1, options: {other: 1}, free: {any: {thing: 1}}}").is(201).
			has("spec", "{color: red, size: 1, options: {deep: true}, free: {any: {thing: 1}}}")
	}},
	{"unknown fields are refused by Strict and warned of", func(s *scene) {
		s.post("widgets?fieldValidation=Strict", s.widget("a", "{color: red, unknown: 1}")).refused(400, "BadRequest", `unknown field "spec.unknown"`)
		a := s.build("a", "{color: red, unknown: 1}").is(201)
		if w := a.header.Get("Warning"); !strings.Contains(w, `unknown field \"spec.unknown\"`) {
			s.errorf("the warning is %q", w)
		}
	}},
	{"a required field that is missing is refused", func(s *scene) {
		s.build("a", "{size: 1}").refused(422, "Invalid", "spec.color: Required value").has("details.causes.0.field", "spec.color").
			has("details.causes.0.reason", "FieldValueRequired").has("details.kind", "Widget").has("details.group", s.group)
		s.post("widgets", "{apiVersion: "+s.group+"/v1, kind: Widget, metadata: {name: a}}").refused(422, "Invalid", "spec: Required value")
	}},
	{"a wrong type is refused", func(s *scene) {
		s.build("a", "{color: red, size: big}").refused(422, "Invalid", "spec.size", `must be of type integer: "string"`).
			has("details.causes.0.reason", "FieldValueTypeInvalid")
	}},
	{"values out of bounds are refused", func(s *scene) {
		for spec, text := range map[string]string{
			"{color: pink}":              `spec.color: Unsupported value: "pink": supported values: "red", "blue", "green"`,
			"{color: red, size: -1}":     "spec.size: Invalid value: -1: spec.size in body should be greater than or equal to 0",
			"{color: red, size: 11}":     "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10",
			"{color: red, name: a}":      "spec.name in body should be at least 2 chars long",
			"{color: red, name: abcdef}": "spec.name: Too long: may not be more than 5 bytes",
			"{color: red, name: AB}":     "spec.name in body should match '^[a-z]+$'",
			"{color: red, parts: [{name: a}, {name: b}, {name: c}, {name: d}]}": "spec.parts: Too many: 4: must have at most 3 items",
			"{color: red, parts: [{name: a}, {name: a}]}":                       `spec.parts[1]: Duplicate value: {"name":"a"}`,
			"{color: red, tags: [a, a]}":                                        `spec.tags[1]: Duplicate value: "a"`,
			"{color: red, note: 1}":                                             "spec.note",
			"{color: red, labels: {a: 1}}":                                      "spec.labels.a",
		} {
			s.build("a", spec).refused(422, "Invalid", text)
		}
	}},
	{"values at the bounds are accepted", func(s *scene) {
		for i, spec := range []string{"{color: red, size: 0}", "{color: blue, size: 10}", "{color: red, name: ab}", "{color: red, name: abcde}",
			"{color: red, port: http}", "{color: red, port: 80}", "{color: red, note: null}", "{color: red, labels: {a: b}}",
			"{color: red, parts: [{name: a}, {name: b}, {name: c}]}"} {
			s.build(string(rune('a'+i)), spec).is(201)
		}
	}},
	{"an update and a patch are validated", func(s *scene) {
		a := s.build("a", "{color: red}").is(201)
		s.update("widgets/a", a, "spec.color", "pink").refused(422, "Invalid", "spec.color")
		s.patch("widgets/a", "{spec: {size: 99}}", mergePatch).refused(422, "Invalid", "spec.size")
		s.patch("widgets/a", "{spec: {color: null}}", mergePatch).refused(422, "Invalid", "spec.color: Required value")
	}},
	{"generation grows with the spec and not with metadata or status", func(s *scene) {
		a := s.build("a", "{color: red}").is(201).has("metadata.generation", 1)
		b := s.update("widgets/a", a, "metadata.labels", "{k: v}").is(200).has("metadata.generation", 1)
		c := s.update("widgets/a", b, "spec.size", 2).is(200).has("metadata.generation", 2)
		s.update("widgets/a/status", c, "status", "{phase: x}").is(200).has("metadata.generation", 2)
	}},
	{"the status is apart from the rest", func(s *scene) {
		a := s.post("widgets", strings.Replace(s.widgetOf("a"), "spec:", "status: {phase: x}, spec:", 1)).is(201).lacks("status")
		b := s.update("widgets/a/status", a, "status", "{phase: ready, size: 2}", "spec.size", 9).is(200).has("status", "{phase: ready, size: 2}").has("spec.size", 1)
		s.update("widgets/a", b, "status.phase", "other", "spec.size", 3).is(200).has("status.phase", "ready").has("spec.size", 3)
		s.patch("widgets/a/status", "{status: {phase: 1}}", mergePatch).refused(422, "Invalid", "status.phase")
	}},
	{"the scale reads and writes its paths", func(s *scene) {
		a := s.build("a", "{color: red, size: 2}").is(201)
		s.update("widgets/a/status", a, "status", "{size: 1, selector: 'app=a'}").is(200)
		s.get("widgets/a/scale").is(200).has("kind", "Scale").has("apiVersion", "autoscaling/v1").has("spec.replicas", 2).has("status", "{replicas: 1, selector: app=a}")
		s.update("widgets/a/scale", s.get("widgets/a/scale"), "spec.replicas", 5).is(200).has("spec.replicas", 5)
		s.get("widgets/a").has("spec.size", 5).has("metadata.generation", 2)
	}},
	{"another version is served with its apiVersion", func(s *scene) {
		a := s.build("a", "{color: red}").is(201)
		b := s.get(s.inV2("widgets/a")).is(200).has("apiVersion", s.group+"/v2").has("spec.color", "red").same("metadata.resourceVersion", a)
		s.update(s.inV2("widgets/a"), b, "spec.color", "blue").is(200).has("apiVersion", s.group+"/v2")
		s.get("widgets/a").has("apiVersion", s.group+"/v1").has("spec.color", "blue")
		s.get(s.inV2("widgets")).names("a").has("items.0.apiVersion", s.group+"/v2")
	}},
	{"a strategic merge patch is refused", func(s *scene) {
		s.build("a", "{color: red}").is(201)
		s.patch("widgets/a", "{spec: {size: 2}}", strategicPatch).refused(415, "UnsupportedMediaType")
	}},
	{"protobuf is refused, or answered in JSON", func(s *scene) {
		s.build("a", "{color: red}").is(201)
		s.get("widgets/a", asProtobuf).is(406)
		s.get("widgets/a", "Accept: application/vnd.kubernetes.protobuf,application/json").is(200).headerIs("Content-Type", "application/json")
	}},
	{"apply merges a list by key, and others replace theirs", func(s *scene) {
		s.installWidgets(s)
		s.apply("widgets/a", "me", s.widget("a", "{color: red, parts: [{name: a, weight: 1}], words: [x]}")).is(201)
		s.apply("widgets/a", "you", s.widget("a", "{parts: [{name: b, weight: 2}], tags: [t]}")).is(200).
			has("spec.parts", "[{name: a, weight: 1}, {name: b, weight: 2}]").has("spec.tags", "[t]")
		s.apply("widgets/a", "you", s.widget("a", "{parts: [{name: a, weight: 2}]}")).refused(409, "Conflict", `.spec.parts[name="a"].weight`)
		s.apply("widgets/a", "you", s.widget("a", "{words: [z]}")).refused(409, "Conflict", ".spec.words")
	}},
	{"apply owns the elements of a list by their keys", func(s *scene) {
		s.installWidgets(s)
		s.apply("widgets/a", "me", s.widget("a", "{color: red, parts: [{name: a}], tags: [t]}")).is(201).
			owned(`{me Apply: {'f:spec': {'f:color': {}, 'f:parts': {'k:{"name":"a"}': {'.': {}, 'f:name': {}}}, 'f:tags': {'v:"t"': {}}}}}`)
	}},
	{"a merge patch replaces lists and removes by null", func(s *scene) {
		s.build("a", "{color: red, words: [x, z], name: abc}").is(201)
		s.patch("widgets/a", "{spec: {words: [q], name: null}}", mergePatch).is(200).has("spec.words", "[q]").lacks("spec.name")
	}},
	{"lists have selectors and pages", func(s *scene) {
		for _, name := range []string{"a", "b", "c"} {
			s.build(name, "{color: red}").is(201)
		}
		first := s.get("widgets?limit=2").names("a", "b").has("metadata.remainingItemCount", 1).has("kind", "WidgetList")
		s.get("widgets?limit=2&continue=" + escape(first.text("metadata.continue"))).names("c")
		s.get("widgets?fieldSelector=metadata.name%3Db").names("b")
	}},
	{"selectableFields can be selected by, and others cannot", func(s *scene) {
		s.build("a", "{color: red}").is(201)
		s.build("b", "{color: blue}").is(201)
		s.get("widgets?fieldSelector=" + escape("spec.color=blue")).names("b")
		s.get("widgets?fieldSelector="+escape("spec.size=1")).refused(400, "BadRequest", "field label not supported: spec.size")
	}},
	{"a watch has events and bookmarks", func(s *scene) {
		s.build("a", "{color: red}").is(201)
		w := s.watch("widgets?" + listed)
		w.want("ADDED a").has("kind", "Widget")
		w.bookmark().has("metadata.annotations", "{k8s.io/initial-events-end: 'true'}").has("kind", "Widget").has("apiVersion", s.group+"/v1")
		s.delete("widgets/a").is(200).has("kind", "Status").has("status", "Success").has("details.kind", "widgets").has("details.group", s.group)
		w.want("DELETED a")
	}},
	{"finalizers, conflicts and names hold as for built-in kinds", func(s *scene) {
		a := s.post("widgets", strings.Replace(s.widgetOf("a"), "{name: a}", "{name: a, finalizers: [e.com/f]}", 1)).is(201)
		s.build("a", "{color: red}").refused(409, "AlreadyExists").has("details", "{name: a, group: "+s.group+", kind: widgets}")
		s.delete("widgets/a").is(200).set("metadata.deletionTimestamp").has("metadata.generation", 2)
		s.update("widgets/a", a, "spec.size", 2).refused(409, "Conflict")
		s.patch("widgets/a", "{metadata: {finalizers: []}}", mergePatch).is(200)
		s.get("widgets/a").refused(404, "NotFound", "widgets."+s.group+` "a" not found`)
	}},
	{"another kind or group is refused", func(s *scene) {
		s.installWidgets(s)
		s.post("widgets", "{apiVersion: "+s.group+"/v1, kind: Gadget, metadata: {name: a}, spec: {color: red}}").refused(422, "Invalid", "kind: Invalid value: \"Gadget\": must be Widget")
		s.post("widgets", "{metadata: {name: a}, spec: {color: red}}").refused(400, "BadRequest")
	}},
	{"a definition whose name is not PLURAL.GROUP is refused", func(s *scene) {
		group := s.unique() + ".conformance.example.com"
		s.post(crds, "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: other."+group+"}, spec: {group: "+group+
			", scope: Cluster, names: {plural: gadgets, kind: Gadget}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}}").
			refused(422, "Invalid", "metadata.name")
	}},
	{"a definition without a storage version is refused", func(s *scene) {
		group := s.unique() + ".conformance.example.com"
		s.post(crds, "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gadgets."+group+"}, spec: {group: "+group+
			", scope: Cluster, names: {plural: gadgets, kind: Gadget}, versions: [{name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}]}}").
			refused(422, "Invalid", "must have exactly one version marked as storage version")
	}},
}

func (s *scene) widgetOf(name string) string { return s.widget(name, "{color: red}") }

// inV2 is the path of widgets in their second version.
func (s *scene) inV2(path string) string {
	return strings.Replace(s.path(path), "/v1/", "/v2/", 1)
}
