package informer

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// since returns for how long the script's reflector has been failing by its Status, and whether it is.
func since(s *script) (time.Duration, bool) {
	synctest.Wait()
	at := s.status().FailingSince
	return time.Since(at), !at.IsZero()
}

// works reports an error if the reflector is failing.
func works(s *script, when string) {
	s.t.Helper()
	if d, failing := since(s); failing {
		s.t.Errorf("%s: it has been failing for %v", when, d)
	}
}

// fails reports an error if the reflector has not been failing since then.
func fails(s *script, then time.Time, when string) {
	s.t.Helper()
	if d, failing := since(s); !failing || d != time.Since(then) {
		s.t.Errorf("%s: it is failing: %v, for %v, want %v", when, failing, d, time.Since(then))
	}
}

// FailingSince is the time of the first failure. No answer moves it that is not a success.
func TestFailingSinceTheFirstFailure(t *testing.T) {
	play(t, nil, func(s *script) {
		r := s.expect("watch-list")
		works(s, "at the beginning")
		r.hangUp()
		then := time.Now()
		fails(s, then, "no answer")
		s.expect("watch-list").status(statusBusy)
		fails(s, then, "503")
		s.expect("watch-list").status(statusFailed)
		fails(s, then, "500")
		s.expect("page from 0").status(statusFailed)
		fails(s, then, "500 of a page")
		s.expect("page from 0 whole").list("10", "more", mapOf("a", "5"))
		s.expect("page continue more whole").status(statusBusy)
		fails(s, then, "one page of a list")
		s.expect("page from 0 whole").list("10", "")
		works(s, "a complete list")
	})
}

// A watch-list succeeds at its end.
func TestFailingUntilTheEndOfAWatchList(t *testing.T) {
	play(t, nil, func(s *script) {
		s.expect("watch-list").hangUp()
		then := time.Now()
		w := s.expect("watch-list").watch()
		fails(s, then, "a watch-list that is open")
		s.say(w, saidMap("ADDED", "a", "5"))
		time.Sleep(healthyAfter - 1)
		fails(s, then, "an object of the list")
		s.say(w, saidListEnd("10"))
		works(s, "the end of the list")
	})
}

// A watch succeeds when it is opened, and what the server answers before that does not count.
func TestFailingUntilAWatchIsOpen(t *testing.T) {
	play(t, nil, func(s *script) {
		w := s.expect("watch-list").watch(saidListEnd("10"))
		time.Sleep(time.Minute)
		works(s, "a silent watch")
		_ = w.CloseWithError(errors.New("connection reset"))
		then := time.Now()
		fails(s, then, "a watch that breaks")
		s.expect("check 10").list("10", "")
		r := s.expect("watch 10")
		fails(s, then, "the server is not behind")
		r.status(statusBusy)
		s.expect("check 10").list("10", "")
		r = s.expect("watch 10")
		fails(s, then, "503 of the watch")
		w = r.watch()
		works(s, "a watch that is open")
		s.say(w, saidError(statusBusy))
		then = time.Now()
		s.expect("check 10").list("10", "")
		fails(s, then, "an error in the watch")
		s.expect("watch 10").watch(saidBookmark("11"))
		works(s, "a bookmark")
		s.expect("check 11").list("11", "") // the watch has outlived its time
		works(s, "a watch that was ended from here")
		r = s.expect("watch 11")
		lasts, err := strconv.Atoi(r.req.URL.Query().Get("timeoutSeconds"))
		if err != nil {
			t.Fatal(err)
		}
		w = r.watch()
		time.Sleep(time.Duration(lasts) * time.Second)
		_ = w.Close()
		works(s, "a watch that ended when it was asked to")
		s.expect("watch 11").watch()
	})
}

// A list after 410 is a failure only if it fails, or if it had to wait because it is the second one
// within a minute.
func TestARelistIsNoFailureUntilItFails(t *testing.T) {
	play(t, nil, func(s *script) {
		w := s.expect("watch-list").watch(saidListEnd("10"))
		time.Sleep(time.Second)
		s.say(w, saidError(statusExpired))
		list := s.expect("watch-list").watch(saidMap("ADDED", "a", "5"))
		time.Sleep(endSilence - 1)
		works(s, "a list after 410")
		s.say(list, saidListEnd("20"))
		works(s, "after that list")
		s.say(list, saidError(statusExpired))
		then := time.Now()
		list = s.expect("watch-list").watch()
		fails(s, then, "a list that waited")
		_ = list.CloseWithError(errors.New("connection reset"))
		s.expect("watch-list").watch(saidListEnd("30"))
		works(s, "a list that was broken off and came")
	})
	play(t, nil, func(s *script) {
		w := s.expect("watch-list").watch(saidListEnd("10"))
		time.Sleep(time.Second)
		s.say(w, saidError(statusExpired))
		s.expect("watch-list").hangUp()
		fails(s, time.Now(), "a list after 410 that fails")
	})
}
