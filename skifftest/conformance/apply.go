package conformance

// apply applies a configuration as a manager. More of the query may follow the manager: "me&force=true".
func (s *scene) apply(path, manager, body string) *answer {
	return s.patch(path+"?fieldManager="+manager, body, applyPatch)
}

// data is the configuration of a ConfigMap's data.
func data(values string) string {
	return "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: " + values + "}"
}

// owners returns who owns what by managedFields: "MANAGER OPERATION" to the fields.
func (a *answer) owners() map[string]any {
	owners := map[string]any{}
	entries, _ := a.at("metadata.managedFields").([]any)
	for _, e := range entries {
		m, _ := e.(map[string]any)
		manager, _ := m["manager"].(string)
		operation, _ := m["operation"].(string)
		key := manager + " " + operation
		if sub, _ := m["subresource"].(string); sub != "" {
			key += " " + sub
		}
		owners[key] = m["fieldsV1"]
	}
	return owners
}

// owned checks managedFields as a whole: YAML of "MANAGER OPERATION" to the fields.
func (a *answer) owned(want string) *answer {
	if got, want := canonical(a.owners()), canonical(flow(want)); got != want {
		a.s.errorf("%s: the owners are %s, want %s", a.what, got, want)
	}
	return a
}

var applyCases = []testCase{
	{"an object that is not there is created", func(s *scene) {
		s.apply("configmaps/a", "me", data("{k: '1'}")).is(201).has("data", "{k: '1'}").set("metadata.uid").
			owned("{me Apply: {'f:data': {'f:k': {}}}}").has("metadata.managedFields.0.apiVersion", "v1").has("metadata.managedFields.0.fieldsType", "FieldsV1")
		s.get("configmaps/a").is(200).has("data", "{k: '1'}")
	}},
	{"with a version, an object that is not there is created", func(s *scene) {
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, resourceVersion: '0'}}").is(201)
		s.apply("configmaps/b", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, resourceVersion: '00'}}").is(201)
		s.apply("configmaps/c", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, resourceVersion: '1'}}").is(201)
		s.apply("configmaps/d", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: d, resourceVersion: x}}").
			refused(500, "", "invalid syntax")
	}},
	{"an object that is there is changed", func(s *scene) {
		a := s.apply("configmaps/a", "me", data("{k: '1'}")).is(201)
		s.apply("configmaps/a", "me", data("{k: '2'}")).is(200).has("data", "{k: '2'}").same("metadata.uid", a).differs("metadata.resourceVersion", a)
	}},
	{"the same configuration again keeps the version", func(s *scene) {
		a := s.apply("configmaps/a", "me", data("{k: '1'}")).is(201)
		s.apply("configmaps/a", "me", data("{k: '1'}")).is(200).same("metadata.resourceVersion", a).same("metadata.managedFields", a)
	}},
	{"a field that the manager no longer applies is removed", func(s *scene) {
		s.apply("configmaps/a", "me", data("{k: '1', l: '2'}")).is(201)
		s.apply("configmaps/a", "me", data("{k: '1'}")).is(200).has("data", "{k: '1'}").owned("{me Apply: {'f:data': {'f:k': {}}}}")
	}},
	{"a field that another owns too stays", func(s *scene) {
		s.apply("configmaps/a", "me", data("{k: '1', l: '2'}")).is(201)
		s.apply("configmaps/a", "you", data("{l: '2'}")).is(200).owned("{me Apply: {'f:data': {'f:k': {}, 'f:l': {}}}, you Apply: {'f:data': {'f:l': {}}}}")
		s.apply("configmaps/a", "me", data("{k: '1'}")).is(200).has("data", "{k: '1', l: '2'}").
			owned("{me Apply: {'f:data': {'f:k': {}}}, you Apply: {'f:data': {'f:l': {}}}}")
	}},
	{"another's value is a conflict that names the manager and the field", func(s *scene) {
		s.apply("configmaps/a", "me", data("{k: '1'}")).is(201)
		s.apply("configmaps/a", "you", data("{k: '2'}")).refused(409, "Conflict", `Apply failed with 1 conflict: conflict with "me": .data.k`).
			has("details.causes", `[{reason: FieldManagerConflict, message: 'conflict with "me"', field: .data.k}]`).lacks("details.name")
		s.get("configmaps/a").has("data", "{k: '1'}")
	}},
	{"several conflicts are all named", func(s *scene) {
		s.apply("configmaps/a", "me", data("{k: '1', l: '1'}")).is(201)
		s.apply("configmaps/a", "you", data("{k: '2', l: '2'}")).refused(409, "Conflict", "Apply failed with 2 conflicts", ".data.k", ".data.l").
			has("details.causes.1.reason", "FieldManagerConflict")
	}},
	{"the same value as another's is no conflict", func(s *scene) {
		s.apply("configmaps/a", "me", data("{k: '1'}")).is(201)
		s.apply("configmaps/a", "you", data("{k: '1'}")).is(200).owned("{me Apply: {'f:data': {'f:k': {}}}, you Apply: {'f:data': {'f:k': {}}}}")
	}},
	{"force takes the field", func(s *scene) {
		s.apply("configmaps/a", "me", data("{k: '1', l: '1'}")).is(201)
		s.apply("configmaps/a", "you&force=true", data("{k: '2'}")).is(200).has("data", "{k: '2', l: '1'}").
			owned("{me Apply: {'f:data': {'f:l': {}}}, you Apply: {'f:data': {'f:k': {}}}}")
	}},
	{"a value that an update wrote is a conflict with that manager", func(s *scene) {
		s.post("configmaps?fieldManager=writer", configMap("a", "1")).is(201)
		s.apply("configmaps/a", "me", data("{a: '2'}")).refused(409, "Conflict", `conflict with "writer" using v1: .data.a`)
		s.apply("configmaps/a", "me&force=true", data("{a: '2'}")).is(200).owned("{me Apply: {'f:data': {'f:a': {}}}, writer Update: {'f:data': {}}}")
	}},
	{"an update takes the field without a conflict", func(s *scene) {
		a := s.apply("configmaps/a", "me", data("{k: '1'}")).is(201)
		s.update("configmaps/a?fieldManager=writer", a, "data.k", "2").is(200).owned("{writer Update: {'f:data': {'f:k': {}}}}")
	}},
	{"without a manager it is refused", func(s *scene) {
		s.patch("configmaps/a", data("{k: '1'}"), applyPatch).refused(422, "Invalid", "fieldManager", "is required for apply patch")
	}},
	{"force is refused for other patches", func(s *scene) {
		s.make("a", "1")
		s.patch("configmaps/a?force=true", "{}", mergePatch).refused(422, "Invalid", "force", "may not be specified for non-apply patch")
	}},
	{"managedFields in the configuration are refused", func(s *scene) {
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, managedFields: [{manager: x, operation: Apply}]}}").
			refused(400, "BadRequest", "metadata.managedFields must be nil")
	}},
	{"another name than the path's is refused", func(s *scene) {
		s.apply("configmaps/b", "me", data("{k: '1'}")).refused(400, "BadRequest", "name")
	}},
	{"a configuration without a kind is refused", func(s *scene) {
		s.apply("configmaps/a", "me", "{metadata: {name: a}}").refused(400, "BadRequest")
	}},
	{"another kind than the path's is refused", func(s *scene) {
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: Secret, metadata: {name: a}}").refused(400, "BadRequest")
	}},
	{"a version that is old is a conflict", func(s *scene) {
		a := s.apply("configmaps/a", "me", data("{k: '1'}")).is(201)
		s.apply("configmaps/a", "me", data("{k: '2'}")).is(200)
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, resourceVersion: '"+a.version()+"'}, data: {k: '3'}}").refused(409, "Conflict")
	}},
	{"a uid of an object that is not there is a conflict", func(s *scene) {
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: 11111111-2222-3333-4444-555555555555}}").refused(409, "Conflict")
	}},
	{"lists are merged by their keys", func(s *scene) {
		s.apply("deployments/a", "me", deployment("a")).is(201)
		s.apply("deployments/a", "you", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: {containers: [{name: side, image: z}]}}}}").is(200).
			has("spec.template.spec.containers.0.name", "main").has("spec.template.spec.containers.1.name", "side")
	}},
	{"owners of an element of a list have its key", func(s *scene) {
		s.apply("services/a", "me", "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: None, ports: [{port: 80, protocol: TCP}]}}").is(201).
			owned(`{me Apply: {'f:spec': {'f:clusterIP': {}, 'f:ports': {'k:{"port":80,"protocol":"TCP"}': {'.': {}, 'f:port': {}, 'f:protocol': {}}}}}}`)
	}},
	{"an element that its only owner leaves out is removed", func(s *scene) {
		s.apply("deployments/a", "me", deployment("a")).is(201)
		side := "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: {containers: [{name: side, image: z}]}}}}"
		s.apply("deployments/a", "you", side).is(200)
		s.apply("deployments/a", "you", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}").is(200).
			has("spec.template.spec.containers.0.name", "main").lacks("spec.template.spec.containers.1")
	}},
	{"a set of values is merged", func(s *scene) {
		with := func(finalizer string) string {
			return "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [" + finalizer + "]}}"
		}
		s.apply("configmaps/a", "me", with("e.com/a")).is(201).owned(`{me Apply: {'f:metadata': {'f:finalizers': {'v:"e.com/a"': {}}}}}`)
		s.apply("configmaps/a", "you", with("e.com/b")).is(200).has("metadata.finalizers", "[e.com/a, e.com/b]")
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").is(200).has("metadata.finalizers", "[e.com/b]")
	}},
	{"an atomic field belongs to one as a whole", func(s *scene) {
		with := func(selector string) string {
			return "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: None, selector: " + selector + "}}"
		}
		s.apply("services/a", "me", with("{a: b}")).is(201)
		s.apply("services/a", "you", with("{c: d}")).refused(409, "Conflict", ".spec.selector")
		s.apply("services/a", "you&force=true", with("{c: d}")).is(200).has("spec.selector", "{c: d}")
	}},
	{"two elements with one key are refused", func(s *scene) {
		s.apply("deployments/a", "me", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}},
			spec: {containers: [{name: main, image: x}, {name: main, image: z}]}}}}`).refused(500, "", "duplicate")
	}},
	{"an unknown field is refused", func(s *scene) {
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dato: {k: v}}").refused(500, "", "dato")
	}},
	{"a label that only apply set goes with its owner's next apply", func(s *scene) {
		s.make("a", "1")
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {k: v}}}").is(200).has("metadata.labels", "{k: v}")
		s.apply("configmaps/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").is(200).lacks("metadata.labels").has("data.a", "1")
	}},
	{"YAML with comments is accepted", func(s *scene) {
		s.send("PATCH", "configmaps/a?fieldManager=me", "# a comment\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: 'v'\n", applyPatch).is(201).has("data", "{k: v}")
	}},
}
