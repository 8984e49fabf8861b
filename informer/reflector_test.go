package informer

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/kind"
)

// A reflector needs a server and a sink, and no informer.
func TestAReflectorFeedsItsSink(t *testing.T) {
	play(t, nil, func(s *script) {
		w := s.expect("watch-list").watch(saidMap("ADDED", "a", "5"), saidMap("ADDED", "b", "7"), saidBookmark("8"), saidListEnd("10"))
		s.say(w, saidMap("MODIFIED", "a", "11")+saidMap("DELETED", "b", "12")+saidBookmark("15"))
		s.got("begin", "set a/5", "set b/7", "end 10", "set a/11", "gone b/12", "progress 15")
		if got := s.status(); got.Lists != 1 || got.Watches != 1 || got.Events != 3 || got.Failures != 0 {
			t.Errorf("the status is %+v", got)
		}
		time.Sleep(healthyAfter)
		_ = w.Close()
		s.expect("check 15").list("15", "")
		s.expect("watch 15").status(statusBusy)
		synctest.Wait()
		if len(s.errors()) != 1 || s.status().Failures != 1 || !strings.HasPrefix(s.errors()[0].Error(), "informer configmaps: watch: ") {
			t.Errorf("%d failures, reported %v", s.status().Failures, s.errors())
		}
		s.expect("check 15").list("15", "")
		s.expect("watch 15")
		if want := []string{"streaming", "watching", "checking", "watching", "waiting", "checking", "watching"}; !slices.Equal(s.sink.states, want) {
			t.Errorf("the states were %v, want %v", s.sink.states, want)
		}
	})
}

func TestAReflectorFeedsItsSinkByPages(t *testing.T) {
	play(t, func(r *reflector) { r.known.noStreamUntil = time.Now().Add(time.Hour) }, func(s *script) {
		s.expect("page from 0").list("10", "more", mapOf("a", "5"))
		s.expect("page continue more").list("10", "", mapOf("b", "7"))
		s.expect("watch 10").watch(saidMap("ADDED", "c", "11"))
		s.got("begin", "set a/5", "set b/7", "end 10", "set c/11")
		if want := []string{"paging", "watching"}; !slices.Equal(s.sink.states, want) {
			t.Errorf("the states were %v, want %v", s.sink.states, want)
		}
	})
}

// An object or a list that lacks what the cache lives by is an error, and none of it is fed.
func TestWhatLacksANameIsRefused(t *testing.T) {
	play(t, nil, func(s *script) {
		s.expect("watch-list").watch(saidMap("ADDED", "", "5"))
		s.expect("page from 0").list("10", "")
		s.expect("watch 10").watch(saidMap("ADDED", "", "11"))
		s.expect("page from 10")
		s.got("begin", "begin", "end 10", "begin")
		if len(s.errors()) != 2 {
			t.Errorf("reported were %v", s.errors())
		}
	})
}

// When a context ends, the reflector ends, whatever it is doing; synctest finds what is left over.
func TestAReflectorEndsInEveryState(t *testing.T) {
	for state, lead := range map[string]func(*script){
		"streaming": func(s *script) { s.expect("watch-list").watch() },
		"paging":    func(s *script) { s.expect("watch-list").status(statusInvalid); s.expect("page from 0") },
		"watching":  func(s *script) { s.expect("watch-list").watch(saidListEnd("10")) },
		"waiting":   func(s *script) { s.expect("watch-list").hangUp() },
		"asking": func(s *script) {
			s.expect("watch-list").watch(saidListEnd("10"))
			s.waits.wait("20")
			s.expect("come to 20")
		},
	} {
		t.Run(state, func(t *testing.T) {
			play(t, nil, func(s *script) {
				lead(s)
				synctest.Wait()
				if got := s.status().State; got != state {
					t.Errorf("the state is %s, want %s", got, state)
				}
			})
		})
	}
}

// An error that the server answers sooner than the pause ends shows what the machine waits for.
func TestThePauseIsTheServers(t *testing.T) {
	play(t, nil, func(s *script) {
		s.expect("watch-list").watch(saidListEnd("10"), saidError(strings.Replace(statusBusy, `"reason"`, `"details":{"retryAfterSeconds":9},"reason"`, 1)))
		began := s.last
		s.expect("check 10")
		if d := time.Since(began); d < 9*time.Second || d > 18*time.Second {
			t.Errorf("asked again after %s", d)
		}
	})
}

// An event costs the reflector the allocations of reading it, and no more.
func TestAnEventAllocatesNothing(t *testing.T) {
	r := &reflector{sink: &silentSink{}, ask: requests{kind: kind.Info{Kind: "ConfigMap"}}}
	s := &watching{}
	event := eventOf(t, saidMap("MODIFIED", "a", "11"))
	allocs := testing.AllocsPerRun(100, func() {
		if err := s.changed(t.Context(), r, event); err != nil {
			t.Error(err)
		}
	})
	if allocs > 0 {
		t.Errorf("an event makes %v allocations", allocs)
	}
}

// While the reflector pauses, Status has the time of the next attempt; then it has none.
func TestStatusHasTheTimeOfTheNextAttempt(t *testing.T) {
	play(t, nil, func(s *script) {
		s.expect("watch-list").hangUp()
		synctest.Wait()
		next := s.status().NextAt
		if s.status().State != StateWaiting || !next.After(time.Now()) {
			t.Fatalf("after a failure it is %s, and the next attempt is in %v", s.status().State, time.Until(next))
		}
		w := s.expect("watch-list").watch()
		if !time.Now().Equal(next) || !s.status().NextAt.IsZero() {
			t.Errorf("it tried again %v after that time, and then says %s", time.Since(next), s.status().NextAt)
		}
		s.say(w, saidListEnd("10"))
	})
}

// Status has the time of the last answer, whatever it was, and of no failure to get one.
func TestStatusHasTheTimeOfTheLastAnswer(t *testing.T) {
	play(t, nil, func(s *script) {
		at := func() time.Time { synctest.Wait(); return s.status().AnsweredAt }
		s.expect("watch-list").hangUp()
		if !at().IsZero() {
			t.Errorf("a server that closed the connection answered at %s", at())
		}
		s.expect("watch-list").status(statusBusy)
		if !at().Equal(time.Now()) {
			t.Errorf("a status counts as an answer at %s, not now", at())
		}
		w := s.expect("watch-list").watch()
		if !at().Equal(time.Now()) {
			t.Errorf("a watch-list that begins counts as an answer at %s, not now", at())
		}
		s.say(w, saidListEnd("10"))
		time.Sleep(time.Second)
		s.say(w, saidBookmark("11"))
		if !at().Equal(time.Now()) {
			t.Errorf("an event counts as an answer at %s, not now", at())
		}
	})
}
