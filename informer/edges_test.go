package informer

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"testing/synctest"
	"time"
)

// edges is the machine as a table: for each state and answer, the next state and when it is
// entered. "any other" stands for the answers that the state has no line for. The comment on
// reflector draws the same table.
var edges = []struct {
	name  string
	state func() state
	known known
	edges map[string]string
}{
	{"streaming, before it began", func() state { return &streaming{cutShort: 1, instead: &paging{from: "10"}} }, known{}, map[string]string{
		"complete":     "watching, now",
		"versionless":  "polling, now",
		"ended":        "streaming cut short 1 times, else paging from 10, later",
		"unanswered":   "streaming cut short 1 times, else paging from 10, later",
		"busy":         "streaming cut short 1 times, else paging from 10, later",
		"too large":    "streaming cut short 1 times, else paging from 10, later",
		"unauthorized": "streaming cut short 1 times, else paging from 10, later",
		"expired":      "paging most recent expired, now",
		"any other":    "paging from 10, now, and no watch-list for 30m0s",
	}},
	{"streaming", func() state { return &streaming{instead: &paging{from: "0"}, stream: young()} }, known{}, map[string]string{
		"complete":     "watching, now",
		"versionless":  "polling, now",
		"ended":        "streaming cut short 1 times, else paging from 0, later",
		"unanswered":   "streaming cut short 1 times, else paging from 0, later",
		"busy":         "streaming, else paging from 0, later",
		"too large":    "streaming, else paging from 0, later",
		"unauthorized": "streaming, else paging from 0, later",
		"expired":      "paging most recent expired, now",
		"any other":    "paging from 0, now, and no watch-list for 30m0s",
	}},
	{"streaming, cut short twice before", func() state { return &streaming{cutShort: 2, instead: &paging{from: "0"}, stream: young()} }, known{}, map[string]string{
		"complete":     "watching, now",
		"versionless":  "polling, now",
		"busy":         "streaming cut short 2 times, else paging from 0, later",
		"too large":    "streaming cut short 2 times, else paging from 0, later",
		"unauthorized": "streaming cut short 2 times, else paging from 0, later",
		"expired":      "paging most recent expired, now",
		"any other":    "paging from 0, now, and no watch-list for 30m0s",
	}},
	{"paging, before it began", func() state { return &paging{from: "10", broken: 4} }, known{}, map[string]string{
		"complete":     "watching, now",
		"versionless":  "polling, now",
		"unanswered":   "paging from 10 broken 4 times, later",
		"busy":         "paging from 10, later",
		"unauthorized": "paging from 10, later",
		"too large":    "paging from 10 behind, later",
		"expired":      "paging most recent expired, now",
		"any other":    "paging from 10 whole, later",
	}},
	{"paging", func() state { return &paging{from: "10", broken: 3, opened: true} }, known{}, map[string]string{
		"complete":     "watching, now",
		"versionless":  "polling, now",
		"unanswered":   "paging from 10 broken 4 times, later",
		"busy":         "paging from 10, later",
		"unauthorized": "paging from 10, later",
		"too large":    "paging from 10 behind, later",
		"expired":      "paging most recent expired, now",
		"any other":    "paging from 10 whole, later",
	}},
	{"paging, broken off four times before", func() state { return &paging{from: "10", whole: true, broken: 4, opened: true} }, known{}, map[string]string{
		"complete":     "watching, now",
		"versionless":  "polling, now",
		"unanswered":   "paging most recent, later",
		"busy":         "paging from 10 whole, later",
		"unauthorized": "paging from 10 whole, later",
		"too large":    "paging from 10 whole behind, later",
		"expired":      "paging most recent whole expired, now",
		"any other":    "paging most recent whole, later",
	}},
	{"paging, behind and expired before", func() state { return &paging{from: "10", behind: true, expired: true} }, known{}, map[string]string{
		"complete":     "watching, now",
		"versionless":  "polling, now",
		"unanswered":   "paging from 10 expired, later",
		"busy":         "paging from 10 expired, later",
		"unauthorized": "paging from 10 expired, later",
		"too large":    "paging most recent expired, later",
		"expired":      "paging most recent whole expired, later",
		"any other":    "paging from 10 whole expired, later",
	}},
	{"paging, 30 minutes after a watch-list", func() state { return &paging{from: "10"} }, known{noStreamUntil: time.Now().Add(-1)}, map[string]string{
		"complete":     "watching, now",
		"versionless":  "polling, now",
		"unanswered":   "paging from 10, later",
		"busy":         "paging from 10, later",
		"unauthorized": "paging from 10, later",
		"too large":    "paging from 10 behind, later",
		"expired":      "paging most recent expired, now",
		"any other":    "streaming, else paging from 10 whole, later",
	}},
	{"watching", func() state { return &watching{due: "20"} }, known{}, map[string]string{
		"ended":         "watching, now",
		"ended early":   "checking, now",
		"outlived":      "checking, now",
		"due":           "asking for 20, now",
		"unanswered":    "checking failed 1 times, later",
		"ended at once": "checking failed 1 times, later",
		"too large":     "checking failed 1 times, later",
		"busy":          "checking, later",
		"unauthorized":  "checking, later",
		"expired":       "streaming, else paging from 10, onceNow",
		"any other":     "streaming, else paging from 10, later, and 1 refusals",
	}},
	{"watching for the fifth time from one version", func() state { return &watching{tries: 4, due: "20"} }, known{refusals: 4}, map[string]string{
		"ended":         "watching, now",
		"ended early":   "checking failed 4 times, now",
		"outlived":      "checking failed 4 times, now",
		"due":           "asking for 20 failed 4 times, now",
		"unanswered":    "streaming, else paging from 10, later",
		"ended at once": "streaming, else paging from 10, later",
		"too large":     "streaming, else paging most recent, later",
		"busy":          "checking failed 4 times, later",
		"unauthorized":  "checking failed 4 times, later",
		"expired":       "streaming, else paging from 10, onceNow",
		"any other":     "streaming, else paging from 10, later, and 5 refusals",
	}},
	{"watching what is refused", func() state { return &watching{tries: 3} }, known{refusals: 5, noStreamUntil: time.Now().Add(time.Hour)}, map[string]string{
		"ended":         "watching, now",
		"ended early":   "checking failed 3 times, now",
		"outlived":      "checking failed 3 times, now",
		"due":           "watching failed 3 times, now",
		"unanswered":    "checking failed 4 times, later",
		"ended at once": "checking failed 4 times, later",
		"too large":     "checking failed 4 times, later",
		"busy":          "checking failed 3 times, later",
		"unauthorized":  "checking failed 3 times, later",
		"expired":       "paging from 10, onceNow",
		"any other":     "polling, now, and 6 refusals",
	}},
	{"watching with an event", func() state { return &watching{stream: &stream{opened: time.Now(), events: 1}} }, known{refusals: 5}, map[string]string{
		"ended":         "watching, now, and 0 refusals",
		"ended early":   "checking, now, and 0 refusals",
		"outlived":      "checking, now, and 0 refusals",
		"due":           "watching, now, and 0 refusals",
		"unanswered":    "checking failed 1 times, later, and 0 refusals",
		"ended at once": "checking failed 1 times, later, and 0 refusals",
		"too large":     "checking failed 1 times, later, and 0 refusals",
		"busy":          "checking, later, and 0 refusals",
		"unauthorized":  "checking, later, and 0 refusals",
		"expired":       "streaming, else paging from 10, onceNow, and 0 refusals",
		"any other":     "streaming, else paging from 10, later, and 1 refusals",
	}},
	{"checking", func() state { return &checking{tries: 3, short: true} }, known{}, map[string]string{
		"complete":     "watching short failed 3 times, now",
		"too large":    "streaming, else paging most recent, now",
		"unanswered":   "checking failed 4 times, later",
		"busy":         "checking failed 3 times, later",
		"unauthorized": "checking failed 3 times, later",
		"expired":      "streaming, else paging from 10, onceNow",
		"any other":    "streaming, else paging from 10, later",
	}},
	{"checking for the fifth time", func() state { return &checking{tries: 4} }, known{}, map[string]string{
		"complete":     "watching failed 4 times, now",
		"too large":    "streaming, else paging most recent, now",
		"unanswered":   "streaming, else paging from 10, later",
		"busy":         "checking failed 4 times, later",
		"unauthorized": "checking failed 4 times, later",
		"expired":      "streaming, else paging from 10, onceNow",
		"any other":    "streaming, else paging from 10, later",
	}},
	{"asking", func() state { return &asking{version: "20", tries: 1} }, known{}, map[string]string{
		"too large": "checking short failed 1 times, now",
		"any other": "watching short failed 1 times, now",
	}},
	{"asking in vain", func() state { return &asking{version: "20", list: true} }, known{}, map[string]string{
		"any other": "streaming, else paging most recent, now",
	}},
	{"polling", func() state { return &polling{} }, known{}, map[string]string{
		"any other": "streaming, else paging most recent, now",
	}},
	{"waiting", func() state { return &waiting{then: &paging{from: "10"}} }, known{}, map[string]string{
		"any other": "paging from 10, now",
	}},
}

// young returns a watch that has brought nothing yet.
func young() *stream { return &stream{opened: time.Now()} }

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
				k.at = []byte("10")
				to := from.state().after(a, &k)
				got := fmt.Sprintf("%s, %s", describe(to.next), [...]string{"now", "onceNow", "later"}[to.pace])
				if k.noStreamUntil != from.known.noStreamUntil {
					got += fmt.Sprintf(", and no watch-list for %v", time.Until(k.noStreamUntil).Round(time.Second))
				}
				if k.refusals != from.known.refusals {
					got += fmt.Sprintf(", and %d refusals", k.refusals)
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
	is := func(what string, yes bool) {
		if yes {
			text += " " + what
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
		is("whole", s.whole)
		is("expired", s.expired)
		is("behind", s.behind)
		count("broken", s.broken)
	case *watching:
		is("short", s.short)
		count("failed", s.tries)
	case *checking:
		is("short", s.short)
		count("failed", s.tries)
	case *asking:
		text += " for " + s.version
		count("failed", s.tries)
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
	"watch-list, complete": {watchList, watches(saidListEnd("10"), saidError(statusBusy)), "check 10", true},
	"watch-list, 422":      {watchList, says(statusInvalid), "page from 0", false},
	"watch-list, 400":      {watchList, says(statusBad), "page from 0", false},
	"watch-list, 404":      {watchList, says(statusOf404), "page from 0", false},
	"watch-list, an event 422": {watchList, watches(saidMap("ADDED", "a", "5"), saidError(statusInvalid)),
		"page from 0", false},
	"watch-list, an event 500":                 {watchList, watches(saidError(statusFailed)), "page from 0", false},
	"watch-list, 410":                          {watchList, says(statusExpired), "page most recent", false},
	"watch-list, 504":                          {watchList, says(statusTooLarge), "watch-list", true},
	"watch-list, 503":                          {watchList, says(statusBusy), "watch-list", true},
	"watch-list, 429":                          {watchList, says(statusTooMany), "watch-list", true},
	"watch-list, 401":                          {watchList, says(statusUnauthorized), "watch-list", true},
	"watch-list, 500":                          {watchList, says(statusFailed), "page from 0", false},
	"watch-list, unreadable":                   {watchList, watches("{]"), "page from 0", false},
	"watch-list, no answer":                    {watchList, hangsUp, "watch-list", true},
	"watch-list, never any":                    {watchList, nothing, "watch-list", true},
	"watch-list, cut short":                    {watchList, ends(), "watch-list", true},
	"watch-list, silent":                       {watchList, watches(), "page from 0", true},
	"watch-list, live changes":                 {watchList, livesOn, "page from 0", true},
	"watch-list, no version":                   {watchList, watches(saidListEnd("")), "watch-list", true},
	"watch-list, cut 3 times":                  {cutTwice, ends(), "page from 0", false},
	"watch-list, cut 2 times and then refused": {cutTwice, says(statusInvalid), "page from 0", false},
	"watch-list, cut 2 times and then 503": {func(s *script) *scripted {
		cut(s)
		cut(s)
		watchList(s).status(statusBusy)
		return watchList(s)
	}, ends(), "page from 0", false},

	"page, the last":            {pageList, lists("10", ""), "watch 10", false},
	"page, more follow":         {pageList, lists("10", "x"), "page continue x", false},
	"page, 410":                 {pageList, says(statusExpired), "page most recent", false},
	"page, 410 twice":           {expiredList, says(statusExpired), "page most recent whole", true},
	"page, 504":                 {pageList, says(statusTooLarge), "page from 0", true},
	"page, 504 twice":           {behindList, says(statusTooLarge), "page most recent", true},
	"page, 503":                 {pageList, says(statusBusy), "page from 0", true},
	"page, 401":                 {pageList, says(statusUnauthorized), "page from 0", true},
	"page, 422":                 {pageList, says(statusInvalid), "page from 0 whole", true},
	"page, 500":                 {pageList, says(statusFailed), "page from 0 whole", true},
	"page, 500 twice":           {failedList, says(statusFailed), "page most recent whole", true},
	"page, no answer":           {pageList, hangsUp, "page from 0", true},
	"page, never any":           {pageList, nothing, "page from 0", true},
	"page, no resourceVersion":  {pageList, lists("", ""), "page most recent", true},
	"page, the same token":      {secondPage, lists("10", "x"), "page from 0 whole", true},
	"second page, 410":          {secondPage, says(statusExpired), "page most recent", false},
	"second page, 500":          {secondPage, says(statusFailed), "page from 0 whole", true},
	"list by pages again, 500":  {relist, says(statusFailed), "page from 10 whole", true},
	"list by pages again, 410":  {relist, says(statusExpired), "page most recent", false},
	"list by pages, later well": {expiredRelist, lists("30", ""), "watch 30", false},

	"watch, ended with an event":       {watch, ends(saidBookmark("12")), "check 12", true},
	"watch, ended at once":             {watch, ends(), "check 10", true},
	"watch, ended after 5 s":           {watch, endsAfter(healthyAfter), "check 10", false},
	"watch, ended within 5 s":          {watch, endsAfter(healthyAfter - 1), "check 10", true},
	"watch, ended in time":             {watch, endsInTime(0), "watch 10", false},
	"watch, ended 5 s before its time": {watch, endsInTime(-healthyAfter), "watch 10", false},
	"watch, ended before that":         {watch, endsInTime(-healthyAfter - 1), "check 10", false},
	"watch, never ended":               {watch, watches(), "check 10", true},
	"watch, 410":                       {watch, says(statusExpired), "watch-list", false},
	"watch, an event 410":              {watch, watches(saidError(statusExpired)), "watch-list", false},
	"watch, 410 after another failure": {watchAgain, says(statusExpired), "watch-list", false},
	"watch, 410 twice within a minute": {expiredWatch, says(statusExpired), "watch-list", true},
	"watch, 410 where there are pages": {pagedWatch, says(statusExpired), "page from 10", false},
	"watch, 504":                       {watch, says(statusTooLarge), "check 10", true},
	"watch, 503":                       {watch, says(statusBusy), "check 10", true},
	"watch, 401":                       {watch, says(statusUnauthorized), "check 10", true},
	"watch, 422":                       {watch, says(statusInvalid), "watch-list", true},
	"watch, 404":                       {watch, says(statusOf404), "watch-list", true},
	"watch, 500":                       {watch, says(statusFailed), "watch-list", true},
	"watch, 500 where there are pages": {pagedWatch, says(statusFailed), "page from 10", true},
	"watch, no answer":                 {watch, hangsUp, "check 10", true},
	"watch, never any":                 {watch, nothing, "check 10", true},
	"watch, unreadable":                {watch, watches("{]"), "watch-list", true},
	"watch, cut inside an event":       {watch, ends(saidMap("ADDED", "a", "12")[:40]), "check 10", true},
	"watch, no answer four times":      {watchCut(3), hangsUp, "check 10", true},
	"watch, no answer five times":      {watchCut(4), hangsUp, "watch-list", true},
	"watch, 504 five times":            {watchTooLarge(4), says(statusTooLarge), "watch-list", true},
	"watch, somebody waits":            {watch, somebodyWaits, "come to 20", true},

	"checking, the server has come there": {check, lists("12", ""), "watch 10", false},
	"checking, 504":                       {check, says(statusTooLarge), "watch-list", false},
	"checking, 503":                       {check, says(statusBusy), "check 10", true},
	"checking, 401":                       {check, says(statusUnauthorized), "check 10", true},
	"checking, 410":                       {check, says(statusExpired), "watch-list", false},
	"checking, 400":                       {check, says(statusBad), "watch-list", true},
	"checking, 500":                       {check, says(statusFailed), "watch-list", true},
	"checking, no answer":                 {check, hangsUp, "check 10", true},
	"checking, never any":                 {check, nothing, "check 10", true},
	"checking, no answer five times":      {checkCut, hangsUp, "watch-list", true},

	"asking, answered": {ask, lists("21", ""), "short watch 10", false},
	"asking, 500":      {ask, says(statusFailed), "short watch 10", false},
	"asking, silent":   {ask, nothing, "short watch 10", true},
	"asking, 504":      {ask, says(statusTooLarge), "check 10", false},
}

func nothing(*script, *scripted) {}

// livesOn answers a watch-list whose objects change and whose end does not come.
func livesOn(s *script, r *scripted) {
	w := r.watch(saidMap("ADDED", "a", "5"))
	for i := range 2 {
		time.Sleep(9 * time.Second)
		s.say(w, saidMap("MODIFIED", "a", fmt.Sprint(6+i)))
	}
	time.Sleep(endSilence - 18*time.Second - 1)
}

func expiredList(s *script) *scripted {
	pageList(s).status(statusExpired)
	return s.expect("page most recent")
}

func behindList(s *script) *scripted {
	pageList(s).status(statusTooLarge)
	return s.expect("page from 0")
}

func failedList(s *script) *scripted {
	pageList(s).status(statusFailed)
	return s.expect("page from 0 whole")
}

func expiredRelist(s *script) *scripted {
	relist(s).status(statusExpired)
	return s.expect("page most recent")
}

func check(s *script) *scripted {
	watch(s).hangUp()
	return s.expect("check 10")
}

func checkCut(s *script) *scripted {
	check(s).hangUp()
	for range 2 {
		s.expect("check 10").hangUp()
	}
	return s.expect("check 10")
}

// watchCut leads to a watch before which a number of others had no answer.
func watchCut(times int) func(*script) *scripted {
	return func(s *script) *scripted {
		r := watch(s)
		for range times {
			r.hangUp()
			s.expect("check 10").list("10", "")
			r = s.expect("watch 10")
		}
		return r
	}
}

func watchTooLarge(times int) func(*script) *scripted {
	return func(s *script) *scripted {
		r := watch(s)
		for range times {
			r.status(statusTooLarge)
			s.expect("check 10").list("12", "")
			r = s.expect("watch 10")
		}
		return r
	}
}

func expiredWatch(s *script) *scripted {
	watch(s).status(statusExpired)
	w := s.expect("watch-list").watch(saidListEnd("10"))
	time.Sleep(healthyAfter)
	_ = w.Close()
	s.expect("check 10").list("10", "")
	return s.expect("watch 10")
}

func watchList(s *script) *scripted  { return s.expect("watch-list") }
func cut(s *script)                  { _ = s.expect("watch-list").watch().Close() }
func hangsUp(_ *script, r *scripted) { r.hangUp() }

func cutTwice(s *script) *scripted {
	cut(s)
	cut(s)
	return watchList(s)
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

// endsInTime ends a watch at the time that it was asked for, and more.
func endsInTime(more time.Duration) func(*script, *scripted) {
	return func(s *script, r *scripted) {
		lasts, err := time.ParseDuration(r.req.URL.Query().Get("timeoutSeconds") + "s")
		if err != nil {
			s.t.Error(err)
		}
		endsAfter(lasts+more)(s, r)
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
	w := s.expect("watch-list").watch(saidListEnd("9"), saidBookmark("10"))
	time.Sleep(healthyAfter)
	_ = w.Close()
	s.expect("check 10").list("10", "")
	return s.expect("watch 10")
}

func watchAgain(s *script) *scripted {
	watch(s).hangUp()
	s.expect("check 10").list("10", "")
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

// The documents name every state.
func TestTheDocumentsNameEveryState(t *testing.T) {
	for _, file := range []string{"doc.go", "status.go", "../DESIGN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []state{
			&streaming{}, &paging{}, &watching{}, &checking{}, &asking{}, &polling{}, &waiting{},
			&discovering{}, &unserved{},
		} {
			if !regexp.MustCompile(`\b` + s.String() + `\b`).Match(text) {
				t.Errorf("%s does not name the state %s", file, s)
			}
		}
	}
}
