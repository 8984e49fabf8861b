package conformance

// past is what the server has forgotten.
type past struct {
	path    string // of the ConfigMaps that were listed
	version string
	next    string // the continue token of a list of that version
	later   string // a version after it, which is forgotten too
}

// forgotten returns a past that the server no longer knows. All cases of a Run share it.
func (s *scene) forgotten() past {
	if s.target.Expire == nil {
		s.t.Skip("this target cannot expire its history")
	}
	s.history.Do(func() {
		s.some(4)
		first := s.get("configmaps?limit=2").names("a", "b")
		s.old = past{path: s.path("configmaps"), version: first.version(), next: first.text("metadata.continue")}
		a := s.update("configmaps/a", s.get("configmaps/a"), "data.a", "2").is(200)
		s.delete("configmaps/d").is(200)
		s.old.later = a.version()
		s.target.Expire(s.t)
	})
	if s.old.later == "" {
		s.fatalf("the history was not made: see the first case of this topic")
	}
	return s.old
}

var expiredCases = []testCase{
	{"a watch from an old version is 410", func(s *scene) {
		old := s.forgotten()
		s.gone(old.path + "?resourceVersion=" + old.version)
		s.gone(old.path + "?resourceVersion=1")
	}},
	{"a watch with bookmarks from an old version is 410", func(s *scene) {
		old := s.forgotten()
		s.gone(old.path + "?allowWatchBookmarks=true&resourceVersion=" + old.version)
	}},
	{"a watch without a version, and from a new list, goes on", func(s *scene) {
		s.forgotten()
		s.make("a", "1")
		s.watch("configmaps").want("ADDED a")
		w := s.watch("configmaps?resourceVersion=" + s.get("configmaps").version())
		s.make("b", "1")
		w.want("ADDED b")
	}},
	{"a watch-list of an old version is answered with what is there", func(s *scene) {
		old := s.forgotten()
		s.make("a", "1")
		w := s.watch("configmaps?resourceVersion=" + old.version + "&" + listed)
		w.want("ADDED a")
		w.bookmark().has("metadata.annotations", "{k8s.io/initial-events-end: 'true'}")
	}},
	{"a list of exactly an old version is 410", func(s *scene) {
		old := s.forgotten()
		s.get(old.path+"?resourceVersionMatch=Exact&resourceVersion="+old.version).refused(410, "Expired", "too old")
	}},
	{"a list not older than an old version is answered", func(s *scene) {
		old := s.forgotten()
		s.get("configmaps?resourceVersionMatch=NotOlderThan&resourceVersion=" + old.version).names()
		s.get("configmaps?resourceVersion=" + old.version).names()
	}},
	{"an old continue token is 410 with another token", func(s *scene) {
		old := s.forgotten()
		a := s.get(old.path+"?limit=2&continue="+escape(old.next)).refused(410, "Expired", "The provided continue parameter is too old")
		a.set("metadata.continue")
	}},
	{"the token of that 410 goes on with what is there", func(s *scene) {
		old := s.forgotten()
		a := s.get(old.path + "?limit=2&continue=" + escape(old.next)).is(410)
		b := s.get(old.path + "?limit=2&continue=" + escape(a.text("metadata.continue"))).is(200)
		for _, name := range b.itemNames() {
			if name == "a" || name == "d" {
				s.errorf("the items are %v", b.itemNames())
			}
		}
		if less(b.version(), old.later) {
			s.errorf("the version is %s, and that of the expired list %s", b.version(), old.version)
		}
	}},
	{"pages of a new list go on", func(s *scene) {
		s.forgotten()
		s.some(3)
		s.page(s.get("configmaps?limit=2").names("a", "b"), 2).names("c")
	}},
}

// gone checks that a watch is refused with 410: by the answer, or by its first event.
func (s *scene) gone(path string) {
	a := s.refusedWatch(path)
	if a.code == 200 {
		a.has("type", "ERROR")
		object, _ := a.at("object").(map[string]any)
		a = &answer{s: s, what: a.what, code: 410, object: object}
	}
	a.refused(410, "Expired", "too old resource version")
}
