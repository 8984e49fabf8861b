package conformance

// find returns the element of a list whose field has a value.
func (a *answer) find(path, field, value string) map[string]any {
	list, _ := a.at(path).([]any)
	for _, e := range list {
		if m, _ := e.(map[string]any); m[field] == value {
			return m
		}
	}
	a.s.fatalf("%s: no %s %s in %s", a.what, field, value, path)
	return nil
}

// of returns a part of an answer as an answer.
func (a *answer) of(part map[string]any, what string) *answer {
	return &answer{s: a.s, what: a.what + ": " + what, code: a.code, object: part}
}

const aggregated = with("Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json")

var discoveryCases = []testCase{
	{"/api names the versions", func(s *scene) {
		s.get("/api").is(200).has("kind", "APIVersions").has("versions", "[v1]")
	}},
	{"/apis names the groups and their versions", func(s *scene) {
		a := s.get("/apis").is(200).has("kind", "APIGroupList")
		a.of(a.find("groups", "name", "apps"), "apps").has("versions", "[{groupVersion: apps/v1, version: v1}]").
			has("preferredVersion", "{groupVersion: apps/v1, version: v1}")
		for _, group := range []string{"batch", "coordination.k8s.io", "rbac.authorization.k8s.io", "apiextensions.k8s.io", "networking.k8s.io"} {
			a.find("groups", "name", group)
		}
	}},
	{"/apis/GROUP is one group", func(s *scene) {
		s.get("/apis/apps").is(200).has("kind", "APIGroup").has("name", "apps").has("preferredVersion.version", "v1")
	}},
	{"/api/v1 names the resources", func(s *scene) {
		a := s.get("/api/v1").is(200).has("kind", "APIResourceList").has("groupVersion", "v1")
		a.of(a.find("resources", "name", "configmaps"), "configmaps").has("kind", "ConfigMap").has("namespaced", true).has("singularName", "configmap").
			has("shortNames", "[cm]").has("verbs", "[create, delete, deletecollection, get, list, patch, update, watch]").set("storageVersionHash")
		a.of(a.find("resources", "name", "namespaces"), "namespaces").has("namespaced", false)
		a.of(a.find("resources", "name", "pods/status"), "pods/status").has("kind", "Pod").has("verbs", "[get, patch, update]")
	}},
	{"/apis/apps/v1 names the scale with its kind", func(s *scene) {
		a := s.get("/apis/apps/v1").is(200)
		a.of(a.find("resources", "name", "deployments/scale"), "scale").has("kind", "Scale").has("group", "autoscaling").has("version", "v1")
		a.of(a.find("resources", "name", "deployments"), "deployments").has("categories", "[all]").has("shortNames", "[deploy]")
	}},
	{"a group that is not there is 404", func(s *scene) {
		if a := s.get("/apis/nothing.example.com"); a.code != 404 {
			s.errorf("status %d", a.code)
		}
		if a := s.get("/apis/apps/v9"); a.code != 404 {
			s.errorf("status %d", a.code)
		}
	}},
	{"aggregated discovery of /apis has groups, versions and resources", func(s *scene) {
		a := s.get("/apis", aggregated).is(200).has("kind", "APIGroupDiscoveryList").has("apiVersion", "apidiscovery.k8s.io/v2")
		var apps *answer
		items, _ := a.at("items").([]any)
		for _, i := range items {
			if g := a.of(i.(map[string]any), "apps"); g.at("metadata.name") == "apps" {
				apps = g
			}
		}
		if apps == nil {
			s.fatalf("no group apps")
		}
		apps.has("versions.0.version", "v1").has("versions.0.freshness", "Current")
		d := a.of(apps.find("versions.0.resources", "resource", "deployments"), "deployments")
		d.has("responseKind.kind", "Deployment").has("scope", "Namespaced").has("singularResource", "deployment").
			has("verbs", "[create, delete, deletecollection, get, list, patch, update, watch]")
		d.of(d.find("subresources", "subresource", "scale"), "scale").has("responseKind", "{group: autoscaling, version: v1, kind: Scale}")
		d.find("subresources", "subresource", "status")
	}},
	{"aggregated discovery of /api has the core group", func(s *scene) {
		a := s.get("/api", aggregated).is(200).has("kind", "APIGroupDiscoveryList")
		a.of(a.find("items.0.versions.0.resources", "resource", "configmaps"), "configmaps").has("responseKind.kind", "ConfigMap").has("scope", "Namespaced")
		a.of(a.find("items.0.versions.0.resources", "resource", "namespaces"), "namespaces").has("scope", "Cluster")
	}},
	{"aggregated discovery names its format and has an ETag", func(s *scene) {
		a := s.get("/apis", aggregated).is(200).headerIs("Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
		if a.header.Get("ETag") == "" {
			s.errorf("no ETag")
		}
	}},
	{"/version names the version", func(s *scene) {
		s.get("/version").is(200).has("major", "1").set("minor", "gitVersion", "platform")
	}},
	{"/readyz, /livez and /healthz are ok", func(s *scene) {
		for _, path := range []string{"/readyz", "/livez", "/healthz"} {
			if a := s.get(path).is(200); string(a.body) != "ok" {
				s.errorf("%s: %s", path, a.body)
			}
		}
	}},
	{"a method that a resource does not have is refused", func(s *scene) {
		s.post("configmaps/a", configMap("a", "1")).refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource").has("details", "{}")
	}},
}
