package operator

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/informer"
)

// An informer is without its server from the first failure on after which nothing has succeeded,
// whatever the server has answered since.
func TestWhenAnInformerIsWithoutItsServer(t *testing.T) {
	now := time.Now()
	hour, minute := now.Add(-time.Hour), now.Add(-time.Minute)
	for _, tc := range []struct {
		name string
		s    informer.Status
		want time.Duration
	}{
		{"healthy, and silent for long", informer.Status{Synced: true, AnsweredAt: hour}, 0},
		{"its first list comes", informer.Status{AnsweredAt: hour}, 0},
		{"fails since a minute, and was silent before that",
			informer.Status{AnsweredAt: hour, Failures: 1, FailingSince: minute}, time.Minute},
		{"is answered errors", informer.Status{AnsweredAt: now, Failures: 9, FailingSince: hour}, time.Hour},
		{"never answered", informer.Status{Failures: 1, FailingSince: hour}, time.Hour},
		{"the clock was set back", informer.Status{Failures: 1, FailingSince: now.Add(time.Hour)}, 0},
	} {
		if got := lag(tc.s, now); got != tc.want {
			t.Errorf("%s: for %v, want %v", tc.name, got, tc.want)
		}
	}
	if c := NewCaches(0); c.limit != DefaultUnreachableAfter || NewCaches(-1).Reachable(t.Context()) != nil {
		t.Error("the limit 0 is not the default, or a negative one is not off")
	}
}

// The answers of an Authorizer are bounded, and those that are over go first.
func TestTheAnswersAreBounded(t *testing.T) {
	a := &Authorizer{known: map[question]answer{}}
	now := time.Now()
	q := func(i int) question { return question(sha256.Sum256(fmt.Append(nil, i))) }
	for i := range maxAnswers {
		a.remember(q(i), answer{allowed: i > 0}, now) // the first is a no, and over sooner
	}
	if len(a.known) != maxAnswers {
		t.Errorf("%d answers are kept", len(a.known))
	}
	a.remember(q(-1), answer{allowed: true}, now.Add(noFor))
	if _, ok := a.remembered(q(1), now.Add(noFor)); len(a.known) != maxAnswers || !ok {
		t.Errorf("one more, when one is over: %d are kept, and the others: %v", len(a.known), ok)
	}
	a.remember(q(-2), answer{allowed: true}, now.Add(noFor))
	if _, ok := a.remembered(q(-2), now.Add(noFor)); len(a.known) != 1 || !ok {
		t.Errorf("one more, when none is over: %d are kept, and it: %v", len(a.known), ok)
	}
}

// Sixteen follow the page at once, and a place that is left is another's.
func TestThePlacesOfThePage(t *testing.T) {
	o := New(Options{Settings: Settings{Page: true}})
	p := NewPage(o, "/p")
	defer p.Close()
	for range maxStreams {
		p.places <- struct{}{}
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/p/events", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("one more is answered %d", w.Code)
	}
	<-p.places
	synctest.Test(t, func(t *testing.T) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/p/events", nil)
		w := httptest.NewRecorder() // which has no deadlines: the first event is the last
		p.ServeHTTP(w, r.WithContext(canceled(t)))
		if w.Code != http.StatusOK || len(p.places) != maxStreams-1 {
			t.Errorf("in a free place: %d, and then %d are taken", w.Code, len(p.places))
		}
	})
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		w := httptest.NewRecorder()
		if p.ServeHTTP(w, httptest.NewRequest(method, "/p/state", nil)); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

// All who look within stateAge share a State, and events are counted over the time between two.
func TestTheAgeOfAState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made, events := 0, int64(0)
		p := &Page{keys: newHistories(), source: func() State {
			made++
			events += 30
			return State{Informers: []InformerState{{Name: "a", Events: events}}}
		}}
		p.State()
		time.Sleep(stateAge - time.Nanosecond)
		if p.State(); made != 1 {
			t.Errorf("within %v %d are made", stateAge, made)
		}
		time.Sleep(3*time.Second - stateAge + time.Nanosecond)
		if s := p.State(); made != 2 || s.Informers[0].EventsPerSecond != 10 {
			t.Errorf("30 events in 3 seconds are %v in a second", s.Informers[0].EventsPerSecond)
		}
	})
}

// canceled returns a context that has ended.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestErrorsOfAStopTell(t *testing.T) {
	err := &StopError{Parts: []string{"a", "b"}, Grace: time.Second}
	if want := "stop operator: not stopped within its share of the grace period of 1s: a, b"; err.Error() != want || errors.Unwrap(err) != nil {
		t.Errorf("got %v", err)
	}
}
