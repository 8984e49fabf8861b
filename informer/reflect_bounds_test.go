package informer

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// inPages makes a reflector ask for pages.
func inPages(r *reflector) { r.known.noStreamUntil = time.Now().Add(24 * time.Hour) }

// Of the pages of a list, maxEmptyPages in a row may be empty and announce another one. One that is not
// empty makes the next one the first.
func TestEmptyPagesHaveABound(t *testing.T) {
	full, most := "full ", strings.Repeat("empty ", maxEmptyPages)
	for pages, complete := range map[string]bool{
		most:                          true,
		most + "empty ":               false,
		most + full + most:            true,
		most + full + most + "empty ": false,
		full + most:                   true,
		full + most + "empty ":        false,
	} {
		play(t, inPages, func(s *script) {
			r := s.expect("page from 0")
			for i, page := range strings.Fields(pages) {
				token := fmt.Sprint("x", i)
				if page == "full" {
					r.list("10", token, mapOf("a", "5"))
				} else {
					r.list("10", token)
				}
				if synctest.Wait(); len(s.errors()) > 0 {
					if complete || i < len(strings.Fields(pages))-1 {
						t.Errorf("%q: page %d is refused: %v", pages, i, s.errors())
					}
					break
				}
				r = s.expect("page continue " + token)
			}
			if !complete {
				if got := fmt.Sprint(s.errors()); !strings.Contains(got, fmt.Sprint(maxEmptyPages+1, " pages in a row are empty")) {
					t.Errorf("%q: %s", pages, got)
				}
				return
			}
			if r.list("10", ""); len(s.errors()) == 0 {
				s.expect("watch 10")
			}
		})
	}
}

// A page that goes on without a pause has ten minutes and a millisecond for each object.
func TestAPageHasABound(t *testing.T) {
	for _, objects := range []int{7, 50} {
		bound := listBound + time.Duration(objects)*objectBound
		for ends, late := range map[time.Duration]bool{bound - 1: false, bound: true, bound + 1: true} {
			play(t, inPages, func(s *script) {
				w := s.expect("page from 0").watch(`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"10"},"items":[`)
				began, comma := time.Now(), ""
				for i := range objects {
					time.Sleep((listBound - time.Minute) / time.Duration(objects))
					s.say(w, comma+mapOf(fmt.Sprintf("a%02d", i), "5"))
					comma = ","
				}
				time.Sleep(time.Until(began.Add(min(ends, bound) - 1)))
				synctest.Wait()
				if len(s.errors()) > 0 {
					t.Errorf("%d objects, before %v: %v", objects, bound, s.errors())
				}
				time.Sleep(time.Until(began.Add(ends)))
				synctest.Wait()
				if !late {
					s.say(w, "]}")
					_ = w.Close()
					if s.expect("watch 10"); len(s.errors()) > 0 {
						t.Errorf("%d objects within %v: %v", objects, ends, s.errors())
					}
				} else if got := fmt.Sprint(s.errors()); !strings.Contains(got, "list: the page took too long; next: list in") {
					t.Errorf("%d objects, after %v: %s", objects, ends, got)
				}
			})
		}
	}
}

// A page has the size that is configured; 0 and negative mean one page for all.
func TestTheSizeOfAPage(t *testing.T) {
	for size, limit := range map[int64][]string{-1: nil, 0: nil, 1: {"1"}, 2: {"2"}, 500: {"500"}} {
		play(t, func(r *reflector) { inPages(r); r.ask.pageSize = size }, func(s *script) {
			r, _ := s.next()
			if got := r.req.URL.Query()["limit"]; fmt.Sprint(got) != fmt.Sprint(limit) {
				t.Errorf("the size %d is asked for as %v", size, got)
			}
		})
	}
}

// An ERROR event without a code is an internal error. One with a code keeps it.
func TestTheCodeOfAnErrorEvent(t *testing.T) {
	for code, want := range map[int]int32{-1: -1, 0: 500, 1: 1, 404: 404, 500: 500, 501: 501} {
		play(t, nil, func(s *script) {
			s.expect("watch-list").watch(saidListEnd("10"), saidError(statusOfCode(code, "")))
			s.expect("watch-list")
			var status apierrors.APIStatus
			if got := s.errors(); len(got) != 1 || !errors.As(got[0], &status) || status.Status().Code != want {
				t.Errorf("the code %d is reported as %v", code, got)
			}
		})
	}
	// The code is enough to know what to do.
	play(t, nil, func(s *script) {
		s.expect("watch-list").watch(saidListEnd("10"), saidError(statusOfCode(410, "")))
		if s.expect("watch-list"); time.Since(s.last) != 0 {
			t.Errorf("a list follows on 410 after %v", time.Since(s.last))
		}
	})
}

// A poll that lasted as long as a stable watch, until somebody waited, makes the next failure the
// first one; a shorter one does not.
func TestWhenTheBackoffFallsByAPoll(t *testing.T) {
	for lasts, falls := range map[time.Duration]bool{stableAfter - 1: false, stableAfter: true, stableAfter + 1: true} {
		play(t, nil, func(s *script) {
			for range 3 {
				s.expect("watch-list").status(statusBusy)
			}
			s.expect("watch-list").watch(saidListEnd(""))
			began := time.Now()
			time.Sleep(lasts - patience)
			s.waits.wait("20")
			r := s.expect("watch-list")
			if got := time.Since(began); got != lasts {
				t.Fatalf("the poll lasted %v, want %v", got, lasts)
			}
			r.status(statusBusy)
			began = time.Now()
			s.expect("watch-list")
			if d := time.Since(began); (d < 2*backoffBase) != falls {
				t.Errorf("after a poll of %v the pause is %v", lasts, d)
			}
		})
	}
}

// A watch is asked to last for whole seconds, from five minutes up to ten.
func TestHowLongAWatchIsAskedFor(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 20000 {
		lasts := watchTimeout()
		least, most = min(least, lasts), max(most, lasts)
	}
	if least != minWatch || most != maxWatch-time.Second {
		t.Errorf("watches are asked to last for %v to %v", least, most)
	}
}

// A watch whose end does not come is cut watchSlack later, and taken up when the server's version
// has been checked. An end that comes before is the usual one.
func TestWhenAWatchIsCut(t *testing.T) {
	for more, next := range map[time.Duration]string{
		watchSlack - 1: "watch 10", watchSlack: "check 10", watchSlack + 1: "check 10",
	} {
		play(t, nil, func(s *script) {
			r := watch(s)
			lasts, err := time.ParseDuration(r.req.URL.Query().Get("timeoutSeconds") + "s")
			if err != nil {
				t.Fatal(err)
			}
			w := r.watch()
			began := time.Now()
			time.Sleep(min(more, watchSlack-1) + lasts)
			synctest.Wait()
			if state := s.status().State; state != "watching" {
				t.Errorf("before the watch is cut, the state is %s", state)
			}
			if more < watchSlack {
				_ = w.Close()
			}
			s.expect(next)
			if took := time.Since(began); took != lasts+min(more, watchSlack) {
				t.Errorf("a watch of %v went on after %v", lasts, took)
			}
			if len(s.errors()) > 0 {
				t.Errorf("reported were %v", s.errors())
			}
		})
	}
}

// A short watch may end a quarter of its time too early.
func TestTheEndOfAShortWatch(t *testing.T) {
	for lives, next := range map[time.Duration]string{
		shortWatch*3/4 - 1: "check 10", shortWatch * 3 / 4: "watch 10", shortWatch*3/4 + 1: "watch 10",
	} {
		play(t, nil, func(s *script) {
			ask(s).list("21", "")
			endsAfter(lives)(s, s.expect("short watch 10"))
			_, got := s.next()
			if fault := len(s.errors()) > 0; got != next || fault != (next == "check 10") {
				t.Errorf("a short watch that ends after %v leads to %q, want %q; %v", lives, got, next, s.errors())
			}
		})
	}
}

// A list follows on 410 at once, but only once a minute.
func TestAListAtOnceOnceAMinute(t *testing.T) {
	for after, waits := range map[time.Duration]bool{time.Minute - 1: true, time.Minute: false, time.Minute + 1: false} {
		play(t, nil, func(s *script) {
			watch(s).status(statusExpired)
			w := s.expect("watch-list").watch(saidListEnd("10"))
			time.Sleep(after)
			s.say(w, saidError(statusExpired))
			s.expect("watch-list")
			if pause := time.Since(s.last); (pause > 0) != waits {
				t.Errorf("after %v, the next list is begun after %v", after, pause)
			}
		})
	}
}

// Six watches in a row that are refused before they are healthy make a resource one that cannot be
// watched: before they have lived for healthyAfter, without an event.
func TestWhichWatchesCountAsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		lives  time.Duration
		events []string
		polls  bool
	}{
		"refused at once":                {0, nil, true},
		"refused just before it is well": {healthyAfter - 1, nil, true},
		"refused when it is well":        {healthyAfter, nil, false},
		"refused later":                  {healthyAfter + 1, nil, false},
		"refused after an event":         {0, []string{saidBookmark("11")}, false},
	} {
		polls := false
		serve(t, time.Hour, func(a *auto, r *scripted, request string) {
			switch {
			case request == "watch-list":
				r.status(statusInvalid)
			case strings.HasPrefix(request, "watch "):
				w := r.watch(c.events...)
				time.Sleep(c.lives)
				a.say(w, saidError(statusOf404))
			default:
				healthy(r, request, "10")
			}
			synctest.Wait()
			polls = polls || a.status().State == "polling"
		}, func(*auto) {
			if polls != c.polls {
				t.Errorf("%s: polled is %v", name, polls)
			}
		})
	}
}
