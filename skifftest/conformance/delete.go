package conformance

// held is the body of a ConfigMap with a finalizer.
const held = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [example.com/hold]}, data: {a: '1'}}"

var deleteCases = []testCase{
	{"the answer of a ConfigMap is a Status of success", func(s *scene) {
		a := s.make("a", "1")
		s.delete("configmaps/a").is(200).has("kind", "Status").has("apiVersion", "v1").has("status", "Success").
			has("details.name", "a").has("details.kind", "configmaps").same("details.uid", &answer{s: s, object: map[string]any{"details": map[string]any{"uid": a.text("metadata.uid")}}})
		s.get("configmaps/a").refused(404, "NotFound")
	}},
	{"an object that is not there is NotFound", func(s *scene) {
		s.delete("configmaps/a").refused(404, "NotFound", `configmaps "a" not found`)
	}},
	{"a name is free after a delete, and the uid is a new one", func(s *scene) {
		a := s.make("a", "1")
		s.delete("configmaps/a").is(200)
		s.make("a", "1").differs("metadata.uid", a)
	}},
	{"a precondition of another uid is a conflict", func(s *scene) {
		a := s.make("a", "1")
		s.deleteWith("configmaps/a", "{preconditions: {uid: 11111111-2222-3333-4444-555555555555}}").
			refused(409, "Conflict", `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (11111111-2222-3333-4444-555555555555) `+
				"does not match the UID in record ("+a.text("metadata.uid")+")").
			has("details", "{name: a, kind: ConfigMap}")
		s.get("configmaps/a").is(200)
	}},
	{"a precondition of another version is a conflict", func(s *scene) {
		a := s.make("a", "1")
		b := s.update("configmaps/a", a, "data.a", "2").is(200)
		s.deleteWith("configmaps/a", "{preconditions: {resourceVersion: '"+a.version()+"'}}").
			refused(409, "Conflict", "the ResourceVersion in the precondition ("+a.version()+") does not match the ResourceVersion in record ("+b.version()+")")
		s.get("configmaps/a").is(200)
	}},
	{"preconditions that hold are met", func(s *scene) {
		a := s.make("a", "1")
		s.deleteWith("configmaps/a", "{preconditions: {uid: "+a.text("metadata.uid")+", resourceVersion: '"+a.version()+"'}}").is(200)
		s.get("configmaps/a").refused(404, "NotFound")
	}},
	{"a finalizer keeps the object, with deletionTimestamp and the answer 200", func(s *scene) {
		a := s.post("configmaps", held).is(201)
		b := s.delete("configmaps/a").is(200).has("kind", "ConfigMap").set("metadata.deletionTimestamp").has("metadata.deletionGracePeriodSeconds", 0).
			has("metadata.finalizers", []string{"example.com/hold"}).differs("metadata.resourceVersion", a).same("metadata.uid", a)
		s.get("configmaps/a").is(200).same("metadata.deletionTimestamp", b).same("metadata.resourceVersion", b)
	}},
	{"the object goes when its last finalizer is removed by an update", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.delete("configmaps/a").is(200)
		b := s.get("configmaps/a")
		s.update("configmaps/a", b, "metadata.finalizers", nil).is(200).lacks("metadata.finalizers").set("metadata.deletionTimestamp")
		s.get("configmaps/a").refused(404, "NotFound")
	}},
	{"the object goes when its last finalizer is removed by a patch", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.delete("configmaps/a").is(200)
		s.patch("configmaps/a", "{metadata: {finalizers: null}}", mergePatch).is(200).set("metadata.deletionTimestamp")
		s.get("configmaps/a").refused(404, "NotFound")
	}},
	{"the object stays while one of two finalizers is left", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [example.com/one, example.com/two]}}").is(201)
		s.delete("configmaps/a").is(200)
		s.patch("configmaps/a", "{metadata: {finalizers: [example.com/two]}}", mergePatch).is(200)
		s.get("configmaps/a").is(200).has("metadata.finalizers", []string{"example.com/two"})
		s.patch("configmaps/a", "[{op: remove, path: /metadata/finalizers/0}]", jsonPatch).is(200)
		s.get("configmaps/a").refused(404, "NotFound")
	}},
	{"finalizers that are removed without a delete leave the object", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.patch("configmaps/a", "{metadata: {finalizers: null}}", mergePatch).is(200)
		s.get("configmaps/a").is(200).lacks("metadata.deletionTimestamp")
	}},
	{"no finalizer can be added to an object that is being deleted", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.delete("configmaps/a").is(200)
		s.patch("configmaps/a", "{metadata: {finalizers: [example.com/hold, example.com/more]}}", mergePatch).
			refused(422, "Invalid", "metadata.finalizers", "no new finalizers can be added if the object is being deleted")
	}},
	{"other fields of an object that is being deleted can be changed", func(s *scene) {
		s.post("configmaps", held).is(201)
		a := s.delete("configmaps/a").is(200)
		s.patch("configmaps/a", "{data: {a: '2'}}", mergePatch).is(200).has("data.a", "2").same("metadata.deletionTimestamp", a)
	}},
	{"a second delete changes nothing", func(s *scene) {
		s.post("configmaps", held).is(201)
		a := s.delete("configmaps/a").is(200)
		s.delete("configmaps/a").is(200).same("metadata.deletionTimestamp", a).same("metadata.resourceVersion", a)
	}},
	{"a create of an object that is being deleted is refused", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.delete("configmaps/a").is(200)
		s.post("configmaps", configMap("a", "1")).refused(409, "AlreadyExists", "object is being deleted", `"a" already exists`)
	}},
	{"a deletion grows the generation", func(s *scene) {
		s.post("deployments", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, finalizers: [example.com/hold]}, spec: {selector: {matchLabels: {app: a}},
			template: {metadata: {labels: {app: a}}, spec: {containers: [{name: main, image: x}]}}}}`).is(201)
		s.delete("deployments/a").is(200).has("metadata.generation", 2)
	}},
	{"foreground adds its finalizer, and background leaves others", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.delete("configmaps/a?propagationPolicy=Foreground").is(200).set("metadata.deletionTimestamp").
			has("metadata.finalizers", []string{"example.com/hold", "foregroundDeletion"})
	}},
	{"orphan adds its finalizer", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.deleteWith("configmaps/a", "{propagationPolicy: Orphan}").is(200).
			has("metadata.finalizers", []string{"example.com/hold", "orphan"})
	}},
	{"an unknown propagation policy is refused", func(s *scene) {
		s.make("a", "1")
		s.delete("configmaps/a?propagationPolicy=Sideways").refused(422, "Invalid", "propagationPolicy")
		s.get("configmaps/a").is(200)
	}},
	{"orphanDependents and propagationPolicy together are refused", func(s *scene) {
		s.make("a", "1")
		s.deleteWith("configmaps/a", "{orphanDependents: true, propagationPolicy: Background}").refused(422, "Invalid")
	}},
	{"a grace period is ignored by kinds that have none", func(s *scene) {
		s.make("a", "1")
		s.deleteWith("configmaps/a", "{gracePeriodSeconds: 30}").is(200)
		s.get("configmaps/a").refused(404, "NotFound")
	}},
	{"a pod on a node gets its grace period and stays", func(s *scene) {
		body := "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeName: nowhere, terminationGracePeriodSeconds: 40, containers: [{name: main, image: x}]}}"
		s.post("pods", body).is(201)
		s.delete("pods/a").is(200).has("kind", "Pod").has("metadata.deletionGracePeriodSeconds", 40).set("metadata.deletionTimestamp")
		s.get("pods/a").is(200)
		s.deleteWith("pods/a", "{gracePeriodSeconds: 5}").is(200).has("metadata.deletionGracePeriodSeconds", 5)
		s.deleteWith("pods/a", "{gracePeriodSeconds: 0}").is(200)
		s.get("pods/a").refused(404, "NotFound")
	}},
	{"a pod without a node goes at once, and is the answer", func(s *scene) {
		s.post("pods", pod("a")).is(201)
		s.delete("pods/a").is(200).has("kind", "Pod").has("metadata.name", "a")
		s.get("pods/a").refused(404, "NotFound")
	}},
	{"options that are no DeleteOptions are refused", func(s *scene) {
		s.make("a", "1")
		s.delete("configmaps/a", "{apiVersion: v1, kind: ConfigMap}").refused(400, "BadRequest")
		s.get("configmaps/a").is(200)
	}},
}

var deleteCollectionCases = []testCase{
	{"all objects of the namespace go", func(s *scene) {
		s.make("a", "1")
		s.make("b", "1")
		s.delete("configmaps").is(200).has("kind", "ConfigMapList").names("a", "b")
		s.get("configmaps").names()
	}},
	{"a label selector chooses", func(s *scene) {
		s.labelled("a", "k: v")
		s.labelled("b", "k: w")
		s.delete("configmaps?labelSelector=k%3Dv").is(200).names("a")
		s.get("configmaps").names("b")
	}},
	{"a field selector chooses", func(s *scene) {
		s.make("a", "1")
		s.make("b", "1")
		s.delete("configmaps?fieldSelector=metadata.name%3Db").is(200)
		s.get("configmaps").names("a")
	}},
	{"objects with finalizers stay and are being deleted", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.make("b", "1")
		s.delete("configmaps").is(200)
		s.get("configmaps").names("a").set("items.0.metadata.deletionTimestamp")
	}},
	{"an empty collection is no error", func(s *scene) {
		s.delete("configmaps").is(200).has("kind", "ConfigMapList").names()
	}},
	{"a dry run deletes nothing", func(s *scene) {
		s.make("a", "1")
		s.delete("configmaps?dryRun=All").is(200)
		s.get("configmaps").names("a")
	}},
	{"another namespace keeps its objects", func(s *scene) {
		other := s.post("/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {generateName: other-}}").is(201).text("metadata.name")
		s.atEnd("/api/v1/namespaces/" + other)
		s.post("/api/v1/namespaces/"+other+"/configmaps", configMap("a", "1")).is(201)
		s.make("a", "1")
		s.delete("configmaps").is(200)
		s.get("/api/v1/namespaces/" + other + "/configmaps/a").is(200)
	}},
	{"the options' propagation policy holds for each", func(s *scene) {
		a := s.post("configmaps", held).is(201)
		w := s.watch("configmaps?resourceVersion=" + a.version()) // the garbage collection may be fast
		s.deleteWith("configmaps", "{propagationPolicy: Orphan}").is(200)
		w.want("MODIFIED a").has("metadata.finalizers", []string{"example.com/hold", "orphan"})
	}},
}

// labelled creates a ConfigMap with labels, given as "k: v, l: w".
func (s *scene) labelled(name, labels string) *answer {
	return s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: "+name+", labels: {"+labels+"}}}").is(201)
}
