package informer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// later are the statuses by which a server asks for the same request again.
func isLater(name string) bool {
	for _, code := range []string{"401", "429", "503"} {
		if strings.HasSuffix(name, code) {
			return true
		}
	}
	return name == "no answer" // which is tried again, too
}

// Whatever a server answers to a watch-list: if it does not say "later", a list follows, and the
// informer is in sync.
func TestAWatchListThatIsRefusedIsListed(t *testing.T) {
	for name, spoil := range answers() {
		if isLater(name) {
			continue
		}
		serve(t, 10*time.Second, func(a *auto, r *scripted, request string) {
			if request == "watch-list" {
				spoil(r)
				return
			}
			healthy(r, request, "10")
		}, func(a *auto) {
			if a.syncedAt("10"); t.Failed() {
				t.Fatalf("a watch-list that is answered by %s", name)
			}
		})
	}
	for code := 400; code <= 599; code++ {
		if code == 401 || code == 429 || code == 503 {
			continue
		}
		serve(t, 10*time.Second, func(a *auto, r *scripted, request string) {
			if request == "watch-list" {
				r.watch(saidError(statusOfCode(code, "Scripted")))
				return
			}
			healthy(r, request, "10")
		}, func(a *auto) {
			if a.syncedAt("10"); t.Failed() {
				t.Fatalf("a watch-list that an ERROR event %d ends", code)
			}
		})
	}
}

// After half an hour a server is asked for a watch-list again.
func TestThatThereIsNoWatchListIsForgotten(t *testing.T) {
	serve(t, time.Hour, func(a *auto, r *scripted, name string) {
		switch {
		case name == "watch-list" && a.now() < 20*time.Minute:
			r.status(statusFailed)
		case strings.HasPrefix(name, "watch ") && a.now() < 50*time.Minute:
			w := r.watch()
			time.Sleep(healthyAfter) // the next list is due every five seconds or so
			a.say(w, saidError(statusExpired))
		default:
			healthy(r, name, "10")
		}
	}, func(a *auto) {
		if n := a.count("watch-list", noStreamFor); n != 1 {
			t.Errorf("%d watch-lists within %v", n, noStreamFor)
		}
		if n := a.count("watch-list", noStreamFor+2*time.Minute); n != 2 {
			t.Errorf("%d watch-lists within %v and two minutes", n, noStreamFor)
		}
	})
}

// Whatever a server answers to watches: the cache goes on by lists, and the requests become rare. A
// resource that can be listed and not watched is listed every few minutes, and Status says so.
func TestAResourceThatCannotBeWatchedIsListed(t *testing.T) {
	for name, spoil := range answers() {
		expires := strings.HasSuffix(name, "410")
		broken := name == "an empty body" // a cut stream, as no answer
		if isLater(name) || broken {
			continue
		}
		serve(t, time.Hour, func(a *auto, r *scripted, request string) {
			if strings.Contains(request, "watch") {
				spoil(r)
				return
			}
			healthy(r, request, fmt.Sprint(10+a.now()/time.Second))
		}, func(a *auto) {
			minute, all := a.count("page", time.Minute), a.count("", time.Hour)
			if minute < 3 || all > 400 {
				t.Fatalf("%s: %d lists in the first minute, %d requests in an hour", name, minute, all)
			}
			status := a.status()
			if !expires && (status.State != "polling" || status.Unwatchable == nil || status.Failures != 0 || a.count("page", time.Hour) < 14) {
				t.Fatalf("%s: after an hour of no watch, the status is %+v after %v", name, status, a.calls)
			}
		})
	}
}

// When a watch works again, the resource counts as watchable.
func TestAResourceCanBeWatchedAgain(t *testing.T) {
	serve(t, time.Hour, func(a *auto, r *scripted, name string) {
		if strings.HasPrefix(name, "watch") && a.now() < 30*time.Minute {
			r.status(statusOf404)
			return
		}
		healthy(r, name, "10")
	}, func(a *auto) {
		if s := a.status(); s.State != "watching" || s.Unwatchable != nil || s.Failures != 0 {
			t.Errorf("the status is %+v", s)
		}
		a.wrote("not watched", "next: list in")
	})
}

// A watch that gets no answer is tried five times from one version; then a list takes its place.
func TestAWatchWithoutAnAnswerIsListedOver(t *testing.T) {
	serve(t, 5*time.Minute, func(a *auto, r *scripted, name string) {
		if strings.HasPrefix(name, "watch ") {
			r.hangUp()
			return
		}
		healthy(r, name, "10")
	}, func(a *auto) {
		if lists := a.count("watch-list", 5*time.Minute); lists > 2 {
			t.Logf("%d lists", lists)
		}
		if n := a.count("", 5*time.Minute); n > 400 {
			t.Errorf("%d requests in five minutes", n)
		}
	})
	play(t, nil, func(s *script) {
		watchCut(maxTries - 1)(s).hangUp()
		s.expect("watch-list")
	})
}

// A watch that ends soon is a failure for the backoff, with an event or without, again and again.
func TestAShortWatchIsAFailureForTheBackoff(t *testing.T) {
	for _, lives := range []time.Duration{0, time.Second, healthyAfter - 1} {
		version := 10
		serve(t, 10*time.Minute, func(a *auto, r *scripted, name string) {
			if name == "watch-list" {
				w := r.watch(saidListEnd(fmt.Sprint(version)))
				time.AfterFunc(lives, func() { _ = w.Close() })
				return
			}
			if !strings.HasPrefix(name, "watch ") {
				healthy(r, name, fmt.Sprint(version))
				return
			}
			version++
			w := r.watch(saidBookmark(fmt.Sprint(version)))
			time.AfterFunc(lives, func() { _ = w.Close() })
		}, func(a *auto) {
			if n := a.count("watch ", 10*time.Minute); n < 5 || n > 30 {
				t.Errorf("%d watches that lived for %v within ten minutes", n, lives)
			}
			a.wrote("the server ended the watch within", "next: check the server's version in")
		})
	}
}

// The list of a watch-list has a minute and a millisecond for each object; live changes are no
// progress.
func TestTheListOfAWatchListHasABound(t *testing.T) {
	for _, c := range []struct {
		name     string
		ends     time.Duration // when the bookmark comes
		objects  int
		complete bool
	}{
		{"below", streamBound + 3*objectBound - 1, 3, true},
		{"at", streamBound + 3*objectBound, 3, false},
		{"above", streamBound + 3*objectBound + 1, 3, false},
		{"more objects", streamBound + 50*objectBound - 1, 50, true},
	} {
		play(t, nil, func(s *script) {
			w := s.expect("watch-list").watch()
			began := time.Now()
			at := func(d time.Duration) { time.Sleep(time.Until(began.Add(d))) }
			for i := range c.objects {
				at(time.Duration(i+1) * (50 * time.Second) / time.Duration(c.objects))
				s.say(w, saidMap("ADDED", fmt.Sprint("a", i), "5"))
			}
			for d := time.Until(began.Add(c.ends)); d > time.Second; d = time.Until(began.Add(c.ends)) {
				time.Sleep(min(d-time.Second, 5*time.Second))
				s.say(w, saidMap("MODIFIED", "a0", "6"))
				s.say(w, saidMap("DELETED", "a1", "6"))
			}
			at(c.ends)
			synctest.Wait()
			if c.complete {
				s.say(w, saidListEnd("10"))
				synctest.Wait()
				if s.status().State != "watching" {
					t.Errorf("%s: the list is not complete: %v", c.name, s.errors())
				}
				return
			}
			if s.expect("page from 0"); time.Since(began) != c.ends {
				t.Errorf("%s: pages were asked for after %v", c.name, time.Since(began))
			}
		})
	}
}

// Live changes do not keep a watch-list going whose list does not.
func TestLiveChangesAreNoProgressOfAList(t *testing.T) {
	play(t, nil, func(s *script) {
		w := s.expect("watch-list").watch(saidMap("ADDED", "a", "5"))
		began := time.Now()
		go func() {
			for i := range 6 {
				time.Sleep(3 * time.Second)
				_, _ = w.Write([]byte(saidMap("MODIFIED", "a", fmt.Sprint(6+i))))
			}
		}()
		if s.expect("page from 0"); time.Since(began) != endSilence {
			t.Errorf("pages were asked for after %v", time.Since(began))
		}
	})
}

// The time that the consumer takes is not the server's.
func TestTheConsumersTimeDoesNotCount(t *testing.T) {
	play(t, nil, func(s *script) {
		s.sink.slow = 25 * time.Second // an index function, once for each object
		w := s.expect("watch-list").watch()
		for i := range 5 {
			s.say(w, saidMap("ADDED", fmt.Sprint("a", i), "5"))
		}
		s.say(w, saidListEnd("10"))
		time.Sleep(2 * time.Minute) // the watch goes on: it is asked for at least five minutes
		synctest.Wait()
		if len(s.errors()) > 0 || s.status().Lists != 1 {
			t.Errorf("a slow consumer was taken for a slow server: %v, %v", s.errors(), s.deltas())
		}
	})
	serveChanged(t, time.Hour, func(r *reflector) {
		r.known.noStreamUntil = time.Now().Add(time.Hour)
		r.sink.(*recorder).slow = 2 * listSilence
	},
		func(a *auto, r *scripted, name string) { healthy(r, name, "10") },
		func(a *auto) { a.syncedAt("10") })
}

// Of a time in which the process did not run, a watchdog counts one tick at most.
func TestAStarvedProcessIsNotASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatchdog(func(error) { t.Error("the request was cancelled") }, limits{silence: 20 * time.Second, bound: time.Minute})
		w.wait()
		w.since = w.since.Add(-25 * time.Second) // as if the process had stopped
		w.tick()
		if w.quiet != 5*time.Second || w.spent != 5*time.Second {
			t.Errorf("25 s in which nothing ran count as %v and %v", w.quiet, w.spent)
		}
		w.stop()
	})
}

func TestSilenceHasABound(t *testing.T) {
	for name, c := range map[string]struct {
		lead  func(*script)
		after time.Duration
		says  string
	}{
		"watch-list, no answer": {func(s *script) { s.expect("watch-list") }, answerWithin,
			"list by a watch: the server did not answer within 30s; next: list by a watch in "},
		"watch-list, no object": {func(s *script) { s.expect("watch-list").watch() }, endSilence,
			"list by a watch: neither an object nor the end of the list came within 20s; next: list at once"},
		"page, no answer": {func(s *script) { pageList(s) }, listSilence,
			"list: the server sent nothing for 90s; next: list in "},
		"watch, no answer": {func(s *script) { watch(s) }, answerWithin,
			"watch: the server did not answer within 30s; next: check the server's version in "},
		"check, no answer": {func(s *script) { check(s) }, askTimeout,
			"check the server's version: the server did not answer within 10s whether it has come to " +
				"resourceVersion 10; next: check the server's version in "},
		"check, half an answer": {func(s *script) { check(s).watch(`{"kind":"ConfigMapList",`) }, askTimeout,
			"check the server's version: the server did not answer within 10s whether it has come to resourceVersion 10; next: "},
	} {
		play(t, nil, func(s *script) {
			c.lead(s)
			synctest.Wait()
			before := len(s.errors())
			time.Sleep(c.after - 1)
			synctest.Wait()
			if len(s.errors()) != before {
				t.Errorf("%s: given up before %v: %v", name, c.after, s.errors())
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if len(s.errors()) != before+1 || !strings.Contains(s.errors()[before].Error(), c.says) {
				t.Errorf("%s: after %v the errors are %v, want %q", name, c.after, s.errors(), c.says)
			}
		})
	}
}

// A list without a resourceVersion is complete. The resource is listed now and then.
func TestAListWithoutAResourceVersionIsComplete(t *testing.T) {
	for name, watchLists := range map[string]bool{"the bookmark": true, "the page": false} {
		serve(t, time.Hour, func(a *auto, r *scripted, request string) {
			if request == "watch-list" && !watchLists {
				r.status(statusInvalid)
				return
			}
			healthy(r, request, "")
		}, func(a *auto) {
			a.syncedAt("")
			if n := a.count("watch ", time.Hour) + a.count("check", time.Hour); n > 0 {
				t.Errorf("%s has no version: %d watches", name, n)
			}
			if n := a.count("", time.Hour); n < 15 || n > 35 {
				t.Errorf("%s has no version: %d requests in an hour", name, n)
			}
			if s := a.status(); s.State != "polling" || !errors.Is(s.Unwatchable, errVersionless) || s.Failures != 0 {
				t.Errorf("%s has no version: the status is %+v", name, s)
			}
			for _, c := range a.calls[2:] {
				if c.name == "page from 0" {
					t.Errorf("a later list may be older than the cache: %v", a.calls)
				}
			}
		})
	}
}

// A maintenance page with a long Retry-After does not outlast the maintenance by much.
func TestAMaintenancePage(t *testing.T) {
	for _, code := range []int{429, 500, 502, 503, 504} {
		serve(t, 2*time.Minute, func(a *auto, r *scripted, name string) {
			if a.now() < 8*time.Second {
				r.replyAs(code, "text/html", "<html>Maintenance</html>", "Retry-After", "86400")
				return
			}
			healthy(r, name, "10")
		}, func(a *auto) {
			a.syncedAt("10")
			a.wrote("informer configmaps: ", "; next: ", " in ")
		})
	}
}

func TestRetryAfterHasABound(t *testing.T) {
	for seconds, bounds := range map[int32][2]time.Duration{
		1:       {800 * time.Millisecond, 1600 * time.Millisecond},
		59:      {59 * time.Second, time.Minute},
		60:      {time.Minute, time.Minute},
		61:      {50 * time.Second, time.Minute},
		86400:   {50 * time.Second, time.Minute},
		1 << 30: {50 * time.Second, time.Minute},
	} {
		for range 100 {
			err := &apierrors.StatusError{ErrStatus: metav1.Status{Details: &metav1.StatusDetails{RetryAfterSeconds: seconds}}}
			if d := new(backoff).next(busy, err); d < bounds[0] || d > bounds[1] {
				t.Fatalf("Retry-After %d is a pause of %v", seconds, d)
			}
		}
	}
}

// The pauses of a server that answers grow to a minute, those of one that does not to 8 seconds, and
// neither delays the other.
func TestTheBackoffsAreApart(t *testing.T) {
	var b backoff
	for i := range 20 {
		least := min(backoffBase<<i, maxUnanswered)
		if d := b.next(unanswered, nil); d < least || d > 2*least {
			t.Errorf("failure %d without an answer: %v", i, d)
		}
	}
	for i := range 20 {
		least := min(backoffBase<<i, maxAnswered)
		if d := b.next(failed, nil); d < least || d > 2*least {
			t.Errorf("failure %d: %v", i, d)
		}
	}
}

// A watch that has lived for 30 seconds makes the next failure the first one; a shorter one does not.
func TestWhenTheBackoffFalls(t *testing.T) {
	for lives, falls := range map[time.Duration]bool{stableAfter - 1: false, stableAfter: true, stableAfter + 1: true} {
		play(t, nil, func(s *script) {
			for range 4 {
				s.expect("watch-list").status(statusBusy)
			}
			w := s.expect("watch-list").watch(saidListEnd("10"))
			time.Sleep(lives)
			s.say(w, saidError(statusBusy))
			began := time.Now()
			s.expect("check 10")
			if d := time.Since(began); (d < 2*backoffBase) != falls {
				t.Errorf("after a watch of %v the pause is %v", lives, d)
			}
		})
	}
}

// Status.Failures is 0 when a watch has been open for five seconds, or has brought an event.
func TestWhenAWatchIsHealthy(t *testing.T) {
	failures := func(s *script) int {
		synctest.Wait()
		return s.status().Failures
	}
	play(t, nil, func(s *script) {
		w := watchAgain(s).watch()
		time.Sleep(healthyAfter - 1)
		if n := failures(s); n != 1 {
			t.Errorf("%d failures before %v", n, healthyAfter)
		}
		time.Sleep(time.Nanosecond)
		if n := failures(s); n != 0 {
			t.Errorf("%d failures after %v", n, healthyAfter)
		}
		_ = w.CloseWithError(errors.New("connection reset"))
		s.expect("check 10").list("10", "")
		w = s.expect("watch 10").watch()
		if n := failures(s); n != 1 {
			t.Errorf("%d failures after a broken watch", n)
		}
		s.say(w, saidBookmark("11"))
		if n := failures(s); n != 0 {
			t.Errorf("%d failures after an event", n)
		}
	})
}

// After an outage of any length, the first answer leads to a list at once, also if it is 410.
func TestAfterAnOutageAListFollowsAtOnce(t *testing.T) {
	for away := 5 * time.Second; away < 5*time.Minute; away += 5 * time.Second {
		back := time.Minute + away
		var answered, listed time.Duration
		serve(t, back+time.Minute, func(a *auto, r *scripted, name string) {
			switch now := a.now(); {
			case now < time.Minute && name == "watch-list":
				w := r.watch(saidListEnd("10"))
				time.AfterFunc(time.Minute-now, func() { _ = w.CloseWithError(errors.New("connection reset")) })
			case now < back:
				r.hangUp()
			default:
				if answered == 0 {
					answered = now
				}
				switch {
				case name == "watch-list":
					listed = now
					healthy(r, name, "30")
				case name == "watch 10":
					r.status(statusExpired)
				default:
					healthy(r, name, "30")
				}
			}
		}, func(a *auto) {
			if answered == 0 || answered-back > 10*time.Second || listed-answered > time.Second {
				t.Fatalf("away for %v: the first answer after %v, the list after %v more: %v", away, answered-back, listed-answered, a.calls)
			}
		})
	}
}

// A continue token that leads nowhere is an error, with a growing pause.
func TestContinueTokensThatLeadNowhere(t *testing.T) {
	for name, page := range map[string]func(r *scripted, n int){
		"the same token":            func(r *scripted, n int) { r.list("10", "x", mapOf(fmt.Sprint("a", n), "5")) },
		"two tokens in turn":        func(r *scripted, n int) { r.list("10", fmt.Sprint("x", n%2), mapOf(fmt.Sprint("a", n%2), "5")) },
		"new tokens, empty pages":   func(r *scripted, n int) { r.list("10", fmt.Sprint("x", n)) },
		"new tokens, the same page": func(r *scripted, n int) { r.list("10", fmt.Sprint("x", n), mapOf("a", "5")) },
	} {
		n := 0
		play(t, nil, func(s *script) {
			pages, began := 0, time.Now()
			s.expect("watch-list").status(statusInvalid)
			for time.Since(began) < 10*time.Minute {
				r, request := s.next()
				if strings.Contains(request, "watch") {
					t.Fatalf("%s: the list was complete", name)
				}
				n++
				pages++
				page(r, n)
			}
			if synctest.Wait(); pages > 300 || len(s.errors()) < 5 || s.status().Lists != 0 {
				t.Errorf("%s: %d pages in ten minutes, %d errors", name, pages, len(s.errors()))
			}
		})
	}
	play(t, nil, func(s *script) { // a few empty pages are none of these
		r := pageList(s)
		for i := range maxEmptyPages {
			r.list("10", fmt.Sprint("x", i))
			r = s.expect(fmt.Sprint("page continue x", i))
		}
		r.list("10", "y", mapOf("a", "5"))
		s.expect("page continue y").list("10", "", mapOf("b", "5"))
		s.expect("watch 10")
	})
}

// Objects of another kind are refused by name, and the sink does not get them.
func TestForeignKindsAreRefused(t *testing.T) {
	secret := strings.Replace(mapOf("s", "6"), "ConfigMap", "Secret", 1)
	other := strings.Replace(mapOf("s", "6"), `"v1"`, `"example.com/v9"`, 1)
	listOf := func(apiVersion, kind string, items ...string) func(*scripted) {
		return func(r *scripted) {
			r.replyAs(200, "application/json", fmt.Sprintf(`{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"10"},"items":[%s]}`,
				kind, apiVersion, strings.Join(items, ",")))
		}
	}
	bare := `{"metadata":{"namespace":"ns","name":"s","uid":"u","resourceVersion":"6"}}`
	envelope := func(r *scripted, kind string, list interface{ Marshal() ([]byte, error) }) {
		raw, err := list.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		data, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v1", Kind: kind}, Raw: raw}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		r.replyAs(200, "application/vnd.kubernetes.protobuf", "k8s\x00"+string(data))
	}
	meta := metav1.ObjectMeta{Namespace: "ns", Name: "s", ResourceVersion: "6"}
	names := []string{"informer configmaps: ", "v1 Secret in place of a v1 ConfigMap", "; next: "}
	lists := []string{names[0], "v1 SecretList in place of a v1 ConfigMapList", names[2]}
	for name, c := range map[string]struct {
		lead   func(*script) *scripted
		answer func(*scripted)
		want   []string
	}{
		"an item":             {pagedList, listOf("v1", "ConfigMapList", mapOf("a", "5"), secret), names},
		"an item's version":   {pagedList, listOf("v1", "ConfigMapList", other), []string{"example.com/v9 ConfigMap in place of a v1 ConfigMap"}},
		"an item of any list": {pagedList, listOf("v1", "List", secret), names},
		"the list":            {pagedList, listOf("v1", "SecretList", bare), lists},
		"an empty list":       {pagedList, listOf("v1", "SecretList"), lists},
		"a list in protobuf": {pagedList, func(r *scripted) {
			envelope(r, "SecretList", &corev1.SecretList{ListMeta: metav1.ListMeta{ResourceVersion: "10"}, Items: []corev1.Secret{{ObjectMeta: meta}}})
		}, lists},
		"an empty list in protobuf": {pagedList, func(r *scripted) {
			envelope(r, "SecretList", &corev1.SecretList{ListMeta: metav1.ListMeta{ResourceVersion: "10"}})
		}, lists},
		"an event":                 {watch, func(r *scripted) { r.watch(said("ADDED", secret)) }, names},
		"a deletion":               {watch, func(r *scripted) { r.watch(said("DELETED", secret)) }, names},
		"a bookmark":               {watch, func(r *scripted) { r.watch(strings.Replace(saidBookmark("20"), "ConfigMap", "Secret", 1)) }, names},
		"an object of the list":    {watchList, func(r *scripted) { r.watch(said("ADDED", secret)) }, names},
		"the end of a watch-list":  {watchList, func(r *scripted) { r.watch(strings.Replace(saidListEnd("20"), "ConfigMap", "Secret", 1)) }, names},
		"a Status among the items": {pagedList, listOf("v1", "ConfigMapList", statusFailed), []string{"v1 Status in place of a v1 ConfigMap"}},
	} {
		play(t, func(r *reflector) { r.ask.kind.Protobuf = true }, func(s *script) {
			r := c.lead(s)
			synctest.Wait()
			before, lists := len(s.errors()), s.status().Lists
			c.answer(r)
			s.next()
			text := fmt.Sprint(s.errors()[before:])
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%s of another kind: the error is %s, without %q", name, text, want)
				}
			}
			for _, d := range s.deltas() {
				if strings.Contains(d, "s/6") {
					t.Errorf("%s of another kind: the sink got %q", name, s.deltas())
				}
			}
			if s.status().Lists != lists {
				t.Errorf("%s of another kind: a list was complete", name)
			}
		})
	}
	for name, answer := range map[string]func(*scripted){
		"items without a kind":            listOf("v1", "ConfigMapList", bare),
		"items and a list without a kind": listOf("", "", bare),
		"items of a List":                 listOf("v1", "List", mapOf("s", "6")),
		"items without a kind in a List":  listOf("v1", "List", bare),
		"protobuf items, which have no kind": func(r *scripted) {
			envelope(r, "ConfigMapList", &corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: "10"}, Items: []corev1.ConfigMap{{ObjectMeta: meta}}})
		},
	} {
		play(t, func(r *reflector) { r.ask.kind.Protobuf = true }, func(s *script) {
			answer(pagedList(s))
			if s.expect("watch 10"); !strings.Contains(fmt.Sprint(s.deltas()), "set s/6 end 10") {
				t.Errorf("%s: the sink got %q", name, s.deltas())
			}
		})
	}
	// A custom resource may name its list's kind as it likes.
	play(t, func(r *reflector) {
		r.ask.kind = kind.Info{Group: "example.com", Version: "v1", Kind: "Widget", Resource: "widgets"}
		r.ask.options = wire.Options{APIVersion: "example.com/v1", Kind: "Widget", Strict: true}
	}, func(s *script) {
		listOf("example.com/v1", "WidgetCollection")(pagedList(s))
		s.expect("watch 10")
	})
}

func pagedList(s *script) *scripted { return pageList(s) }

// A 401 has the credentials read again: the next request has the new token.
func TestA401ReadsTheCredentialsAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, lead := range map[string]func(*script) *scripted{"watch-list": watchList, "page": pageList, "watch": watch, "check": check} {
		write("old")
		play(t, func(r *reflector) { r.ask.client = clientOf(t, r, file) }, func(s *script) {
			r := lead(s)
			if got := r.req.Header.Get("Authorization"); got != "Bearer old" {
				t.Fatalf("the token is %q", got)
			}
			write("new")
			request := r.String()
			if name == "watch" { // what was put off is checked first
				request = "check 10"
			}
			r.status(statusUnauthorized)
			again, text := s.next()
			if got := again.req.Header.Get("Authorization"); text != request || got != "Bearer new" {
				t.Errorf("%s: after a 401 %s is sent with %q", name, text, got)
			}
			if time.Since(s.last) < backoffBase {
				t.Errorf("%s: it is sent again after %v", name, time.Since(s.last))
			}
		})
	}
}

// clientOf returns a client that sends what r's does, with a token from a file.
func clientOf(t *testing.T, r *reflector, file string) *rest.Client {
	cfg := r.ask.client.Config()
	cfg.BearerTokenFile = file
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A server that is behind the cache is listed as of its present state. Only if that is older than
// the cache, the server was restored.
func TestARestoredServer(t *testing.T) {
	for name, c := range map[string]struct{ at, lists, end string }{
		"a restored server":                {"314", "213", "end 213 restored"},
		"restored to one before":           {"314", "313", "end 313 restored"},
		"a replica that was behind":        {"314", "314", "end 314"},
		"a replica that has caught up":     {"314", "315", "end 315"},
		"a version that has fewer digits":  {"1000", "999", "end 999 restored"},
		"versions that cannot be compared": {"v-b", "v-a", "end v-a"},
	} {
		for kind, answer := range map[string]func(*script){
			"a watch-list": func(s *script) { s.expect("watch-list").watch(saidListEnd(c.lists)) },
			"pages": func(s *script) {
				s.expect("watch-list").status(statusInvalid)
				s.expect("page most recent").list(c.lists, "")
				s.expect("watch " + c.lists)
			},
		} {
			play(t, nil, func(s *script) {
				s.expect("watch-list").watch(saidListEnd(c.at)).CloseWithError(errors.New("connection reset"))
				s.expect("check " + c.at).status(statusTooLarge)
				answer(s)
				synctest.Wait()
				if got := s.deltas()[len(s.deltas())-1]; got != c.end {
					t.Errorf("%s, by %s: the list ends with %q, want %q", name, kind, got, c.end)
				}
				if told := strings.Contains(fmt.Sprint(s.errors()), "was restored"); told != strings.HasSuffix(c.end, "restored") {
					t.Errorf("%s, by %s: the errors are %v", name, kind, s.errors())
				}
			})
		}
	}
}

// Each wait is reported, with the request that follows and when.
func TestAWaitSaysWhatFollows(t *testing.T) {
	play(t, nil, func(s *script) {
		s.expect("watch-list").status(statusBusy)
		synctest.Wait()
		text := s.errors()[0].Error()
		if !strings.HasPrefix(text, "informer configmaps: list by a watch: ") || !strings.Contains(text, "; next: list by a watch in ") {
			t.Errorf("the wait is reported as %q", text)
		}
	})
}
