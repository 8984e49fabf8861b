package conformance

import (
	"fmt"
	"regexp"
	"strings"
)

// configMap is the body of a ConfigMap with one value.
func configMap(name, value string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}, data: {a: %q}}", name, value)
}

// make creates a ConfigMap with one value and returns the answer.
func (s *scene) make(name, value string) *answer {
	return s.post("configmaps", configMap(name, value)).is(201)
}

var createCases = []testCase{
	{"the answer is 201 with the object as stored", func(s *scene) {
		s.make("a", "1").has("kind", "ConfigMap").has("apiVersion", "v1").has("metadata.name", "a").
			has("metadata.namespace", s.ns).has("data", "{a: '1'}").same("", s.get("configmaps/a").is(200))
	}},
	{"uid, resourceVersion and creationTimestamp are the server's", func(s *scene) {
		a := s.post("configmaps", `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: 11111111-2222-3333-4444-555555555555,
			creationTimestamp: '2001-02-03T04:05:06Z', selfLink: /x}}`).is(201).set("metadata.resourceVersion").
			lacks("metadata.generation", "metadata.deletionTimestamp", "metadata.selfLink")
		if a.text("metadata.uid") == "11111111-2222-3333-4444-555555555555" {
			s.errorf("the client's uid was stored")
		}
		if at := a.text("metadata.creationTimestamp"); strings.HasPrefix(at, "2001") || !strings.HasSuffix(at, "Z") {
			s.errorf("creationTimestamp is %s", at)
		}
	}},
	{"uids differ and have the form of an UUID", func(s *scene) {
		a, b := s.make("a", "1"), s.make("b", "1")
		b.differs("metadata.uid", a).differs("metadata.resourceVersion", a)
		if uid := a.text("metadata.uid"); !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(uid) {
			s.errorf("the uid is %s", uid)
		}
	}},
	{"a taken name is refused", func(s *scene) {
		s.make("a", "1")
		s.post("configmaps", configMap("a", "2")).refused(409, "AlreadyExists", `configmaps "a" already exists`).
			has("details", "{name: a, kind: configmaps}")
		s.get("configmaps/a").has("data.a", "1")
	}},
	{"a taken name of a group is refused with the group", func(s *scene) {
		body := "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: a}}"
		s.post("leases", body).is(201)
		s.post("leases", body).refused(409, "AlreadyExists", `leases.coordination.k8s.io "a" already exists`).
			has("details", "{name: a, group: coordination.k8s.io, kind: leases}")
	}},
	{"the same name is free in another namespace and for another kind", func(s *scene) {
		s.make("a", "1")
		s.post("secrets", "{apiVersion: v1, kind: Secret, metadata: {name: a}}").is(201)
		other := s.post("/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {generateName: other-}}").is(201).text("metadata.name")
		s.atEnd("/api/v1/namespaces/" + other)
		s.post("/api/v1/namespaces/"+other+"/configmaps", configMap("a", "2")).is(201).has("metadata.namespace", other)
		s.get("configmaps/a").has("data.a", "1")
	}},
	{"generateName gets a suffix of five characters", func(s *scene) {
		body := "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}"
		a, b := s.post("configmaps", body).is(201).has("metadata.generateName", "a-"), s.post("configmaps", body).is(201)
		b.differs("metadata.name", a)
		if name := a.text("metadata.name"); !regexp.MustCompile(`^a-[a-z0-9]{5}$`).MatchString(name) {
			s.errorf("the name is %s", name)
		}
		s.get("configmaps/" + a.text("metadata.name")).is(200)
	}},
	{"a name takes precedence over generateName", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, generateName: b-}}").is(201).
			has("metadata.name", "a").has("metadata.generateName", "b-")
	}},
	{"a long generateName is cut, and the name has 63 characters", func(s *scene) {
		a := s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: "+strings.Repeat("a", 70)+"}}").is(201)
		if name := a.text("metadata.name"); len(name) != 63 || !strings.HasPrefix(name, strings.Repeat("a", 58)) {
			s.errorf("the name is %s (%d)", name, len(name))
		}
	}},
	{"an object without a name is refused", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, data: {a: b}}").refused(422, "Invalid", "name or generateName is required").
			has("details.kind", "ConfigMap").has("details.causes.0.field", "metadata.name").has("details.causes.0.reason", "FieldValueRequired")
	}},
	{"an invalid name is refused", func(s *scene) {
		s.post("configmaps", configMap("No_Name", "1")).refused(422, "Invalid", "metadata.name", "No_Name").
			has("details.causes.0.field", "metadata.name").has("details.causes.0.reason", "FieldValueInvalid").has("details.name", "No_Name")
	}},
	{"a name of 253 characters is accepted, and one of 254 is not", func(s *scene) {
		s.make(strings.Repeat("a", 253), "1")
		s.post("configmaps", configMap(strings.Repeat("a", 254), "1")).refused(422, "Invalid", "metadata.name")
	}},
	{"an invalid label is refused", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {k: 'no label'}}}").
			refused(422, "Invalid", "metadata.labels", "no label")
	}},
	{"an invalid annotation key is refused", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {'no key': x}}}").
			refused(422, "Invalid", "metadata.annotations")
	}},
	{"the resourceVersion 0 is none", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, resourceVersion: '0'}}").is(201)
	}},
	{"a resourceVersion is refused", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, resourceVersion: '1'}}").
			refused(500, "", "resourceVersion should not be set on objects to be created")
	}},
	{"a namespace other than the path's is refused", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: other}}").
			refused(400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request")
	}},
	{"a namespace that does not exist is refused", func(s *scene) {
		s.post("/api/v1/namespaces/"+s.unique()+"/configmaps", configMap("a", "1")).refused(404, "NotFound", "namespaces").
			has("details.kind", "namespaces")
	}},
	{"a namespaced kind at the path of all namespaces is refused", func(s *scene) {
		s.post("/api/v1/configmaps", configMap("a", "1")).refused(405, "MethodNotAllowed")
	}},
	{"another kind than the path's is refused", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: Secret, metadata: {name: a}}").refused(400, "BadRequest", "Secret", "ConfigMap")
	}},
	{"another version than the path's is refused", func(s *scene) {
		s.post("deployments", "{apiVersion: apps/v2, kind: Deployment, metadata: {name: a}}").refused(400, "BadRequest", "apps/v2")
	}},
	{"an object without kind and apiVersion is taken as the path's", func(s *scene) {
		s.post("configmaps", "{metadata: {name: a}, data: {a: '1'}}").is(201).has("kind", "ConfigMap").has("apiVersion", "v1")
	}},
	{"a body that is no JSON is refused", func(s *scene) {
		s.post("configmaps", `{"apiVersion": "v1", "kind": `, "Content-Type: application/json").refused(400, "BadRequest")
	}},
	{"a field of the wrong type is refused", func(s *scene) {
		s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: [1]}").refused(400, "BadRequest", "data")
	}},
	{"an object of a kind without namespaces has none", func(s *scene) {
		name := s.unique()
		s.atEnd("/apis/rbac.authorization.k8s.io/v1/clusterroles/" + name)
		s.post("/apis/rbac.authorization.k8s.io/v1/clusterroles",
			"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: "+name+"}, rules: []}").is(201).
			has("metadata.name", name).lacks("metadata.namespace")
	}},
	{"generation begins with 1 where a kind has one", func(s *scene) {
		s.post("deployments", deployment("a")).is(201).has("metadata.generation", 1)
	}},
	{"a status is not stored by a create", func(s *scene) {
		a := s.post("deployments", strings.Replace(deployment("a"), "spec:", "status: {replicas: 5}, spec:", 1)).is(201)
		a.has("status", "{}")
	}},
	{"the creator is in managedFields", func(s *scene) {
		s.post("configmaps?fieldManager=me", configMap("a", "1")).is(201).
			has("metadata.managedFields.0.manager", "me").has("metadata.managedFields.0.operation", "Update").
			has("metadata.managedFields.0.apiVersion", "v1").has("metadata.managedFields.0.fieldsType", "FieldsV1").
			has("metadata.managedFields.0.fieldsV1", "{'f:data': {'.': {}, 'f:a': {}}}").set("metadata.managedFields.0.time")
	}},
	{"without fieldManager the manager is the user agent's name", func(s *scene) {
		s.post("configmaps", configMap("a", "1"), "User-Agent: tester/1.2 (x)").is(201).has("metadata.managedFields.0.manager", "tester")
	}},
	{"a fieldManager of more than 128 characters is refused", func(s *scene) {
		s.post("configmaps?fieldManager="+strings.Repeat("a", 128), configMap("a", "1")).is(201)
		s.post("configmaps?fieldManager="+strings.Repeat("a", 129), configMap("b", "1")).refused(422, "Invalid", "fieldManager")
	}},
	{"an object over the limit of a request is refused", func(s *scene) {
		s.post("configmaps", configMap("a", strings.Repeat("x", 3<<20+1024))).refused(413, "RequestEntityTooLarge")
	}},
	{"data of a Secret is base64, and stringData is merged into it", func(s *scene) {
		s.post("secrets", "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: YQ==}, stringData: {b: b}}").is(201).
			has("data", "{a: YQ==, b: Yg==}").lacks("stringData").has("type", "Opaque")
	}},
}

// deployment is the body of a Deployment of one replica with the labels app: NAME.
func deployment(name string) string {
	return strings.ReplaceAll(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {replicas: 1, selector: {matchLabels: {app: NAME}},
		template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: main, image: 'example.com/main:1'}]}}}}`, "NAME", name)
}

// pod is the body of a Pod with one container.
func pod(name string) string {
	return "{apiVersion: v1, kind: Pod, metadata: {name: " + name + ", labels: {app: " + name + "}}, spec: {containers: [{name: main, image: 'example.com/main:1'}]}}"
}
