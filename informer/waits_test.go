package informer

import (
	"testing"
	"testing/synctest"
	"time"
)

// asks plays a watch beside progress: it returns how long it takes until the server is to be asked,
// and for what.
func asks(t *testing.T, p *progress, at string) (after time.Duration, version string) {
	t.Helper()
	began := time.Now()
	if version = p.overdue(at); version == "" {
		interrupted := make(chan struct{})
		if version = p.watch(at, func() { close(interrupted) }); version == "" {
			select {
			case <-interrupted:
			case <-time.After(time.Hour):
			}
			version = p.overdue(at)
		}
		p.unwatch()
	}
	return time.Since(began), version
}

func TestWhenTheServerIsAsked(t *testing.T) {
	never := time.Hour
	for name, c := range map[string]struct {
		before  func(*progress)
		after   time.Duration
		version string
	}{
		"nobody waits":               {func(*progress) {}, never, ""},
		"somebody waits":             {func(p *progress) { p.wait("20") }, patience, "20"},
		"somebody asked Contains":    {func(p *progress) { p.has("20") }, patience, "20"},
		"for what is there":          {func(p *progress) { p.wait("10"); p.has("9") }, never, ""},
		"the newest":                 {func(p *progress) { p.wait("15"); p.wait("20"); p.has("17") }, patience, "20"},
		"waited before the watch":    {func(p *progress) { p.wait("20"); time.Sleep(time.Minute) }, 0, "20"},
		"waited for a moment before": {func(p *progress) { p.wait("20"); time.Sleep(patience / 4) }, patience * 3 / 4, "20"},
		"gave up":                    {func(p *progress) { p.leave(p.wait("20")) }, never, ""},
		"came":                       {func(p *progress) { p.wait("20"); p.advance("20", false) }, never, ""},
		"came, and another not":      {func(p *progress) { p.wait("15"); p.wait("20"); p.advance("16", false) }, patience, "20"},
		"asked, no answer yet":       {func(p *progress) { p.wait("20"); p.wasAsked("20") }, askAgain, "20"},
		"asked in vain":              {func(p *progress) { p.wait("20"); p.wasAsked("20"); time.Sleep(askAgain); p.wasAsked("20") }, 2 * askAgain, "20"},
		"asked in vain, often": {func(p *progress) {
			p.wait("20")
			for range 100 {
				p.wasAsked("20")
			}
		}, maxAskAgain, "20"},
		"asked in vain, then somebody else comes": {func(p *progress) {
			p.wait("20")
			for range 100 {
				p.wasAsked("20")
			}
			p.wait("15")
		}, askAgain, "20"},
		"asked and answered":          {func(p *progress) { p.wait("20"); p.wasAsked("20"); p.advance("20", false) }, never, ""},
		"answered, the next one":      {func(p *progress) { p.wait("20"); p.wasAsked("20"); p.advance("20", false); p.wait("30") }, patience, "30"},
		"Contains is asked for once":  {func(p *progress) { p.has("20"); p.wasAsked("20") }, never, ""},
		"Contains asked again":        {func(p *progress) { p.has("20"); p.wasAsked("20"); p.has("20") }, askAgain, "20"},
		"somebody waits, it is ended": {func(p *progress) { p.wait("20"); p.close() }, never, "20"},
		"a version nobody can compare": {func(p *progress) {
			if has, err := p.has("v-abc"); !has || err == nil {
				t.Errorf("has returned %v, %v", has, err)
			}
			p.wait("v-abc")
		}, never, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProgress()
				p.advance("10", false)
				c.before(p)
				if after, version := asks(t, p, "10"); after != c.after || version != c.version {
					t.Errorf("asked for %q after %s, want %q after %s", version, after, c.version, c.after)
				}
			})
		})
	}
}

// What the stream has brought already, and the consumer has not taken in, is not asked for.
func TestWhatIsOnItsWayIsNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgress()
		w := p.wait("20")
		time.Sleep(time.Minute)
		if _, version := asks(t, p, "25"); version != "" {
			t.Errorf("asked for %s, which has been read", version)
		}
		p.advance("25", false)
		if err := <-w.done; err != nil {
			t.Error(err)
		}
	})
}

// Whoever waits before there is a list learns at its end that a version cannot be compared.
func TestWaitingForAVersionNobodyCanCompare(t *testing.T) {
	p := newProgress()
	w := p.wait("v-abc")
	p.advance("10", false)
	if err := <-w.done; err == nil {
		t.Error("the version v-abc is contained")
	}
}

// Someone who waits while the list streams is asked for when it ends (and not while it goes on).
func TestSomebodyWaitsDuringTheList(t *testing.T) {
	play(t, nil, func(s *script) {
		w := s.expect("watch-list").watch(saidMap("ADDED", "a", "5"))
		waiter := s.waits.wait("20")
		time.Sleep(10 * patience)
		s.say(w, saidListEnd("10"))
		s.expect("come to 20").list("21", "")
		s.expect("short watch 10").watch(saidBookmark("21"))
		synctest.Wait()
		if after := time.Since(s.last); after != 0 {
			t.Errorf("that took %s", after)
		}
		s.waits.advance("21", false) // what an informer does when the bookmark comes through
		if err := <-waiter.done; err != nil {
			t.Error(err)
		}
	})
}

// As long as somebody waits, a question that fails is asked again: by the next watch.
func TestAQuestionIsNotLost(t *testing.T) {
	for name, fail := range map[string]func(*script){
		"the short watch fails": func(s *script) {
			s.expect("short watch 10").hangUp()
			s.expect("check 10").list("10", "")
			s.expect("watch 10").watch()
		},
		"it ends without a bookmark": func(s *script) {
			w := s.expect("short watch 10").watch()
			time.Sleep(shortWatch)
			_ = w.Close()
			s.expect("watch 10").watch()
		},
		"the version is expired": func(s *script) {
			s.expect("short watch 10").status(statusExpired)
			s.expect("watch-list").watch(saidListEnd("11"))
		},
		"a list takes its place": func(s *script) {
			s.expect("short watch 10").status(statusExpired)
			w := s.expect("watch-list").watch()
			time.Sleep(10 * time.Second)
			s.say(w, saidListEnd("11"))
		},
		"the bookmark is too old":     func(s *script) { s.expect("short watch 10").watch(saidBookmark("15")) },
		"the question itself is lost": func(s *script) { s.expect("short watch 10").watch() },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(s *script) {
				s.expect("watch-list").watch(saidListEnd("10"))
				s.waits.wait("20")
				s.expect("come to 20").hangUp()
				asked := time.Now()
				fail(s)
				s.expect("come to 20")
				if after := time.Since(asked); after > 20*time.Second {
					t.Errorf("asked again after %s", after)
				}
			})
		})
	}
}
