package conformance

import (
	"fmt"
	"strings"
)

// some creates ConfigMaps a, b, c, …, n of them, and returns the last answer.
func (s *scene) some(n int) (last *answer) {
	for i := range n {
		last = s.make(string(rune('a'+i)), "1")
	}
	return last
}

var listCases = []testCase{
	{"a list has its kind, a version and the items sorted by name", func(s *scene) {
		s.make("b", "1")
		s.make("c", "1")
		last := s.make("a", "1")
		a := s.get("configmaps").names("a", "b", "c").has("kind", "ConfigMapList").has("apiVersion", "v1").lacks("metadata.continue", "metadata.remainingItemCount")
		if less(a.version(), last.version()) {
			s.errorf("the list's version %s is less than an item's, %s", a.version(), last.version())
		}
	}},
	{"items have no kind and no apiVersion, and are as answered by get", func(s *scene) {
		s.make("a", "1")
		a := s.get("configmaps").lacks("items.0.kind", "items.0.apiVersion")
		a.has("items.0.metadata", s.get("configmaps/a").at("metadata")).has("items.0.data", "{a: '1'}")
	}},
	{"an empty list has items and a version", func(s *scene) {
		s.get("configmaps").names().has("items", "[]").set("metadata.resourceVersion")
	}},
	{"a list of all namespaces has those of each", func(s *scene) {
		s.labelled("a", "case: "+s.namespace())
		other := s.post("/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {generateName: other-}}").is(201).text("metadata.name")
		s.atEnd("/api/v1/namespaces/" + other)
		s.post("/api/v1/namespaces/"+other+"/configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, labels: {case: "+s.ns+"}}}").is(201)
		s.get("/api/v1/configmaps?labelSelector=case%3D"+s.ns).names("a", "b")
	}},
	{"label selectors", func(s *scene) {
		s.labelled("a", "k: v, tier: front")
		s.labelled("b", "k: w, tier: back")
		s.labelled("c", "tier: back")
		s.make("d", "1")
		for selector, want := range map[string]string{
			"k=v": "a", "k==v": "a", "k!=v": "b c d", "k": "a b", "!k": "c d", "k in (v,w)": "a b", "k notin (v)": "b c d",
			"tier=back,k": "b", "tier=back,!k": "c", "": "a b c d", "k=": "", "tier in (front),k=w": "",
		} {
			if got := strings.Join(s.get("configmaps?labelSelector="+escape(selector)).is(200).itemNames(), " "); got != want {
				s.errorf("the selector %q chooses %q, want %q", selector, got, want)
			}
		}
	}},
	{"a label selector that does not parse is refused", func(s *scene) {
		s.get("configmaps?labelSelector="+escape("k in v")).refused(400, "BadRequest", "unable to parse requirement")
		s.get("configmaps?labelSelector="+escape("k=a b")).refused(400, "BadRequest")
	}},
	{"a field selector of metadata.name", func(s *scene) {
		s.some(3)
		s.get("configmaps?fieldSelector=" + escape("metadata.name=b")).names("b")
		s.get("configmaps?fieldSelector="+escape("metadata.name!=b")).names("a", "c")
		s.get("configmaps?fieldSelector=" + escape("metadata.name=z")).names()
	}},
	{"a field selector of metadata.namespace", func(s *scene) {
		s.some(1)
		s.get("/api/v1/configmaps?fieldSelector=" + escape("metadata.namespace="+s.ns)).names("a")
		s.get("configmaps?fieldSelector=" + escape("metadata.namespace=other")).names()
	}},
	{"field selectors of pods", func(s *scene) {
		s.post("pods", pod("a")).is(201)
		s.post("pods", "{apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {nodeName: nowhere, restartPolicy: Never, containers: [{name: main, image: x}]}}").is(201)
		for selector, want := range map[string]string{
			"spec.nodeName=nowhere": "b", "spec.nodeName=": "a", "spec.restartPolicy=Never": "b", "status.phase=Pending": "a b", "status.phase!=Pending": "",
			"spec.nodeName=nowhere,metadata.name=a": "",
		} {
			if got := strings.Join(s.get("pods?fieldSelector="+escape(selector)).is(200).itemNames(), " "); got != want {
				s.errorf("the selector %q chooses %q, want %q", selector, got, want)
			}
		}
	}},
	{"field selectors of secrets and events", func(s *scene) {
		s.post("secrets", "{apiVersion: v1, kind: Secret, metadata: {name: a}, type: example.com/x}").is(201)
		s.post("secrets", "{apiVersion: v1, kind: Secret, metadata: {name: b}}").is(201)
		s.get("secrets?fieldSelector=" + escape("type=example.com/x")).names("a")
		s.post("events", "{apiVersion: v1, kind: Event, metadata: {name: a}, involvedObject: {kind: Pod, name: p, namespace: "+s.ns+"}, reason: Why, type: Normal}").is(201)
		s.get("events?fieldSelector=" + escape("involvedObject.name=p,reason=Why,type=Normal")).names("a")
		s.get("events?fieldSelector=" + escape("involvedObject.kind=Node")).names()
	}},
	{"a field that cannot be selected by is refused", func(s *scene) {
		s.get("configmaps?fieldSelector="+escape("data.a=1")).refused(400, "BadRequest", "data.a")
		s.get("pods?fieldSelector="+escape("spec.priority=1")).refused(400, "BadRequest", "spec.priority")
	}},
	{"a field selector that does not parse is refused", func(s *scene) {
		s.get("configmaps?fieldSelector=a").refused(400, "BadRequest", "invalid selector")
	}},
	{"pages follow each other by continue", func(s *scene) {
		s.some(5)
		first := s.get("configmaps?limit=2").names("a", "b").has("metadata.remainingItemCount", 3)
		second := s.page(first, 2).names("c", "d").has("metadata.remainingItemCount", 1).same("metadata.resourceVersion", first)
		s.page(second, 2).names("e").lacks("metadata.continue", "metadata.remainingItemCount").same("metadata.resourceVersion", first)
	}},
	{"pages are of one version", func(s *scene) {
		s.some(4)
		first := s.get("configmaps?limit=2").names("a", "b")
		s.delete("configmaps/c").is(200)
		s.update("configmaps/d", s.get("configmaps/d"), "data.a", "2").is(200)
		s.make("e", "1")
		s.page(first, 5).names("c", "d").has("items.1.data.a", "1")
	}},
	{"the limit of a page may change", func(s *scene) {
		s.some(5)
		first := s.get("configmaps?limit=1").names("a").has("metadata.remainingItemCount", 4)
		s.page(first, 3).names("b", "c", "d").has("metadata.remainingItemCount", 1)
		s.page(first, 0).names("b", "c", "d", "e").lacks("metadata.continue")
	}},
	{"a limit of exactly the number has no continue", func(s *scene) {
		s.some(2)
		s.get("configmaps?limit=2").names("a", "b").lacks("metadata.continue", "metadata.remainingItemCount")
	}},
	{"pages with a selector have no remainingItemCount", func(s *scene) {
		for _, name := range []string{"a", "b", "c"} {
			s.labelled(name, "k: v")
		}
		s.make("d", "1")
		first := s.get("configmaps?limit=2&labelSelector=k%3Dv").names("a", "b").lacks("metadata.remainingItemCount").set("metadata.continue")
		s.get("configmaps?limit=2&labelSelector=k%3Dv&continue=" + escape(first.text("metadata.continue"))).names("c").lacks("metadata.continue")
	}},
	{"pages skip what a selector leaves out", func(s *scene) {
		for i := range 6 {
			s.labelled(string(rune('a'+i)), fmt.Sprintf("odd: n%d", i%2))
		}
		first := s.get("configmaps?limit=2&labelSelector="+escape("odd=n1")).names("b", "d")
		s.get("configmaps?limit=2&labelSelector=" + escape("odd=n1") + "&continue=" + escape(first.text("metadata.continue"))).names("f")
	}},
	{"a continue token that is none is refused", func(s *scene) {
		s.get("configmaps?limit=2&continue=nonsense").refused(400, "BadRequest", "continue key is not valid")
	}},
	{"a continue token with a resourceVersion is refused", func(s *scene) {
		last := s.some(3)
		first := s.get("configmaps?limit=1")
		s.get("configmaps?limit=1&resourceVersion="+last.version()+"&continue="+escape(first.text("metadata.continue"))).
			refused(400, "BadRequest", "specifying resource version is not allowed when using continue")
	}},
	{"a negative limit is no limit", func(s *scene) {
		s.some(2)
		s.get("configmaps?limit=0").names("a", "b")
	}},
	{"a limit that is no number is refused", func(s *scene) {
		s.get("configmaps?limit=x").refused(400, "BadRequest")
	}},
	{"resourceVersion 0 is answered from what is there", func(s *scene) {
		last := s.some(2)
		s.eventually("a list from 0", func() bool {
			a := s.get("configmaps?resourceVersion=0").is(200)
			return len(a.itemNames()) == 2 && !less(a.version(), last.version())
		})
	}},
	{"a version without a match is not older than it", func(s *scene) {
		last := s.some(2)
		a := s.get("configmaps?resourceVersion="+last.version()).names("a", "b")
		if less(a.version(), last.version()) {
			s.errorf("version %s is less than %s", a.version(), last.version())
		}
	}},
	{"NotOlderThan is not older than the version", func(s *scene) {
		last := s.some(2)
		a := s.get("configmaps?resourceVersionMatch=NotOlderThan&resourceVersion="+last.version()).names("a", "b")
		if less(a.version(), last.version()) {
			s.errorf("version %s is less than %s", a.version(), last.version())
		}
	}},
	{"Exact is the state at that version", func(s *scene) {
		b := s.some(2)
		s.make("c", "1")
		s.delete("configmaps/a").is(200)
		s.get("configmaps?resourceVersionMatch=Exact&resourceVersion="+b.version()).names("a", "b").has("metadata.resourceVersion", b.version())
	}},
	{"Exact has pages too", func(s *scene) {
		c := s.some(3)
		s.delete("configmaps/b").is(200)
		first := s.get("configmaps?limit=2&resourceVersionMatch=Exact&resourceVersion="+c.version()).names("a", "b").has("metadata.resourceVersion", c.version())
		s.page(first, 2).names("c").has("metadata.resourceVersion", c.version())
	}},
	{"Exact of version 0 is refused", func(s *scene) {
		s.get("configmaps?resourceVersionMatch=Exact&resourceVersion=0").refused(422, "Invalid", "resourceVersionMatch")
	}},
	{"a match without a version is refused", func(s *scene) {
		s.get("configmaps?resourceVersionMatch=Exact").refused(422, "Invalid", "resourceVersionMatch")
		s.get("configmaps?resourceVersionMatch=NotOlderThan").refused(422, "Invalid", "resourceVersionMatch")
	}},
	{"an unknown match is refused", func(s *scene) {
		last := s.some(1)
		s.get("configmaps?resourceVersionMatch=About&resourceVersion="+last.version()).refused(422, "Invalid", "resourceVersionMatch")
	}},
	{"a version that the server has not reached is refused", func(s *scene) {
		s.get("configmaps?resourceVersion=999999999999").refused(504, "Timeout", "Too large resource version").
			has("details.causes.0.reason", "ResourceVersionTooLarge")
	}},
	{"sendInitialEvents of a list is refused", func(s *scene) {
		s.get("configmaps?sendInitialEvents=true").refused(422, "Invalid", "sendInitialEvents")
	}},
	{"managedFields are in a list's items", func(s *scene) {
		s.make("a", "1")
		s.get("configmaps").set("items.0.metadata.managedFields")
	}},
}

// page asks for the page after another.
func (s *scene) page(after *answer, limit int) *answer {
	path := "configmaps?continue=" + escape(after.text("metadata.continue"))
	if limit > 0 {
		path += fmt.Sprintf("&limit=%d", limit)
	}
	return s.get(path)
}
