package informer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// restored leads to a short question for the version 250, after the server's data was restored from
// version 300 to 200, and returns the request and who waits.
func restored(s *script) (*scripted, *waiter) {
	w := s.expect("watch-list").watch(saidListEnd("300"))
	synctest.Wait()
	s.waits.advance("300", false) // what an informer does when the delta comes through
	_ = w.CloseWithError(errors.New("connection reset"))
	s.expect("check 300").status(statusTooLarge)
	s.expect("watch-list").watch(saidListEnd("200"))
	synctest.Wait()
	s.waits.advance("200", true)
	waiter := s.waits.wait("250")
	return s.expect("come to 250"), waiter
}

// result returns the error that a wait ended with, and whether it has.
func result(w *waiter) (error, bool) {
	synctest.Wait()
	select {
	case err := <-w.done:
		return err, true
	default:
		return nil, false
	}
}

// A wait that begins after a restore, for a version of before it, ends when the server has told that
// its newest version is below. A wait that began after that question may be for a newer one.
func TestAWaitForAVersionThatWasLostBefore(t *testing.T) {
	for newest, lost := range map[string]bool{"249": true, "250": false, "251": false, "v-abc": false} {
		play(t, nil, func(s *script) {
			r, waiter := restored(s)
			r.status(statusTooLarge)
			r = s.expect("newest")
			later := s.waits.wait("250")
			r.list(newest, "", mapOf("a", "5"))
			s.expect("check 200")
			err, done := result(waiter)
			var restored *RestoredError
			if done != lost || lost && (!errors.As(err, &restored) || *restored != RestoredError{"250", "200"}) {
				t.Errorf("at %s, the wait has ended: %v, with %v", newest, done, err)
			}
			if err, done := result(later); done {
				t.Errorf("at %s, a wait that began after the question ended with %v", newest, err)
			}
		})
	}
}

// What does not tell that a version was lost ends no wait.
func TestWhatDoesNotShowThatAVersionWasLost(t *testing.T) {
	for name, c := range map[string]struct {
		come   func(*scripted) // the answer to the first question
		newest func(*scripted) // to the second one; nil: it is not asked
		next   string
	}{
		"the server came there":        {func(r *scripted) { r.list("250", "") }, nil, "short watch 200"},
		"the server failed":            {func(r *scripted) { r.status(statusFailed) }, nil, "short watch 200"},
		"no answer":                    {func(r *scripted) { r.hangUp() }, nil, "short watch 200"},
		"the second question failed":   {tooLate, func(r *scripted) { r.status(statusFailed) }, "check 200"},
		"it was not answered":          {tooLate, func(r *scripted) { r.hangUp() }, "check 200"},
		"it was answered by nothing":   {tooLate, func(r *scripted) { r.list("", "") }, "check 200"},
		"it was answered by no object": {tooLate, func(r *scripted) { r.list("249", "", mapOf("", "5")) }, "check 200"},
		"it was never answered":        {tooLate, func(r *scripted) { time.Sleep(askTimeout) }, "check 200"},
	} {
		play(t, nil, func(s *script) {
			r, waiter := restored(s)
			c.come(r)
			if c.newest != nil {
				c.newest(s.expect("newest"))
			}
			if _, got := s.next(); got != c.next {
				t.Errorf("%s: the next request is %q, want %q", name, got, c.next)
			}
			if err, done := result(waiter); done {
				t.Errorf("%s: the wait ended with %v", name, err)
			}
		})
	}
	// A server that was not restored is behind for a while.
	play(t, nil, func(s *script) {
		ask(s).status(statusTooLarge)
		s.expect("check 10")
	})
}

func tooLate(r *scripted) { r.status(statusTooLarge) }

// Who asks again and again for a version that was lost is answered, ever more rarely, and no list is
// read for it.
func TestALostVersionIsAskedForEverMoreRarely(t *testing.T) {
	play(t, nil, func(s *script) {
		r, waiter := restored(s)
		for i, most := range []time.Duration{6, 11, 21, 41, 61, 61} {
			r.status(statusTooLarge)
			s.expect("newest").list("249", "")
			s.expect("check 200").list("249", "")
			if _, done := result(waiter); !done {
				t.Fatalf("wait %d goes on", i)
			}
			w := s.expect("short watch 200").watch()
			began := time.Now()
			waiter = s.waits.wait("250")
			go func() { time.Sleep(shortWatch); _ = w.Close() }()
			var name string
			if r, name = s.next(); name == "watch 200" {
				r.watch()
				r, name = s.next()
			}
			if took := time.Since(began); name != "come to 250" || took > most*time.Second || took < (most-2)*time.Second {
				t.Fatalf("wait %d: %s after %v, not %v", i, name, took, most*time.Second)
			}
		}
	})
}

// That a version was lost is an answer: the questions that bring nothing are counted from there.
func TestALostVersionIsAnAnswer(t *testing.T) {
	p := newProgress()
	p.advance("300", false)
	p.advance("200", true)
	for range 5 {
		p.wait("250")
		p.overdue("200")
		p.wasAsked("250")
		if p.lose(p.doubtful(), "249"); p.useless() || len(p.waiting) > 0 {
			t.Errorf("useless: %v, and %d wait", p.useless(), len(p.waiting))
		}
	}
	p.wait("251")
	for i := 1; i <= maxVain; i++ {
		p.wasAsked("251")
		if useless := i >= maxVain-1; p.useless() != useless {
			t.Errorf("after %d questions that brought nothing, another one is useless: %v", i, !useless)
		}
	}
}
