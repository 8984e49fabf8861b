package conformance

import (
	"fmt"
	"net/url"
	"strings"
)

func escape(s string) string { return url.QueryEscape(s) }

var watchCases = []testCase{
	{"changes after a version are told in order", func(s *scene) {
		start := s.get("configmaps").version()
		a := s.make("a", "1")
		b := s.update("configmaps/a", a, "data.a", "2").is(200)
		s.delete("configmaps/a").is(200)
		w := s.watch("configmaps?resourceVersion=" + start)
		w.want("ADDED a").same("", a)
		w.want("MODIFIED a").same("", b)
		w.want("DELETED a").has("data.a", "2").differs("metadata.resourceVersion", b).same("metadata.uid", a)
	}},
	{"changes are told while the watch is open", func(s *scene) {
		w := s.watch("configmaps?resourceVersion=" + s.get("configmaps").version())
		a := s.make("a", "1")
		w.want("ADDED a")
		s.update("configmaps/a", a, "data.a", "2").is(200)
		w.want("MODIFIED a").has("data.a", "2")
	}},
	{"a watch from an object's version begins after it", func(s *scene) {
		a := s.make("a", "1")
		w := s.watch("configmaps?resourceVersion=" + a.version())
		s.make("b", "1")
		w.want("ADDED b")
	}},
	{"without a version the objects that are there come first", func(s *scene) {
		s.some(2)
		w := s.watch("configmaps")
		w.unordered("ADDED a", "ADDED b")
		s.make("c", "1")
		w.want("ADDED c")
	}},
	{"resourceVersion 0 is like none", func(s *scene) {
		s.make("a", "1")
		s.eventually("the cache has a", func() bool { return len(s.get("configmaps?resourceVersion=0").itemNames()) == 1 })
		w := s.watch("configmaps?resourceVersion=0")
		w.want("ADDED a")
	}},
	{"the objects of events have kind and apiVersion", func(s *scene) {
		s.make("a", "1")
		s.watch("configmaps").want("ADDED a").has("kind", "ConfigMap").has("apiVersion", "v1")
	}},
	{"the version of a deletion is that of the delete", func(s *scene) {
		a := s.make("a", "1")
		w := s.watch("configmaps?resourceVersion=" + a.version())
		s.delete("configmaps/a").is(200)
		gone := w.want("DELETED a")
		b := s.make("b", "1")
		if !less(a.version(), gone.version()) || !less(gone.version(), b.version()) {
			s.errorf("versions: created %s, deleted %s, next %s", a.version(), gone.version(), b.version())
		}
	}},
	{"a finalizer makes a deletion MODIFIED first", func(s *scene) {
		a := s.post("configmaps", held).is(201)
		w := s.watch("configmaps?resourceVersion=" + a.version())
		s.delete("configmaps/a").is(200)
		w.want("MODIFIED a").set("metadata.deletionTimestamp")
		s.patch("configmaps/a", "{metadata: {finalizers: null}}", mergePatch).is(200)
		w.want("DELETED a").set("metadata.deletionTimestamp")
	}},
	{"an update that changes nothing is no event", func(s *scene) {
		a := s.make("a", "1")
		w := s.watch("configmaps?resourceVersion=" + a.version())
		s.update("configmaps/a", a).is(200)
		s.patch("configmaps/a", "{}", mergePatch).is(200)
		s.make("b", "1")
		w.want("ADDED b")
	}},
	{"a dry run and a refused write are no events", func(s *scene) {
		w := s.watch("configmaps?resourceVersion=" + s.get("configmaps").version())
		s.post("configmaps?dryRun=All", configMap("a", "1")).is(201)
		s.post("configmaps", configMap("Refused", "1")).is(422)
		s.make("b", "1")
		w.want("ADDED b")
	}},
	{"other namespaces are not told", func(s *scene) {
		w := s.watch("configmaps?resourceVersion=" + s.get("configmaps").version())
		other := s.post("/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {generateName: other-}}").is(201).text("metadata.name")
		s.atEnd("/api/v1/namespaces/" + other)
		s.post("/api/v1/namespaces/"+other+"/configmaps", configMap("a", "1")).is(201)
		s.make("b", "1")
		w.want("ADDED b").has("metadata.namespace", s.ns)
	}},
	{"a watch of all namespaces has those of each", func(s *scene) {
		start := s.get("configmaps").version()
		s.labelled("a", "case: "+s.ns)
		w := s.watch("/api/v1/configmaps?labelSelector=case%3D" + s.ns + "&resourceVersion=" + start)
		w.want("ADDED a").has("metadata.namespace", s.ns)
	}},
	{"a label selector: an object that begins to match is ADDED, and one that ends is DELETED", func(s *scene) {
		a := s.labelled("a", "k: v")
		w := s.watch("configmaps?labelSelector=k%3Dw&resourceVersion=" + a.version())
		b := s.update("configmaps/a", a, "metadata.labels.k", "w").is(200)
		w.want("ADDED a").same("metadata.resourceVersion", b)
		c := s.update("configmaps/a", b, "data", "{a: '1'}").is(200)
		w.want("MODIFIED a").same("metadata.resourceVersion", c)
		d := s.update("configmaps/a", c, "metadata.labels.k", "v").is(200)
		w.want("DELETED a").same("metadata.resourceVersion", d).has("metadata.labels.k", "w")
	}},
	{"a label selector: what never matches is not told", func(s *scene) {
		w := s.watch("configmaps?labelSelector=k&resourceVersion=" + s.get("configmaps").version())
		s.make("a", "1")
		s.delete("configmaps/a").is(200)
		s.labelled("b", "k: v")
		w.want("ADDED b")
	}},
	{"a field selector of a name", func(s *scene) {
		w := s.watch("configmaps?fieldSelector=metadata.name%3Db&resourceVersion=" + s.get("configmaps").version())
		s.make("a", "1")
		s.make("b", "1")
		w.want("ADDED b")
		s.delete("configmaps/a").is(200)
		s.delete("configmaps/b").is(200)
		w.want("DELETED b")
	}},
	{"a field selector: a pod that leaves the phase is DELETED", func(s *scene) {
		a := s.post("pods", pod("a")).is(201)
		w := s.watch("pods?fieldSelector=status.phase%3DPending&resourceVersion=" + s.get("pods").version())
		s.patch("pods/a/status", "{status: {phase: Running}}", mergePatch).is(200)
		w.want("DELETED a").has("status.phase", "Pending").differs("metadata.resourceVersion", a)
	}},
	{"a label selector chooses what is there", func(s *scene) {
		s.labelled("a", "k: v")
		s.make("b", "1")
		w := s.watch("configmaps?labelSelector=k")
		w.want("ADDED a")
	}},
	{"a selector that does not parse is refused", func(s *scene) {
		s.refusedWatch("configmaps?labelSelector="+escape("k in v")).refused(400, "BadRequest")
		s.refusedWatch("configmaps?fieldSelector="+escape("data.a=1")).refused(400, "BadRequest", "data.a")
	}},
	{"a version that is no number is refused", func(s *scene) {
		s.refusedWatch("configmaps?resourceVersion=x").refused(500, "", "resourceVersion: Invalid value")
	}},
	{"timeoutSeconds ends the stream", func(s *scene) {
		w := s.watch("configmaps?timeoutSeconds=1&resourceVersion=" + s.get("configmaps").version())
		w.ends()
	}},
	{"bookmarks come before the end, with a version only", func(s *scene) {
		s.make("a", "1")
		start := s.get("configmaps").version()
		w := s.watch("configmaps?allowWatchBookmarks=true&timeoutSeconds=4&resourceVersion=" + start)
		mark := w.bookmark().has("kind", "ConfigMap").has("apiVersion", "v1").lacks("metadata.name", "metadata.annotations", "data")
		if less(mark.version(), start) {
			s.errorf("the bookmark's version %s is less than %s", mark.version(), start)
		}
	}},
	{"without allowWatchBookmarks there are none", func(s *scene) {
		w := s.watch("configmaps?timeoutSeconds=3&resourceVersion=" + s.get("configmaps").version())
		w.ends()
	}},
	{"a bookmark's version can be watched from", func(s *scene) {
		s.make("a", "1")
		w := s.watch("configmaps?allowWatchBookmarks=true&timeoutSeconds=4&resourceVersion=" + s.get("configmaps").version())
		mark := w.bookmark()
		s.make("b", "1")
		s.watch("configmaps?resourceVersion=" + mark.version()).want("ADDED b")
	}},
	{"one object by its name in the old path", func(s *scene) {
		s.make("a", "1")
		s.make("b", "1")
		s.watch("/api/v1/watch/namespaces/" + s.ns + "/configmaps/b").want("ADDED b")
		s.watch("/api/v1/watch/namespaces/"+s.ns+"/configmaps").unordered("ADDED a", "ADDED b")
	}},
	{"a watch of a resource that is not there is 404", func(s *scene) {
		s.refusedWatch("/api/v1/namespaces/"+s.namespace()+"/nothings").refused(404, "NotFound")
	}},
	{"the answer is chunked JSON", func(s *scene) {
		a := s.get("configmaps?watch=true&timeoutSeconds=1").is(200).headerIs("Content-Type", "application/json")
		if len(a.body) != 0 {
			s.errorf("the body is %s", a.body)
		}
	}},
}

// listed is the query of a watch-list.
const listed = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"

var watchListCases = []testCase{
	{"the objects come first, and then a bookmark that says so", func(s *scene) {
		last := s.some(3)
		w := s.watch("configmaps?" + listed)
		w.unordered("ADDED a", "ADDED b", "ADDED c")
		mark := w.bookmark().has("metadata.annotations", "{k8s.io/initial-events-end: 'true'}").has("kind", "ConfigMap").lacks("metadata.name")
		if less(mark.version(), last.version()) {
			s.errorf("the bookmark's version %s is less than %s", mark.version(), last.version())
		}
		s.make("d", "1")
		w.want("ADDED d")
	}},
	{"an empty collection has the bookmark alone", func(s *scene) {
		w := s.watch("configmaps?" + listed)
		w.bookmark().has("metadata.annotations", "{k8s.io/initial-events-end: 'true'}").set("metadata.resourceVersion")
	}},
	{"a selector chooses", func(s *scene) {
		s.labelled("a", "k: v")
		s.make("b", "1")
		w := s.watch("configmaps?labelSelector=k&" + listed)
		w.want("ADDED a")
		w.bookmark().has("metadata.annotations", "{k8s.io/initial-events-end: 'true'}")
	}},
	{"a version to be reached", func(s *scene) {
		last := s.some(2)
		w := s.watch("configmaps?resourceVersion=" + last.version() + "&" + listed)
		w.unordered("ADDED a", "ADDED b")
		if mark := w.bookmark(); less(mark.version(), last.version()) {
			s.errorf("the bookmark's version %s is less than %s", mark.version(), last.version())
		}
	}},
	{"resourceVersion 0 is answered from what is there", func(s *scene) {
		s.make("a", "1")
		s.eventually("the cache has a", func() bool { return len(s.get("configmaps?resourceVersion=0").itemNames()) == 1 })
		w := s.watch("configmaps?resourceVersion=0&" + listed)
		w.want("ADDED a")
		w.bookmark().has("metadata.annotations", "{k8s.io/initial-events-end: 'true'}")
	}},
	{"without a match it is refused", func(s *scene) {
		s.refusedWatch("configmaps?sendInitialEvents=true&allowWatchBookmarks=true").refused(422, "Invalid", "resourceVersionMatch", "sendInitialEvents")
	}},
	{"with Exact it is refused", func(s *scene) {
		s.refusedWatch("configmaps?sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=Exact&resourceVersion="+s.get("configmaps").version()).
			refused(422, "Invalid", "resourceVersionMatch")
	}},
	{"sendInitialEvents false begins at the version", func(s *scene) {
		s.make("a", "1")
		w := s.watch("configmaps?sendInitialEvents=false&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=" + s.get("configmaps").version())
		s.make("b", "1")
		w.want("ADDED b")
	}},
	{"a match without sendInitialEvents is refused", func(s *scene) {
		s.refusedWatch("configmaps?resourceVersionMatch=NotOlderThan&resourceVersion="+s.get("configmaps").version()).
			refused(422, "Invalid", "resourceVersionMatch", "forbidden")
	}},
	{"many objects come complete", func(s *scene) {
		var want []string
		for i := range 30 {
			name := fmt.Sprintf("n%02d", i)
			s.make(name, strings.Repeat("x", 100))
			want = append(want, "ADDED "+name)
		}
		w := s.watch("configmaps?" + listed)
		w.unordered(want...)
		w.bookmark()
	}},
}
