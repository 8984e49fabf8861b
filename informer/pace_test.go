package informer

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// questions plays a server that never comes to any version, for a time, while busy is called every
// 100 ms; it returns when the server was asked.
func questions(p *progress, lasts time.Duration, busy func()) (at []time.Duration) {
	began := time.Now()
	for i := 0; time.Since(began) < lasts; i++ {
		busy()
		if version := p.overdue("10"); version != "" {
			p.wasAsked(version)
			at = append(at, time.Since(began))
		}
		time.Sleep(100 * time.Millisecond)
	}
	return at
}

// Who polls for a version that never comes does not hasten the questions: their pauses double, up to
// a minute, however it is polled.
func TestAVersionThatNeverComesIsAskedForEverMoreRarely(t *testing.T) {
	for name, c := range map[string]struct {
		busy func(*progress) func()
		want string
	}{
		"Contains is polled": {func(p *progress) func() {
			return func() { p.has("99") }
		}, "[1s 6s 16s 36s 1m16s 2m16s 3m16s 4m16s 5m16s 6m16s 7m16s 8m16s 9m16s]"},
		"WaitFor again and again": {func(p *progress) func() {
			var w *waiter
			return func() {
				if w != nil {
					p.leave(w)
				}
				w = p.wait("99")
			}
		}, "[1s 6s 16s 36s 1m16s 2m16s 3m16s 4m16s 5m16s 6m16s 7m16s 8m16s 9m16s]"},
		"ever more waiters": {func(p *progress) func() {
			return func() { p.wait("99") }
		}, "[1s 6s 16s 36s 1m16s 2m16s 3m16s 4m16s 5m16s 6m16s 7m16s 8m16s 9m16s]"},
		"two versions in turns": {func(p *progress) func() {
			n := 0
			return func() { n++; p.has(fmt.Sprint(98 + n%2)) }
		}, "[1s 6s 16s 36s 1m16s 2m16s 3m16s 4m16s 5m16s 6m16s 7m16s 8m16s 9m16s]"},
		"another version once, after four minutes": {func(p *progress) func() {
			began := time.Now()
			return func() {
				if time.Since(began) == 4*time.Minute {
					p.wait("20")
				}
				p.has("99")
			}
		}, "[1s 6s 16s 36s 1m16s 2m16s 3m16s 4m1s 4m6s 4m16s 4m36s 5m16s 6m16s 7m16s 8m16s 9m16s]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProgress()
				p.advance("10", false)
				if got := fmt.Sprint(questions(p, 10*time.Minute, c.busy(p))); got != c.want {
					t.Errorf("asked at\n%s, want\n%s", got, c.want)
				}
			})
		})
	}
}

// Each of maxHurried versions hastens a question once, and no further one does.
func TestManyVersionsThatNeverComeHastenOnlySoMuch(t *testing.T) {
	for _, n := range []int{maxHurried - 1, maxHurried, maxHurried + 1} {
		synctest.Test(t, func(t *testing.T) {
			p := newProgress()
			p.advance("10", false)
			for i := range n - 1 {
				p.wait(fmt.Sprint(100 + i))
			}
			for range 100 { // until the pauses are the longest
				p.wasAsked("999")
			}
			p.wait("99")
			want := askAgain
			if n > maxHurried {
				want = maxAskAgain
			}
			if after, _ := asks(t, p, "10"); after != want {
				t.Errorf("with %d versions the next question is due after %s, not %s", n, after, want)
			}
			p.advance("1000", false)
			if len(p.hurried) != 0 {
				t.Errorf("%d versions that have come are remembered", len(p.hurried))
			}
		})
	}
}

// The pauses grow anew after a question that was answered, also for a version that hastens nothing,
// because as many as may hasten a question had done so before.
func TestThePausesGrowAnewAfterAnAnswer(t *testing.T) {
	for _, asked := range []int{1, 2, 10} {
		synctest.Test(t, func(t *testing.T) {
			p := newProgress()
			p.advance("10", false)
			for i := range maxHurried {
				p.wait(fmt.Sprint(100 + i))
			}
			for range asked {
				p.wasAsked("131")
				time.Sleep(p.pause())
			}
			p.wait("999")
			p.advance("131", false)
			if got, want := fmt.Sprint(questions(p, time.Minute, func() {})), "[1s 6s 16s 36s]"; got != want {
				t.Errorf("after %d questions and an answer, the next ones are at %s, want %s", asked, got, want)
			}
		})
	}
}

// A version that was waited for before, when nobody has waited for a while, has the usual time for
// its event to come, although the next question is due. Without a break the question is not put off.
func TestAWaitAfterABreakHasPatience(t *testing.T) {
	for idle, want := range map[time.Duration]time.Duration{patience - 1: 0, patience: patience, patience + 1: patience} {
		synctest.Test(t, func(t *testing.T) {
			p := newProgress()
			p.advance("10", false)
			w := p.wait("20")
			time.Sleep(patience / 2)
			p.leave(w)
			time.Sleep(idle)
			p.wait("20")
			if after, version := asks(t, p, "10"); after != want || version != "20" {
				t.Errorf("after a break of %v, asked for %q after %v, want %v", idle, version, after, want)
			}
		})
	}
}

// After maxVain questions that brought nothing, a list takes the place of the next one. Anything that
// is read shows that the server brings something.
func TestQuestionsThatBringNothing(t *testing.T) {
	for name, c := range map[string]struct {
		reads   []string // what has been read at each question
		useless bool     // the next question, with nothing more read
	}{
		"no question yet":              {nil, false},
		"one":                          {[]string{"10"}, false},
		"two":                          {[]string{"10", "10"}, true},
		"three":                        {[]string{"10", "10", "10"}, true},
		"the second brought something": {[]string{"10", "11", "11"}, true},
		"each brought something":       {[]string{"10", "11", "12"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgress()
			p.advance("10", false)
			w := p.wait("20")
			for _, at := range c.reads {
				p.overdue(at)
				p.wasAsked("20")
			}
			if useless := p.useless(); useless != c.useless {
				t.Errorf("useless is %v", useless)
			}
			p.overdue("15")
			if p.useless() {
				t.Error("useless, although something was read")
			}
			p.advance("20", false)
			if err := <-w.done; err != nil || p.useless() {
				t.Errorf("%v, %v when it has come", err, p.useless())
			}
		})
	}
}

// A restore ends the waits for versions that are lost, and lets the version fall.
func TestARestoreEndsTheWaitsForWhatIsLost(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example"})
	if err != nil {
		t.Fatal(err)
	}
	k, err := kind.Of[corev1.ConfigMap]()
	if err != nil {
		t.Fatal(err)
	}
	s := newShared(c, k, newConfig(c, nil), nil)
	p := s.feeds[0].progress
	apply := func(batch ...delta) {
		version, restored, _ := s.feeds[0].apply(batch)
		p.advance(version, restored)
	}
	apply(delta{kind: deltaListBegin}, delta{kind: deltaListEnd, version: "314"})
	var seen []string
	s.OnProgress(func(version string) { seen = append(seen, version) })
	lost, came, more := p.wait("400"), p.wait("320"), p.wait("314")
	p.has("500")
	p.wasAsked("500")
	apply(delta{kind: deltaListBegin}, delta{kind: deltaListEnd, version: "213", restored: true},
		delta{kind: deltaProgress, version: "320"})
	for w, want := range map[*waiter]bool{lost: true, came: false, more: false} {
		var restored *RestoredError
		if err := <-w.done; errors.As(err, &restored) != want {
			t.Errorf("waiting for %s ended with %v", w.version, err)
		} else if want && (restored.ResourceVersion != "400" || restored.Restored != "320") {
			t.Errorf("the error is %+v", restored)
		}
	}
	apply(delta{kind: deltaListBegin}, delta{kind: deltaListEnd, version: "213", restored: true})
	if s.ResourceVersion() != "213" || s.Contains("314") || !s.Contains("213") {
		t.Errorf("at %s; contains 314: %v", s.ResourceVersion(), s.Contains("314"))
	}
	if got := fmt.Sprint(seen); got != "[320 213]" {
		t.Errorf("OnProgress was called with %s", got)
	}
	if p.polled == "500" || p.asked != "" {
		t.Errorf("the server is still asked for %q, %q", p.polled, p.asked)
	}
}

// A server that gives its lists no version: nobody can know what the cache contains, and nobody waits
// for it forever.
func TestAListWithoutAVersionEndsWaits(t *testing.T) {
	p := newProgress()
	w := p.wait("20")
	p.advance("", false)
	var opaque *OpaqueVersionError
	if err := <-w.done; !errors.As(err, &opaque) {
		t.Errorf("the wait ended with %v", err)
	}
	if has, err := p.has("30"); !has || !errors.As(err, &opaque) {
		t.Errorf("has returned %v, %v", has, err)
	}
	p.advance("10", false) // of an event
	if has, err := p.has("30"); has || err != nil {
		t.Errorf("has returned %v, %v", has, err)
	}
}
