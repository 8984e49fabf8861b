package conformance

import "fmt"

// owned is the body of a ConfigMap that belongs to another.
func ownedBy(name string, owner *answer, more string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: %s, uid: %s%s}]}}",
		name, owner.text("metadata.name"), owner.text("metadata.uid"), more)
}

var ownerCases = []testCase{
	{"what belongs to a deleted object goes", func(s *scene) {
		owner := s.make("owner", "1")
		s.post("configmaps", ownedBy("a", owner, "")).is(201).has("metadata.ownerReferences.0.name", "owner")
		s.make("b", "1")
		s.delete("configmaps/owner?propagationPolicy=Background").is(200)
		s.eventually("a is gone", func() bool { return s.get("configmaps/a").code == 404 })
		s.get("configmaps").names("b")
	}},
	{"what has another owner stays", func(s *scene) {
		owner, other := s.make("owner", "1"), s.make("other", "1")
		s.post("configmaps", fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: %s},
			{apiVersion: v1, kind: ConfigMap, name: other, uid: %s}]}}`, owner.text("metadata.uid"), other.text("metadata.uid"))).is(201)
		s.post("configmaps", ownedBy("b", owner, "")).is(201)
		s.delete("configmaps/owner?propagationPolicy=Background").is(200)
		s.eventually("b is gone", func() bool { return s.get("configmaps/b").code == 404 })
		s.get("configmaps").names("a", "other")
	}},
	{"orphan removes the reference and leaves the object", func(s *scene) {
		owner := s.make("owner", "1")
		s.post("configmaps", ownedBy("a", owner, "")).is(201)
		s.delete("configmaps/owner?propagationPolicy=Orphan").is(200)
		s.eventually("the owner is gone", func() bool { return s.get("configmaps/owner").code == 404 })
		s.get("configmaps/a").is(200).lacks("metadata.ownerReferences")
	}},
	{"foreground waits for what blocks", func(s *scene) {
		owner := s.make("owner", "1")
		s.post("configmaps", fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [e.com/hold],
			ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: %s, blockOwnerDeletion: true}]}}`, owner.text("metadata.uid"))).is(201)
		s.delete("configmaps/owner?propagationPolicy=Foreground").is(200).has("metadata.finalizers", "[foregroundDeletion]")
		s.eventually("a is being deleted", func() bool { return s.get("configmaps/a").at("metadata.deletionTimestamp") != nil })
		s.get("configmaps/owner").is(200)
		s.patch("configmaps/a", "{metadata: {finalizers: null}}", mergePatch).is(200)
		s.eventually("the owner is gone", func() bool { return s.get("configmaps/owner").code == 404 })
	}},
	{"two controllers are refused", func(s *scene) {
		owner := s.make("owner", "1")
		uid := owner.text("metadata.uid")
		s.post("configmaps", fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: %s, controller: true},
			{apiVersion: v1, kind: ConfigMap, name: other, uid: 11111111-2222-3333-4444-555555555555, controller: true}]}}`, uid)).
			refused(422, "Invalid", "metadata.ownerReferences", "Only one reference can have Controller set to true")
	}},
	{"a reference without a uid, name, kind or version is refused", func(s *scene) {
		for _, reference := range []string{"{apiVersion: v1, kind: ConfigMap, name: x}", "{apiVersion: v1, kind: ConfigMap, uid: x}", "{apiVersion: v1, name: x, uid: x}", "{kind: ConfigMap, name: x, uid: x}"} {
			s.post("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, ownerReferences: ["+reference+"]}}").refused(422, "Invalid", "metadata.ownerReferences")
		}
	}},
}

var namespaceCases = []testCase{
	{"a new namespace is active", func(s *scene) {
		name := s.unique()
		s.atEnd("/api/v1/namespaces/" + name)
		s.post("/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: "+name+"}}").is(201).has("status.phase", "Active").
			has("spec.finalizers", "[kubernetes]").has("metadata.labels", "{kubernetes.io/metadata.name: "+name+"}")
	}},
	{"a deleted namespace goes, with what is in it", func(s *scene) {
		s.make("a", "1")
		s.delete("/api/v1/namespaces/"+s.ns).is(200).has("kind", "Namespace").has("status.phase", "Terminating").set("metadata.deletionTimestamp")
		s.eventually("the namespace is gone", func() bool { return s.get("/api/v1/namespaces/"+s.ns).code == 404 })
		s.get("/api/v1/namespaces/"+s.ns+"/configmaps/a").refused(404, "NotFound")
	}},
	{"nothing can be created in a namespace that is being deleted", func(s *scene) {
		s.post("configmaps", held).is(201)
		s.delete("/api/v1/namespaces/" + s.ns).is(200)
		s.post("configmaps", configMap("b", "1")).refused(403, "Forbidden", "because it is being terminated").
			has("details.causes.0.reason", "NamespaceTerminating").has("details.name", "b")
		s.eventually("a is being deleted", func() bool { return s.get("configmaps/a").at("metadata.deletionTimestamp") != nil })
		s.patch("configmaps/a", "{metadata: {finalizers: null}}", mergePatch).is(200)
	}},
	{"the namespaces of every cluster are there", func(s *scene) {
		for _, name := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
			name := name
			s.eventually(name+" is there", func() bool { return s.get("/api/v1/namespaces/"+name).code == 200 })
		}
	}},
	{"metadata.name can be selected by, and the label of the name", func(s *scene) {
		ns := s.namespace()
		s.get("/api/v1/namespaces?fieldSelector=" + escape("metadata.name="+ns)).names(ns)
		s.get("/api/v1/namespaces?labelSelector=" + escape("kubernetes.io/metadata.name="+ns)).names(ns)
		s.get("/api/v1/namespaces?fieldSelector=" + escape("status.phase=Active,metadata.name="+ns)).names(ns)
	}},
}
