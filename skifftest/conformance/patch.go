package conformance

// full creates a ConfigMap with two values, a label and an annotation.
func (s *scene) full() *answer {
	return s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {k: v}, annotations: {x: z}}, data: {a: '1', b: '2'}}").is(201)
}

var jsonPatchCases = []testCase{
	{"add, replace and remove change a map", func(s *scene) {
		a := s.full()
		s.patch("configmaps/a", `[{op: add, path: /data/c, value: '3'}, {op: replace, path: /data/a, value: '9'}, {op: remove, path: /data/b}]`, jsonPatch).
			is(200).has("data", "{a: '9', c: '3'}").differs("metadata.resourceVersion", a).same("metadata.uid", a)
	}},
	{"test, move and copy work", func(s *scene) {
		s.full()
		s.patch("configmaps/a", `[{op: test, path: /data/a, value: '1'}, {op: move, from: /data/a, path: /data/c}, {op: copy, from: /data/b, path: /data/d}]`, jsonPatch).
			is(200).has("data", "{b: '2', c: '1', d: '2'}")
	}},
	{"a test that fails is refused, and changes nothing", func(s *scene) {
		a := s.full()
		s.patch("configmaps/a", `[{op: replace, path: /data/a, value: '9'}, {op: test, path: /data/b, value: '7'}]`, jsonPatch).
			refused(422, "Invalid", "the server rejected our request due to an error in our request")
		s.get("configmaps/a").same("", a)
	}},
	{"a path that is not there is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "[{op: remove, path: /data/z}]", jsonPatch).refused(422, "Invalid")
		s.patch("configmaps/a", "[{op: move, from: /data/z, path: /data/c}]", jsonPatch).refused(422, "Invalid")
		s.patch("configmaps/a", "[{op: add, path: /binaryData/z/y, value: x}]", jsonPatch).refused(422, "Invalid")
	}},
	{"replace of a key that is not there adds it", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "[{op: replace, path: /data/z, value: x}]", jsonPatch).is(200).has("data.z", "x")
	}},
	{"elements of a list are inserted, appended and removed", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [e.com/a, e.com/b]}}").is(201)
		s.patch("configmaps/a", `[{op: add, path: /metadata/finalizers/0, value: e.com/c}, {op: add, path: /metadata/finalizers/-, value: e.com/d},
			{op: remove, path: /metadata/finalizers/1}]`, jsonPatch).is(200).has("metadata.finalizers", "[e.com/c, e.com/b, e.com/d]")
		s.patch("configmaps/a", `[{op: remove, path: /metadata/finalizers}]`, jsonPatch).is(200).lacks("metadata.finalizers")
	}},
	{"an index beyond the end is refused", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {k: v}}}").is(201)
		s.patch("configmaps/a", `[{op: remove, path: /metadata/finalizers/3}]`, jsonPatch).refused(422, "Invalid")
	}},
	{"~1 and ~0 stand for / and ~", func(s *scene) {
		s.full()
		s.patch("configmaps/a", `[{op: add, path: /metadata/annotations/example.com~1k, value: v}]`, jsonPatch).is(200).
			has("metadata.annotations[example.com/k]", "v").has("metadata.annotations.x", "z")
	}},
	{"a version in the patch that is old is a conflict", func(s *scene) {
		a := s.full()
		s.update("configmaps/a", a, "data.a", "2").is(200)
		s.patch("configmaps/a", `[{op: replace, path: /metadata/resourceVersion, value: '`+a.version()+`'}, {op: replace, path: /data/a, value: '9'}]`, jsonPatch).
			refused(409, "Conflict")
	}},
	{"a patch that changes nothing keeps the version", func(s *scene) {
		a := s.full()
		s.patch("configmaps/a", `[{op: replace, path: /data/a, value: '1'}]`, jsonPatch).is(200).same("metadata.resourceVersion", a)
		s.patch("configmaps/a", `[]`, jsonPatch).is(200).same("metadata.resourceVersion", a)
	}},
	{"a patch that is no list is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", `{op: remove, path: /data}`, jsonPatch).refused(400, "BadRequest")
	}},
	{"an unknown operation is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", `[{op: twist, path: /data/a}]`, jsonPatch).refused(422, "Invalid")
	}},
	{"a value of the wrong type is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", `[{op: replace, path: /data/a, value: 1}]`, jsonPatch).refused(422, "Invalid")
	}},
	{"an object that is not there is NotFound", func(s *scene) {
		s.patch("configmaps/a", `[{op: add, path: /data/a, value: '1'}]`, jsonPatch).refused(404, "NotFound", `configmaps "a" not found`)
	}},
}

var mergePatchCases = []testCase{
	{"maps are merged, and null removes", func(s *scene) {
		a := s.full()
		s.patch("configmaps/a", "{data: {a: null, c: '3'}, metadata: {labels: {l: w}}}", mergePatch).is(200).
			has("data", "{b: '2', c: '3'}").has("metadata.labels", "{k: v, l: w}").differs("metadata.resourceVersion", a)
	}},
	{"null removes a whole map", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "{data: null, metadata: {annotations: null}}", mergePatch).is(200).lacks("data", "metadata.annotations").has("metadata.labels", "{k: v}")
	}},
	{"lists are replaced", func(s *scene) {
		s.post("pods", pod("a")).is(201)
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [e.com/a, e.com/b]}}").is(201)
		s.patch("configmaps/a", "{metadata: {finalizers: [e.com/c]}}", mergePatch).is(200).has("metadata.finalizers", "[e.com/c]")
		s.patch("configmaps/a", "{metadata: {finalizers: []}}", mergePatch).is(200).lacks("metadata.finalizers")
	}},
	{"an old version is a conflict, and the current one is not", func(s *scene) {
		a := s.full()
		b := s.update("configmaps/a", a, "data.a", "2").is(200)
		s.patch("configmaps/a", "{metadata: {resourceVersion: '"+a.version()+"'}, data: {a: '9'}}", mergePatch).refused(409, "Conflict").
			has("details", "{name: a, kind: configmaps}")
		s.patch("configmaps/a", "{metadata: {resourceVersion: '"+b.version()+"'}, data: {a: '9'}}", mergePatch).is(200).has("data.a", "9")
	}},
	{"another uid is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "{metadata: {uid: 11111111-2222-3333-4444-555555555555}, data: {a: '9'}}", mergePatch).
			refused(422, "Invalid", "metadata.uid", "field is immutable")
	}},
	{"another name is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "{metadata: {name: b}}", mergePatch).refused(400, "BadRequest", "name")
	}},
	{"an empty patch keeps the version", func(s *scene) {
		a := s.full()
		s.patch("configmaps/a", "{}", mergePatch).is(200).same("", a)
		s.patch("configmaps/a", "{data: {a: '1'}}", mergePatch).is(200).same("metadata.resourceVersion", a)
	}},
	{"a patch that is no object is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "[1]", mergePatch).refused(400, "BadRequest")
	}},
	{"a value of the wrong type is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "{data: 1}", mergePatch).refused(422, "Invalid")
	}},
	{"an object that is not there is NotFound", func(s *scene) {
		s.patch("configmaps/a", "{data: {a: '1'}}", mergePatch).refused(404, "NotFound", `configmaps "a" not found`)
	}},
	{"generation grows with the spec", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.patch("deployments/a", "{metadata: {labels: {k: v}}}", mergePatch).is(200).has("metadata.generation", 1)
		s.patch("deployments/a", "{spec: {replicas: 4}}", mergePatch).is(200).has("metadata.generation", 2).has("spec.replicas", 4)
	}},
	{"the patcher owns what it changed", func(s *scene) {
		s.post("configmaps?fieldManager=one", configMap("a", "1")).is(201)
		s.patch("configmaps/a?fieldManager=two", "{data: {b: '2'}}", mergePatch).is(200).
			has("metadata.managedFields.1.manager", "two").has("metadata.managedFields.1.operation", "Update").
			has("metadata.managedFields.1.fieldsV1", "{'f:data': {'f:b': {}}}")
	}},
	{"a patch of the main resource does not touch the status", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		a := s.get("deployments/a")
		s.patch("deployments/a", "{status: {replicas: 5}}", mergePatch).is(200).has("status", "{}").same("metadata.resourceVersion", a)
	}},
}

var strategicCases = []testCase{
	{"maps are merged, and null removes", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "{data: {a: null, c: '3'}}", strategicPatch).is(200).has("data", "{b: '2', c: '3'}")
	}},
	{"containers are merged by name", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		a := s.patch("deployments/a", "{spec: {template: {spec: {containers: [{name: side, image: 'side:1'}, {name: main, image: 'main:2'}]}}}}", strategicPatch).is(200)
		a.has("metadata.generation", 2).has("spec.template.spec.containers.#", nil)
		images := map[string]any{}
		for i := range 2 {
			c, _ := a.at("spec.template.spec.containers").([]any)
			if len(c) != 2 {
				s.fatalf("containers: %v", c)
			}
			m := c[i].(map[string]any)
			images[m["name"].(string)] = m["image"]
		}
		if got := canonical(images); got != `{"main":"main:2","side":"side:1"}` {
			s.errorf("the containers are %s", got)
		}
	}},
	{"$patch: delete removes an element", func(s *scene) {
		s.twoContainers()
		s.patch("deployments/a", "{spec: {template: {spec: {containers: [{name: side, $patch: delete}]}}}}", strategicPatch).is(200).
			has("spec.template.spec.containers.0.name", "main").lacks("spec.template.spec.containers.1")
	}},
	{"$patch: replace replaces a list and a map", func(s *scene) {
		s.twoContainers()
		s.patch("deployments/a", "{spec: {template: {spec: {containers: [{$patch: replace}, {name: only, image: x}]}}}}", strategicPatch).is(200).
			has("spec.template.spec.containers.0.name", "only").lacks("spec.template.spec.containers.1")
		s.full()
		s.patch("configmaps/a", "{data: {$patch: replace, z: '1'}}", strategicPatch).is(200).has("data", "{z: '1'}")
	}},
	{"$setElementOrder orders a list", func(s *scene) {
		s.twoContainers()
		s.patch("deployments/a", "{spec: {template: {spec: {$setElementOrder/containers: [{name: side}, {name: main}], containers: [{name: main, image: z}]}}}}", strategicPatch).
			is(200).has("spec.template.spec.containers.0.name", "side").has("spec.template.spec.containers.1.name", "main").has("spec.template.spec.containers.1.image", "z")
	}},
	{"$deleteFromPrimitiveList removes values", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [e.com/a, e.com/b]}}").is(201)
		s.patch("configmaps/a", "{metadata: {$deleteFromPrimitiveList/finalizers: [e.com/a]}}", strategicPatch).is(200).has("metadata.finalizers", "[e.com/b]")
	}},
	{"a list of values with the strategy merge is merged", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [e.com/a]}}").is(201)
		a := s.patch("configmaps/a", "{metadata: {finalizers: [e.com/b]}}", strategicPatch).is(200)
		if l, _ := a.at("metadata.finalizers").([]any); len(l) != 2 {
			s.errorf("the finalizers are %v", l)
		}
	}},
	{"a list without a strategy is replaced", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.patch("deployments/a", "{spec: {template: {spec: {containers: [{name: main, args: [a, b]}]}}}}", strategicPatch).is(200).
			has("spec.template.spec.containers.0.args", "[a, b]").has("spec.template.spec.containers.0.image", "example.com/main:1")
		s.patch("deployments/a", "{spec: {template: {spec: {containers: [{name: main, args: [c]}]}}}}", strategicPatch).is(200).
			has("spec.template.spec.containers.0.args", "[c]")
	}},
	{"ports of a Service are merged by their number", func(s *scene) {
		s.post("services", "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: None, selector: {a: b}, ports: [{name: a, port: 1}, {name: b, port: 2}]}}").is(201)
		s.patch("services/a", "{spec: {ports: [{port: 2, name: c}]}}", strategicPatch).is(200).
			has("spec.ports.0.name", "a").has("spec.ports.1.name", "c").has("spec.ports.1.port", 2)
	}},
	{"env of a container is merged by name", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.patch("deployments/a", "{spec: {template: {spec: {containers: [{name: main, env: [{name: A, value: '1'}, {name: B, value: '2'}]}]}}}}", strategicPatch).is(200)
		s.patch("deployments/a", "{spec: {template: {spec: {containers: [{name: main, env: [{name: A, value: '3'}, {name: B, $patch: delete}]}]}}}}", strategicPatch).is(200).
			has("spec.template.spec.containers.0.env", "[{name: A, value: '3'}]")
	}},
	{"an element without its key is refused", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		if a := s.patch("deployments/a", "{spec: {template: {spec: {containers: [{image: x}]}}}}", strategicPatch); a.code < 400 {
			s.errorf("status %d", a.code)
		}
	}},
	{"an old version is a conflict", func(s *scene) {
		a := s.full()
		s.update("configmaps/a", a, "data.a", "2").is(200)
		s.patch("configmaps/a", "{metadata: {resourceVersion: '"+a.version()+"'}, data: {a: '9'}}", strategicPatch).refused(409, "Conflict")
	}},
	{"an unknown content type is refused", func(s *scene) {
		s.full()
		s.patch("configmaps/a", "{data: {}}", "Content-Type: application/patch").refused(415, "UnsupportedMediaType")
	}},
	{"a patch of a collection is not allowed", func(s *scene) {
		s.full()
		s.patch("configmaps", "{data: {}}", strategicPatch).refused(405, "MethodNotAllowed")
	}},
}

func (s *scene) twoContainers() {
	s.post("deployments", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}},
		spec: {containers: [{name: main, image: x}, {name: side, image: z}]}}}}`).is(201)
}
