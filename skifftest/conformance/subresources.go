package conformance

import "strings"

var statusCases = []testCase{
	{"an update of the status changes the status only", func(s *scene) {
		a := s.post("deployments", deployment("a")).is(201)
		b := s.update("deployments/a/status", a, "status.replicas", 3, "spec.replicas", 9, "metadata.labels", "{k: v}").is(200).
			has("status.replicas", 3).has("spec.replicas", 1).has("metadata.generation", 1).differs("metadata.resourceVersion", a)
		s.get("deployments/a").same("", b)
	}},
	{"an update of the object leaves the status", func(s *scene) {
		a := s.post("deployments", deployment("a")).is(201)
		b := s.update("deployments/a/status", a, "status.replicas", 3).is(200)
		s.update("deployments/a", b, "status.replicas", 7, "spec.replicas", 2).is(200).has("status.replicas", 3).has("spec.replicas", 2)
	}},
	{"a status that does not change keeps the version", func(s *scene) {
		a := s.post("deployments", deployment("a")).is(201)
		b := s.update("deployments/a/status", a, "status.replicas", 3).is(200)
		s.update("deployments/a/status", b, "spec.replicas", 9).is(200).same("metadata.resourceVersion", b)
	}},
	{"an old version is a conflict", func(s *scene) {
		a := s.post("deployments", deployment("a")).is(201)
		s.update("deployments/a/status", a, "status.replicas", 3).is(200)
		s.update("deployments/a/status", a, "status.replicas", 4).refused(409, "Conflict").has("details.name", "a")
	}},
	{"a get of the status is the object", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.get("deployments/a/status").is(200).has("kind", "Deployment").has("metadata.name", "a").set("spec.template")
	}},
	{"a merge patch of the status", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.patch("deployments/a/status", "{status: {replicas: 3}, spec: {replicas: 9}}", mergePatch).is(200).has("status.replicas", 3).has("spec.replicas", 1)
	}},
	{"a JSON patch of the status", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.patch("deployments/a/status", "[{op: add, path: /status/replicas, value: 3}]", jsonPatch).is(200).has("status.replicas", 3)
	}},
	{"a strategic patch merges conditions by type", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		condition := func(kind, status string) string {
			return "{status: {conditions: [{type: " + kind + ", status: '" + status + "', lastUpdateTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z'}]}}"
		}
		s.patch("deployments/a/status", condition("One", "True"), strategicPatch).is(200)
		s.patch("deployments/a/status", condition("Two", "True"), strategicPatch).is(200).set("status.conditions.1")
		s.patch("deployments/a/status", condition("One", "False"), strategicPatch).is(200).set("status.conditions.1").lacks("status.conditions.2")
	}},
	{"apply of the status owns the status", func(s *scene) {
		s.post("deployments?fieldManager=writer", deployment("a")).is(201)
		a := s.apply("deployments/a/status", "me", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, status: {replicas: 3}}").is(200).has("status.replicas", 3)
		if got := canonical(a.owners()["me Apply status"]); got != `{"f:status":{"f:replicas":{}}}` {
			s.errorf("the owner of the status has %s: %s", got, canonical(a.owners()))
		}
	}},
	{"an update of the status is owned with the subresource", func(s *scene) {
		a := s.post("deployments?fieldManager=writer", deployment("a")).is(201)
		b := s.update("deployments/a/status?fieldManager=me", a, "status.replicas", 3).is(200)
		if got := canonical(b.owners()["me Update status"]); got != `{"f:status":{"f:replicas":{}}}` {
			s.errorf("the owner of the status has %s: %s", got, canonical(b.owners()))
		}
	}},
	{"an object that is not there is NotFound", func(s *scene) {
		s.put("deployments/a/status", deployment("a")).refused(404, "NotFound", `deployments.apps "a" not found`)
		s.patch("deployments/a/status", "{status: {replicas: 3}}", mergePatch).refused(404, "NotFound")
	}},
	{"a kind without a status has no such path", func(s *scene) {
		s.make("a", "1")
		s.get("configmaps/a/status").refused(404, "NotFound")
	}},
	{"finalizers can be changed together with the status", func(s *scene) {
		a := s.post("deployments", strings.Replace(deployment("a"), "{name: a}", "{name: a, finalizers: [e.com/f]}", 1)).is(201)
		s.update("deployments/a/status", a, "metadata.finalizers", nil, "status.replicas", 3).is(200).lacks("metadata.finalizers").has("status.replicas", 3)
	}},
	{"the status of a pod", func(s *scene) {
		s.post("pods", pod("a")).is(201).has("status.phase", "Pending")
		s.patch("pods/a/status", "{status: {phase: Running, podIP: 10.1.2.3}}", strategicPatch).is(200).has("status.phase", "Running").has("status.podIP", "10.1.2.3")
	}},
	{"the status of a namespace and of a job", func(s *scene) {
		s.get("/api/v1/namespaces/"+s.namespace()).is(200).has("status.phase", "Active")
		s.post("jobs", "{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: x}]}}}}").is(201)
		s.patch("jobs/a/status", "{status: {active: 1, startTime: '2026-01-01T00:00:00Z'}}", mergePatch).is(200).has("status.active", 1)
	}},
}

var scaleCases = []testCase{
	{"a get has the replicas, the status and the selector", func(s *scene) {
		a := s.post("deployments", deployment("a")).is(201)
		s.get("deployments/a/scale").is(200).has("kind", "Scale").has("apiVersion", "autoscaling/v1").has("metadata.name", "a").
			has("spec.replicas", 1).has("status", "{replicas: 0, selector: app=a}").same("metadata.uid", a).same("metadata.resourceVersion", a)
	}},
	{"an update changes the replicas and the generation", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.update("deployments/a/scale", s.get("deployments/a/scale"), "spec.replicas", 4).is(200).has("kind", "Scale").has("spec.replicas", 4)
		s.get("deployments/a").has("spec.replicas", 4).has("metadata.generation", 2)
	}},
	{"a patch changes the replicas", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.patch("deployments/a/scale", "{spec: {replicas: 3}}", mergePatch).is(200).has("spec.replicas", 3)
		s.get("deployments/a").has("spec.replicas", 3)
	}},
	{"an old version is a conflict", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		scale := s.get("deployments/a/scale")
		s.patch("deployments/a", "{spec: {replicas: 2}}", mergePatch).is(200)
		s.update("deployments/a/scale", scale, "spec.replicas", 5).refused(409, "Conflict")
	}},
	{"a negative number is refused", func(s *scene) {
		s.post("deployments", deployment("a")).is(201)
		s.patch("deployments/a/scale", "{spec: {replicas: -1}}", mergePatch).refused(422, "Invalid", "spec.replicas")
	}},
	{"an object that is not there is NotFound", func(s *scene) {
		s.get("deployments/a/scale").refused(404, "NotFound", `deployments.apps "a" not found`)
	}},
	{"StatefulSets and ReplicaSets have one", func(s *scene) {
		for kind, resource := range map[string]string{"StatefulSet": "statefulsets", "ReplicaSet": "replicasets"} {
			s.post(resource, strings.Replace(deployment("a"), "Deployment", kind, 1)).is(201)
			s.patch(resource+"/a/scale", "{spec: {replicas: 3}}", mergePatch).is(200).has("kind", "Scale")
			s.get(resource+"/a").has("spec.replicas", 3)
		}
	}},
}

var dryRunCases = []testCase{
	{"a create is answered and not stored", func(s *scene) {
		s.post("configmaps?dryRun=All", configMap("a", "1")).is(201).set("metadata.uid", "metadata.creationTimestamp").has("data.a", "1")
		s.get("configmaps/a").refused(404, "NotFound")
	}},
	{"generateName gets a name", func(s *scene) {
		s.post("configmaps?dryRun=All", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}").is(201).set("metadata.name")
		s.get("configmaps").names()
	}},
	{"an update is answered and not stored", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a?dryRun=All", a, "data.a", "2").is(200).has("data.a", "2").same("metadata.resourceVersion", a)
		s.get("configmaps/a").same("", a)
	}},
	{"a patch and an apply are answered and not stored", func(s *scene) {
		a := s.make("a", "1")
		s.patch("configmaps/a?dryRun=All", "{data: {b: '2'}}", mergePatch).is(200).has("data.b", "2")
		s.apply("configmaps/a", "me&dryRun=All", data("{c: '3'}")).is(200).has("data.c", "3")
		s.get("configmaps/a").same("", a)
		s.apply("configmaps/b", "me&dryRun=All", "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}").is(201)
		s.get("configmaps/b").refused(404, "NotFound")
	}},
	{"a delete is answered and not done", func(s *scene) {
		s.make("a", "1")
		s.delete("configmaps/a?dryRun=All").is(200)
		s.get("configmaps/a").is(200)
	}},
	{"what would be refused is refused", func(s *scene) {
		a := s.make("a", "1")
		s.post("configmaps?dryRun=All", configMap("a", "1")).refused(409, "AlreadyExists")
		s.post("configmaps?dryRun=All", configMap("Bad", "1")).refused(422, "Invalid")
		s.update("configmaps/a", a, "data.a", "2").is(200)
		s.update("configmaps/a?dryRun=All", a, "data.a", "3").refused(409, "Conflict")
		s.delete("configmaps/b?dryRun=All").refused(404, "NotFound")
	}},
	{"any other value is refused", func(s *scene) {
		s.post("configmaps?dryRun=Some", configMap("a", "1")).refused(422, "Invalid", "dryRun")
		s.get("configmaps").names()
	}},
}

var validationCases = []testCase{
	{"Strict refuses an unknown field", func(s *scene) {
		s.post("configmaps?fieldValidation=Strict", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dato: {k: v}}").
			refused(400, "BadRequest", `unknown field "dato"`)
		s.get("configmaps").names()
	}},
	{"Strict refuses a field that stands twice", func(s *scene) {
		s.post("configmaps?fieldValidation=Strict", `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}, "data": {"k": "w"}}`,
			"Content-Type: application/json").refused(400, "BadRequest", `duplicate field "data"`)
	}},
	{"Warn stores the rest and warns", func(s *scene) {
		a := s.post("configmaps?fieldValidation=Warn", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dato: {k: v}}").is(201).lacks("dato")
		if w := a.header.Get("Warning"); !strings.Contains(w, `299 - "unknown field \"dato\""`) {
			s.errorf("the warning is %s", w)
		}
	}},
	{"without a choice the server warns", func(s *scene) {
		a := s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dato: {k: v}}").is(201).lacks("dato")
		if w := a.header.Get("Warning"); !strings.Contains(w, "dato") {
			s.errorf("the warning is %q", w)
		}
	}},
	{"Ignore drops it without a word", func(s *scene) {
		s.post("configmaps?fieldValidation=Ignore", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dato: {k: v}}").is(201).lacks("dato").headerIs("Warning", "")
	}},
	{"an update and a patch are checked too", func(s *scene) {
		a := s.make("a", "1")
		s.update("configmaps/a?fieldValidation=Strict", a, "dato", "{k: v}").refused(400, "BadRequest", "dato")
		s.patch("configmaps/a?fieldValidation=Strict", "{dato: {k: v}}", mergePatch).refused(422, "Invalid", "dato")
	}},
	{"any other value is refused", func(s *scene) {
		s.post("configmaps?fieldValidation=Maybe", configMap("a", "1")).refused(422, "Invalid", "fieldValidation")
	}},
}
