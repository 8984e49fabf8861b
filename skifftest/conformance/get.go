package conformance

var getCases = []testCase{
	{"an object that is not there is NotFound", func(s *scene) {
		s.get("configmaps/a").refused(404, "NotFound", `configmaps "a" not found`).has("details", "{name: a, kind: configmaps}").has("metadata", "{}")
	}},
	{"NotFound names the group", func(s *scene) {
		s.get("deployments/a").refused(404, "NotFound", `deployments.apps "a" not found`).has("details", "{name: a, group: apps, kind: deployments}")
	}},
	{"a namespace that is not there has no objects", func(s *scene) {
		ns := s.unique()
		s.get("/api/v1/namespaces/"+ns+"/configmaps/a").refused(404, "NotFound", `configmaps "a" not found`)
		s.get("/api/v1/namespaces/" + ns + "/configmaps").names()
	}},
	{"resourceVersion 0 and a version that is there are answered", func(s *scene) {
		a := s.make("a", "1")
		s.get("configmaps/a?resourceVersion="+a.version()).is(200).same("metadata.resourceVersion", a)
		s.get("configmaps/a?resourceVersion=0").is(200).has("metadata.name", "a")
	}},
	{"a resourceVersion that is no number is refused", func(s *scene) {
		s.make("a", "1")
		s.get("configmaps/a?resourceVersion=x").refused(500, "", "resourceVersion: Invalid value: \"x\"")
	}},
	{"a resource that is not served is NotFound without details", func(s *scene) {
		a := s.get("/api/v1/namespaces/" + s.namespace() + "/nothings/a")
		a.refused(404, "NotFound", "the server could not find the requested resource")
	}},
	{"a group that is not served is 404", func(s *scene) {
		if a := s.get("/apis/nothing.example.com/v1/nothings"); a.code != 404 {
			s.errorf("status %d: %s", a.code, a.body)
		}
	}},
	{"a version that is not served is 404", func(s *scene) {
		if a := s.get("/apis/apps/v9/deployments"); a.code != 404 {
			s.errorf("status %d: %s", a.code, a.body)
		}
	}},
	{"a get changes nothing", func(s *scene) {
		a := s.make("a", "1")
		s.get("configmaps/a").is(200).same("metadata", a)
		s.get("configmaps/a").is(200).same("metadata", a)
	}},
	{"the answer is not to be cached, and names its format", func(s *scene) {
		s.make("a", "1")
		s.get("configmaps/a").is(200).headerIs("Cache-Control", "no-cache, private").headerIs("Content-Type", "application/json")
		s.get("configmaps/b").headerIs("Content-Type", "application/json")
	}},
	{"an answer names the request in Audit-Id", func(s *scene) {
		if id := s.get("configmaps/b").header.Get("Audit-Id"); id == "" {
			s.errorf("no Audit-Id")
		}
	}},
}
