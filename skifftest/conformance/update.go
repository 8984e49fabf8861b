package conformance

var updateCases = []testCase{
	{"the answer is 200 with a new version and the same uid", func(s *scene) {
		a := s.make("a", "1")
		b := s.update("configmaps/a", a, "data.a", "2").is(200).has("data.a", "2").same("metadata.uid", a).
			same("metadata.creationTimestamp", a).differs("metadata.resourceVersion", a)
		s.get("configmaps/a").same("", b)
	}},
	{"versions grow", func(s *scene) {
		a := s.make("a", "1")
		b := s.update("configmaps/a", a, "data.a", "2").is(200)
		c := s.make("c", "1")
		if !less(a.version(), b.version()) || !less(b.version(), c.version()) {
			s.errorf("versions %s, %s, %s", a.version(), b.version(), c.version())
		}
	}},
	{"an old version is a conflict", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a", a, "data.a", "2").is(200)
		s.update("configmaps/a", a, "data.a", "3").refused(409, "Conflict", `Operation cannot be fulfilled on configmaps "a": the object has been modified; `+
			"please apply your changes to the latest version and try again").has("details", "{name: a, kind: configmaps}")
		s.get("configmaps/a").has("data.a", "2")
	}},
	{"a conflict names the group", func(s *scene) {
		a := s.post("deployments", deployment("a")).is(201)
		s.update("deployments/a", a, "spec.replicas", 2).is(200)
		s.update("deployments/a", a, "spec.replicas", 3).refused(409, "Conflict").has("details", "{name: a, group: apps, kind: deployments}")
	}},
	{"without a version the object is replaced", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a", a, "data.a", "2").is(200)
		s.put("configmaps/a", configMap("a", "3")).is(200).has("data.a", "3").same("metadata.uid", a)
	}},
	{"a version that is no number is refused", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a", a, "metadata.resourceVersion", "x").refused(500, "", `strconv.ParseUint: parsing "x": invalid syntax`)
	}},
	{"what the body leaves out is removed", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {k: v}, annotations: {k: v}}, data: {a: '1', b: '2'}}").is(201)
		s.put("configmaps/a", configMap("a", "1")).is(200).has("data", "{a: '1'}").lacks("metadata.labels", "metadata.annotations")
	}},
	{"an update that changes nothing keeps the version", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a", a).is(200).same("metadata.resourceVersion", a)
		s.update("configmaps/a", a, "metadata.resourceVersion", nil).is(200).same("metadata.resourceVersion", a)
	}},
	{"an object that is not there is NotFound", func(s *scene) {
		s.put("configmaps/a", configMap("a", "1")).refused(404, "NotFound", `configmaps "a" not found`)
	}},
	{"an object with a version that is not there is NotFound or a conflict by uid", func(s *scene) {
		a := s.make("a", "1")
		s.delete("configmaps/a").is(200)
		s.update("configmaps/a", a, "data.a", "2").refused(404, "NotFound")
	}},
	{"another name than the path's is refused", func(s *scene) {
		s.make("a", "1")
		s.put("configmaps/a", configMap("b", "1")).refused(400, "BadRequest", "the name of the object (b) does not match the name on the URL (a)")
	}},
	{"an object without a name is refused", func(s *scene) {
		s.make("a", "1")
		s.put("configmaps/a", "{apiVersion: v1, kind: ConfigMap}").refused(400, "BadRequest", "name")
	}},
	{"another namespace than the path's is refused", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a", a, "metadata.namespace", "other").refused(400, "BadRequest", "namespace")
	}},
	{"another uid is a conflict", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a", a, "metadata.uid", "11111111-2222-3333-4444-555555555555").refused(409, "Conflict", "Precondition failed: UID in precondition")
	}},
	{"the uid of an earlier object of that name is a conflict", func(s *scene) {
		a := s.make("a", "1")
		s.delete("configmaps/a").is(200)
		s.make("a", "2")
		s.update("configmaps/a", a, "metadata.resourceVersion", nil).refused(409, "Conflict")
	}},
	{"creationTimestamp and deletionTimestamp cannot be changed", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a", a, "metadata.creationTimestamp", "2001-02-03T04:05:06Z", "data.a", "2").is(200).
			same("metadata.creationTimestamp", a)
		s.update("configmaps/a", s.get("configmaps/a"), "metadata.deletionTimestamp", "2001-02-03T04:05:06Z", "data.a", "3").
			refused(422, "Invalid", "metadata.deletionTimestamp", "field is immutable")
	}},
	{"generation grows with the spec and not with metadata", func(s *scene) {
		a := s.post("deployments", deployment("a")).is(201)
		b := s.update("deployments/a", a, "metadata.labels", "{k: v}").is(200).has("metadata.generation", 1)
		s.update("deployments/a", b, "spec.replicas", 3, "metadata.generation", 9).is(200).has("metadata.generation", 2)
	}},
	{"labels and annotations can be set and removed", func(s *scene) {
		a := s.make("a", "1")
		b := s.update("configmaps/a", a, "metadata.labels", "{k: v, l: w}", "metadata.annotations", "{x: z}").is(200)
		s.update("configmaps/a", b, "metadata.labels.k", nil, "metadata.annotations", nil).is(200).
			has("metadata.labels", "{l: w}").lacks("metadata.annotations")
	}},
	{"who changes a field owns it", func(s *scene) {
		a := s.post("configmaps?fieldManager=one", configMap("a", "1")).is(201)
		b := s.update("configmaps/a?fieldManager=two", a, "data.b", "2").is(200)
		b.has("metadata.managedFields.0.manager", "one").has("metadata.managedFields.0.fieldsV1", "{'f:data': {'.': {}, 'f:a': {}}}").
			has("metadata.managedFields.1.manager", "two").has("metadata.managedFields.1.fieldsV1", "{'f:data': {'f:b': {}}}")
		s.update("configmaps/a?fieldManager=two", b, "data.a", "3").is(200).
			has("metadata.managedFields.0.fieldsV1", "{'f:data': {}}").
			has("metadata.managedFields.1.fieldsV1", "{'f:data': {'f:a': {}, 'f:b': {}}}")
	}},
	{"an empty managedFields entry removes all owners", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a", a, "metadata.managedFields", "[{}]").is(200).lacks("metadata.managedFields")
	}},
	{"an immutable ConfigMap cannot be changed", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {a: '1'}}").is(201)
		s.update("configmaps/a", s.get("configmaps/a"), "data.a", "2").refused(422, "Invalid", "immutable")
	}},
	{"a put to a collection is not allowed", func(s *scene) {
		s.put("configmaps", configMap("a", "1")).refused(405, "MethodNotAllowed")
	}},
}

// less compares two versions as the numbers that they are since Kubernetes 1.35 (KEP-5504).
func less(a, b string) bool { return len(a) < len(b) || len(a) == len(b) && a < b }
