package informer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// edges is the machine as a table: for each state and answer, the next state and when it is
// entered. "any other" stands for the answers that the state has no line for. The comment on
// reflector draws the same table.
var edges = []struct {
	name  string
	state state
	known known
	edges map[string]string
}{
	{"streaming", &streaming{instead: &paging{from: "10"}}, known{at: []byte("10")}, map[string]string{
		"complete":  "watching, now",
		"refused":   "paging from 10, now, and no watch-list any more",
		"silent":    "paging from 10, now, and no watch-list any more",
		"ended":     "streaming cut short 1 times, else paging from 10, later",
		"too large": "streaming, else paging most recent, later",
		"any other": "streaming, else paging from 10, later",
	}},
	{"streaming, cut short before", &streaming{cutShort: 2, instead: &paging{from: "0"}}, known{}, map[string]string{
		"complete":  "watching, now",
		"refused":   "paging from 0, now, and no watch-list any more",
		"silent":    "paging from 0, now, and no watch-list any more",
		"ended":     "paging from 0, now, and no watch-list any more",
		"too large": "streaming cut short 2 times, else paging most recent, later",
		"any other": "streaming cut short 2 times, else paging from 0, later",
	}},
	{"paging", &paging{from: "10"}, known{at: []byte("10"), noStream: true}, map[string]string{
		"complete":  "watching, now",
		"expired":   "paging most recent whole, later",
		"too large": "paging most recent, later",
		"any other": "paging from 10, later",
	}},
	{"paging as a whole", &paging{whole: true}, known{noStream: true}, map[string]string{
		"complete":  "watching, now",
		"any other": "paging most recent whole, later",
	}},
	{"watching", &watching{due: "20"}, known{at: []byte("10")}, map[string]string{
		"ended":      "watching, now",
		"outlived":   "watching, now",
		"due":        "asking for 20, now",
		"expired":    "streaming, else paging from 10, onceNow",
		"too large":  "streaming, else paging most recent, later",
		"unreadable": "watching unreadable 1 times, later",
		"any other":  "watching, later",
	}},
	{"watching where watch-list is not done", &watching{}, known{at: []byte("10"), noStream: true}, map[string]string{
		"ended":      "watching, now",
		"outlived":   "watching, now",
		"due":        "watching, now",
		"expired":    "paging from 10, onceNow",
		"too large":  "paging most recent, later",
		"unreadable": "watching unreadable 1 times, later",
		"any other":  "watching, later",
	}},
	{"watching what cannot be read", &watching{unreadable: 2, due: "20"}, known{at: []byte("10")}, map[string]string{
		"ended":      "watching, now",
		"outlived":   "watching unreadable 2 times, now",
		"due":        "asking for 20 unreadable 2 times, now",
		"expired":    "streaming, else paging from 10, onceNow",
		"too large":  "streaming, else paging most recent, later",
		"unreadable": "streaming, else paging from 10, later",
		"any other":  "watching unreadable 2 times, later",
	}},
	{"asking", &asking{version: "20", unreadable: 1}, known{at: []byte("10")}, map[string]string{
		"any other": "watching short unreadable 1 times, now",
	}},
	{"waiting", &waiting{then: &paging{from: "10"}}, known{at: []byte("10")}, map[string]string{
		"any other": "paging from 10, now",
	}},
}

func TestEveryEdge(t *testing.T) {
	for _, from := range edges {
		t.Run(from.name, func(t *testing.T) {
			used := map[string]bool{}
			for a := complete; a <= failed; a++ {
				line := a.String()
				if from.edges[line] == "" {
					line = "any other"
				}
				used[line] = true
				k := from.known
				to := from.state.after(a, &k)
				got := fmt.Sprintf("%s, %s", describe(to.next), [...]string{"now", "onceNow", "later"}[to.pace])
				if k.noStream && !from.known.noStream {
					got += ", and no watch-list any more"
				}
				if got != from.edges[line] {
					t.Errorf("%s leads to %q, want %q (the line %q)", a, got, from.edges[line], line)
				}
			}
			for line := range from.edges {
				if !used[line] {
					t.Errorf("%q is no answer", line)
				}
			}
		})
	}
}

// describe tells a state with its data.
func describe(s state) string {
	text := s.String()
	count := func(what string, n int) {
		if n > 0 {
			text += fmt.Sprintf(" %s %d times", what, n)
		}
	}
	switch s := s.(type) {
	case *streaming:
		count("cut short", s.cutShort)
		text += ", else " + describe(s.instead)
	case *paging:
		if s.from == mostRecent {
			text += " most recent"
		} else {
			text += " from " + s.from
		}
		if s.whole {
			text += " whole"
		}
	case *watching:
		if s.short {
			text += " short"
		}
		count("unreadable", s.unreadable)
	case *asking:
		text += " for " + s.version
		count("unreadable", s.unreadable)
	}
	return text
}

// walks are what a server answers, and the request that follows.
var walks = map[string]struct {
	lead   func(*script) *scripted // to the request that is answered
	answer func(*script, *scripted)
	next   string
	pause  bool // before the next request
}{
	"watch-list, complete": {watchList, watches(saidListEnd("10"), saidError(statusFailed)), "watch 10", true},
	"watch-list, 422":      {watchList, says(statusInvalid), "page from 0", false},
	"watch-list, 400":      {watchList, says(statusBad), "page from 0", false},
	"watch-list, an event 422": {watchList, watches(saidMap("ADDED", "a", "5"), saidError(statusInvalid)),
		"page from 0", false},
	"watch-list, 410": {watchList, says(statusExpired), "watch-list", true},
	"watch-list, 504": {watchList, says(statusTooLarge), "watch-list", true},
	"watch-list, too large and then refused": {func(s *script) *scripted {
		s.expect("watch-list").status(statusTooLarge)
		return s.expect("watch-list")
	}, says(statusInvalid), "page most recent", false},
	"watch-list, 500":                          {watchList, says(statusFailed), "watch-list", true},
	"watch-list, unreadable":                   {watchList, watches("{]"), "watch-list", true},
	"watch-list, no answer":                    {watchList, hangsUp, "watch-list", true},
	"watch-list, cut short":                    {watchList, ends(), "watch-list", true},
	"watch-list, silent":                       {watchList, watches(), "page from 0", true},
	"watch-list, cut 3 times":                  {cutTwice, ends(), "page from 0", false},
	"watch-list, cut 2 times and then refused": {cutTwice, says(statusInvalid), "page from 0", false},
	"watch-list, cut 2 times and then 500": {func(s *script) *scripted {
		cut(s)
		cut(s)
		watchList(s).status(statusFailed)
		return watchList(s)
	}, ends(), "page from 0", false},

	"page, the last":            {pageList, lists("10", ""), "watch 10", false},
	"page, more follow":         {pageList, lists("10", "x"), "page continue x", false},
	"page, 410":                 {pageList, says(statusExpired), "page most recent whole", true},
	"page, 504":                 {pageList, says(statusTooLarge), "page most recent", true},
	"page, 422":                 {pageList, says(statusInvalid), "page from 0", true},
	"page, 500":                 {pageList, says(statusFailed), "page from 0", true},
	"page, no answer":           {pageList, hangsUp, "page from 0", true},
	"page, no resourceVersion":  {pageList, lists("", ""), "page from 0", true},
	"second page, 410":          {secondPage, says(statusExpired), "page most recent whole", true},
	"second page, 500":          {secondPage, says(statusFailed), "page from 0", true},
	"page after a 410, 504":     {wholeList, says(statusTooLarge), "page most recent whole", true},
	"list by pages again, 500":  {relist, says(statusFailed), "page from 10", true},
	"list by pages again, 410":  {relist, says(statusExpired), "page most recent whole", true},
	"list by pages, later well": {wholeRelist, lists("30", ""), "watch 30", false},

	"watch, ended with an event":         {watch, ends(saidBookmark("12")), "watch 12", false},
	"watch, ended at once":               {watch, ends(), "watch 10", true},
	"watch, ended later":                 {watch, endsAfter(time.Second), "watch 10", false},
	"watch, ended within a second":       {watch, endsAfter(time.Second - 1), "watch 10", true},
	"watch, never ended":                 {watch, watches(), "watch 10", true},
	"watch, 410":                         {watch, says(statusExpired), "watch-list", false},
	"watch, an event 410":                {watch, watches(saidError(statusExpired)), "watch-list", false},
	"watch, 410 after another failure":   {watchAgain, says(statusExpired), "watch-list", true},
	"watch, 410 where there are pages":   {pagedWatch, says(statusExpired), "page from 10", false},
	"watch, 504":                         {watch, says(statusTooLarge), "watch-list", true},
	"watch, 504 where there are pages":   {pagedWatch, says(statusTooLarge), "page most recent", true},
	"watch, 422":                         {watch, says(statusInvalid), "watch 10", true},
	"watch, 500":                         {watch, says(statusFailed), "watch 10", true},
	"watch, no answer":                   {watch, hangsUp, "watch 10", true},
	"watch, unreadable":                  {watch, watches("{]"), "watch 10", true},
	"watch, unreadable the third time":   {garbledTwice, watches("{]"), "watch-list", true},
	"watch, unreadable but for an event": {garbledTwice, watches(saidBookmark("10") + "{]"), "watch 10", true},
	"watch, somebody waits":              {watch, somebodyWaits, "come to 20", true},

	"asking, answered": {ask, lists("21", ""), "short watch 10", false},
	"asking, 500":      {ask, says(statusFailed), "short watch 10", false},
	"asking, silent":   {ask, func(*script, *scripted) {}, "short watch 10", true},
}

func watchList(s *script) *scripted  { return s.expect("watch-list") }
func cut(s *script)                  { _ = s.expect("watch-list").watch().Close() }
func hangsUp(_ *script, r *scripted) { r.hangUp() }

func cutTwice(s *script) *scripted {
	cut(s)
	cut(s)
	return watchList(s)
}

func garbledTwice(s *script) *scripted {
	watch(s).watch("{]")
	s.expect("watch 10").watch("{]")
	return s.expect("watch 10")
}

func wholeList(s *script) *scripted {
	pageList(s).status(statusExpired)
	return s.expect("page most recent whole")
}

func wholeRelist(s *script) *scripted {
	relist(s).status(statusExpired)
	return s.expect("page most recent whole")
}

func somebodyWaits(s *script, r *scripted) {
	r.watch()
	s.waits.wait("20")
}

// endsAfter ends a watch that has been open for d, without an event.
func endsAfter(d time.Duration) func(*script, *scripted) {
	return func(s *script, r *scripted) {
		w := r.watch()
		time.Sleep(d)
		s.say(w, "\n")
		_ = w.Close()
	}
}

func pageList(s *script) *scripted {
	s.expect("watch-list").status(statusInvalid)
	return s.expect("page from 0")
}

func secondPage(s *script) *scripted {
	pageList(s).list("10", "x", mapOf("a", "5"))
	return s.expect("page continue x")
}

func relist(s *script) *scripted {
	pagedWatch(s).status(statusExpired)
	return s.expect("page from 10")
}

// watch leads to a watch from 10 that follows another one, with no failure before.
func watch(s *script) *scripted {
	_ = s.expect("watch-list").watch(saidListEnd("9"), saidBookmark("10")).Close()
	return s.expect("watch 10")
}

func watchAgain(s *script) *scripted {
	watch(s).hangUp()
	return s.expect("watch 10")
}

func pagedWatch(s *script) *scripted {
	pageList(s).list("10", "", mapOf("a", "5"))
	return s.expect("watch 10")
}

func ask(s *script) *scripted {
	watch(s).watch()
	s.waits.wait("20")
	return s.expect("come to 20")
}

func says(status string) func(*script, *scripted) {
	return func(_ *script, r *scripted) { r.status(status) }
}

func lists(version, next string) func(*script, *scripted) {
	return func(_ *script, r *scripted) { r.list(version, next, mapOf("a", "5")) }
}

func watches(events ...string) func(*script, *scripted) {
	return func(_ *script, r *scripted) { r.watch(events...) }
}

func ends(events ...string) func(*script, *scripted) {
	return func(_ *script, r *scripted) { _ = r.watch(events...).Close() }
}

func TestEveryAnswerOfAServer(t *testing.T) {
	for name, walk := range walks {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(s *script) {
				r := walk.lead(s)
				walk.answer(s, r)
				_, next := s.next()
				pause := time.Since(s.last)
				if next != walk.next {
					t.Errorf("the next request is %q, want %q", next, walk.next)
				}
				if (pause > 0) != walk.pause {
					t.Errorf("it comes after %s; a pause is wanted: %v", pause, walk.pause)
				}
				synctest.Wait()
			})
		})
	}
}
