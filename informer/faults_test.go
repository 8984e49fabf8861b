package informer_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/informer"
)

func TestEventsFollowTheList(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		time.Sleep(10 * time.Second) // synctest's clock; a watch that ends sooner is a failure
		w.event("MODIFIED", object("a", "ua", "11"))
		w.event("ADDED", object("c", "uc", "12"))
		w.event("DELETED", object("b", "ub", "13"))
		s.knows("a=ua/11 c=uc/12")
		w.event("ADDED", object("c", "uc", "12")) // streams may repeat themselves
		w.event("DELETED", object("b", "ub", "13"))
		synctest.Wait()
		if a, u, d := s.told.count("add"), s.told.count("update"), s.told.count("delete"); a != 3 || u != 1 || d != 1 {
			t.Errorf("told of %d adds, %d updates and %d deletes", a, u, d)
		}
		if got := s.maps.ResourceVersion(); got != "13" {
			t.Errorf("after the deletion at 13 the cache is at %s", got)
		}
		w.bookmark("20")
		synctest.Wait()
		if !s.maps.Contains("20") || s.maps.Contains("21") {
			t.Errorf("a bookmark at 20 does not count: %s", s.maps.ResourceVersion())
		}
		w.end()
		began := time.Now()
		w = s.next("watch,resourceVersion=20,allowWatchBookmarks=true,!sendInitialEvents").watch()
		if d := time.Since(began); d != 0 {
			t.Errorf("a watch that ended as it should was taken up after %s", d)
		}
		w.event("ADDED", object("b", "ub2", "21"))
		s.knows("a=ua/11 b=ub2/21 c=uc/12")
		if len(s.errors) != 0 {
			t.Errorf("there was an error: %v", <-s.errors)
		}
	})
}

// Whatever breaks a watch, it goes on from the last good version after a moment.
func TestABrokenWatchGoesOnWhereItBroke(t *testing.T) {
	half := `{"type":"MODIFIED","object":` + object("a", "ua", "12")[:40]
	for name, breakIt := range map[string]func(*fakeWatch){
		"dropped between frames": func(w *fakeWatch) { w.cut(errors.New("connection reset")) },
		"dropped inside a frame": func(w *fakeWatch) { w.raw(half); w.cut(io.ErrUnexpectedEOF) },
		"ended inside a frame":   func(w *fakeWatch) { w.raw(half); w.end() },
		"server overloaded":      func(w *fakeWatch) { w.event("ERROR", status(503, "ServiceUnavailable")) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				w := s.synced()
				w.event("MODIFIED", object("a", "ua", "11"))
				synctest.Wait()
				began := time.Now()
				breakIt(w)
				w = s.next("watch,resourceVersion=11,!sendInitialEvents").watch()
				if d := time.Since(began); d < 800*time.Millisecond || d > 1600*time.Millisecond {
					t.Errorf("taken up after %s", d)
				}
				if len(s.errors) != 1 || s.maps.Status().LastError == nil {
					t.Errorf("%d errors were reported", len(s.errors))
				}
				w.event("MODIFIED", object("a", "ua", "12"))
				s.knows("a=ua/12 b=ub/7")
				if f := s.maps.Status().Failures; f != 0 {
					t.Errorf("%d failures are left after it worked", f)
				}
			})
		})
	}
}

// When the server has forgotten the version, a list tells what was missed, and only that.
func TestExpiredMeansListAgain(t *testing.T) {
	for name, expire := range map[string]func(*scene, *fakeWatch){
		"410 as an answer": func(s *scene, w *fakeWatch) {
			time.Sleep(10 * time.Second) // synctest's clock
			w.end()
			s.next("watch,resourceVersion=11").status(410, "Expired")
		},
		"410 as an event":  func(_ *scene, w *fakeWatch) { w.event("ERROR", status(410, "Expired")) },
		"Gone as an event": func(_ *scene, w *fakeWatch) { w.event("ERROR", status(410, "Gone")) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				w := s.synced()
				w.event("ADDED", object("c", "uc", "11"))
				synctest.Wait()
				expire(s, w)
				began := time.Now()
				w = s.next("watch,sendInitialEvents=true").watch()
				if d := time.Since(began); d != 0 {
					t.Errorf("listed again after %s", d)
				}
				w.event("ADDED", object("a", "ua", "5"))   // as it was
				w.event("ADDED", object("c", "uc2", "30")) // another one of that name
				w.event("ADDED", object("d", "ud", "31"))  // new
				s.knows("a=ua/5 b=ub/7 c=uc2/30 d=ud/31")
				w.listEnd("40") // b is gone
				s.knows("a=ua/5 c=uc2/30 d=ud/31")
				if a, u, d := s.told.count("add"), s.told.count("update"), s.told.count("delete"); a != 5 || u != 0 || d != 2 {
					t.Errorf("told of %d adds, %d updates and %d deletes", a, u, d)
				}
				if !s.maps.Contains("40") {
					t.Error("the list's version is not contained")
				}
			})
		})
	}
}

// A list that breaks off deletes nothing.
func TestABrokenListDeletesNothing(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		w.event("ERROR", status(410, "Expired"))
		w = s.next("watch,sendInitialEvents=true").watch()
		w.event("ADDED", object("a", "ua", "20"))
		w.cut(errors.New("connection reset"))
		w = s.next("watch,sendInitialEvents=true").watch()
		s.knows("a=ua/20 b=ub/7")
		w.event("ADDED", object("b", "ub", "7"))
		w.listEnd("30")
		s.knows("b=ub/7")
	})
}

func TestServersWithoutWatchList(t *testing.T) {
	for name, refuse := range map[string]func(*fakeRequest){
		"invalid":     func(r *fakeRequest) { r.status(422, "Invalid") },
		"bad request": func(r *fakeRequest) { r.status(400, "BadRequest") },
		"no bookmark": func(r *fakeRequest) { r.watch().event("ADDED", object("a", "ua", "5")) },
		"silence":     func(r *fakeRequest) { r.watch() },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				refuse(s.next("watch,sendInitialEvents=true"))
				for {
					r := <-s.requests // the server that sends no bookmark is waited for
					if r.query["watch"] == "" {
						s.t.Log(r.query)
						if r.query["limit"] != "500" || r.query["resourceVersion"] != "0" {
							t.Fatalf("the first page is asked for as %v", r.query)
						}
						r.list("10", "more", object("a", "ua", "5"))
						break
					}
					refuse(r)
				}
				s.next("list,limit=500,continue=more,!resourceVersion").list("10", "", object("b", "ub", "7"))
				w := s.next("watch,resourceVersion=10,!sendInitialEvents").watch()
				s.knows("a=ua/5 b=ub/7")
				w.event("ERROR", status(410, "Expired"))
				s.next("list,resourceVersion=10,resourceVersionMatch=NotOlderThan").status(410, "Expired")
				s.next("list,!resourceVersion,limit=500").list("20", "", object("b", "ub", "15"))
				s.next("watch,resourceVersion=20").watch()
				s.knows("b=ub/15")
			})
		})
	}
}

// A list may come slowly for a minute, as long as it goes on.
func TestASlowListIsNotTakenForSilence(t *testing.T) {
	play(t, func(s *scene) {
		w := s.next("watch,sendInitialEvents=true").watch()
		for i := range 5 {
			w.event("ADDED", object("a", "ua", fmt.Sprint(1+i)))
			time.Sleep(11 * time.Second) // synctest's clock
		}
		w.listEnd("100")
		s.knows("a=ua/5")
		if len(s.errors) != 0 {
			t.Errorf("there was an error: %v", <-s.errors)
		}
	})
}

// Pages that expire while they are read are asked for again, and the second time as one.
func TestExpiredPages(t *testing.T) {
	play(t, func(s *scene) {
		s.next("watch").status(422, "Invalid")
		s.next("list,limit=500").list("10", "more", object("a", "ua", "5"))
		s.next("list,continue=more").status(410, "Expired")
		s.next("list,limit=500,!continue,!resourceVersion").list("10", "more", object("a", "ua", "5"))
		s.next("list,continue=more").status(410, "Expired")
		s.next("list,!limit,!continue,!resourceVersion").list("12", "", object("b", "ub", "11"))
		s.next("watch,resourceVersion=12").watch()
		s.knows("b=ub/11")
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	play(t, func(s *scene) {
		first := s.next("watch")
		first.status(429, "TooManyRequests", "Retry-After", "7")
		if d := s.next("watch,sendInitialEvents=true").at.Sub(first.at); d < 7*time.Second || d > 14*time.Second {
			t.Errorf("asked again after %s", d)
		}
		if err := <-s.errors; !apierrors.IsTooManyRequests(err) {
			t.Errorf("reported was %v", err)
		}
	})
}

func TestBackoffGrowsToABound(t *testing.T) {
	play(t, func(s *scene) {
		var last *fakeRequest
		for i := range 12 {
			r := s.next("watch,sendInitialEvents=true")
			if last != nil {
				least := min(800*time.Millisecond<<(i-1), 30*time.Second)
				if d := r.at.Sub(last.at); d < least || d > 2*least {
					t.Errorf("attempt %d came after %s, not %s to %s", i, d, least, 2*least)
				}
			}
			r.status(503, "ServiceUnavailable")
			last = r
		}
		synctest.Wait()
		if st := s.maps.Status(); st.Failures != 12 || st.State != "waiting" || !apierrors.IsServiceUnavailable(st.LastError) {
			t.Errorf("the status is %+v", st)
		}
		s.synced()
	})
}

// A watch that is open at one end only is cut when it should have ended long ago.
func TestAHalfOpenWatchIsCut(t *testing.T) {
	play(t, func(s *scene) {
		s.synced()
		began := time.Now()
		s.next("watch,resourceVersion=10,!sendInitialEvents")
		if d := time.Since(began); d < 5*time.Minute || d > 11*time.Minute {
			t.Errorf("cut after %s", d)
		}
		if len(s.errors) != 0 {
			t.Errorf("that a watch says nothing is an error: %v", <-s.errors)
		}
	})
}

func TestAWatchThatEndsAtOnceIsNotHammered(t *testing.T) {
	play(t, func(s *scene) {
		s.synced().end()
		first := s.next("watch,resourceVersion=10")
		first.watch().end()
		if d := s.next("watch,resourceVersion=10").at.Sub(first.at); d < 800*time.Millisecond {
			t.Errorf("asked again after %s", d)
		}
	})
}

// After an event that cannot be read, a list tells what the event was about.
func TestAnUnreadableEventIsListedOver(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		w.raw(`{"type":"MODIFIED","object":{"metadata":}}`)
		w = s.next("watch,sendInitialEvents=true").watch()
		w.event("ADDED", object("a", "ua", "20"))
		w.listEnd("20")
		s.knows("a=ua/20")
	})
}

// A handler that is stuck or panics is nobody else's trouble.
func TestHandlersDoNotWaitForEachOther(t *testing.T) {
	play(t, func(s *scene) {
		stuck := make(chan struct{})
		slow := newModel[corev1.ConfigMap]("stuck handler")
		h := slow.handler()
		add := h.OnAdd
		h.OnAdd = func(i informer.Item[corev1.ConfigMap]) { <-stuck; add(i) }
		r := s.maps.AddHandler(h)
		panics := 0
		s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{
			OnAdd: func(informer.Item[corev1.ConfigMap]) { panics++; panic("scripted") },
		})
		w := s.synced()
		for i := range 5000 {
			w.event("MODIFIED", object("a", "ua", fmt.Sprint(11+i)))
		}
		s.knows("a=ua/5010 b=ub/7")
		if r.HasSynced() || r.Pending() > 1100 {
			t.Errorf("a stuck handler has synced: %v, and %d events wait for it", r.HasSynced(), r.Pending())
		}
		close(stuck)
		synctest.Wait()
		if !r.HasSynced() || slow.known["ns/a"] != "ua/5010" || len(slow.breaches) > 0 {
			t.Errorf("when it goes on, it knows %v (%v)", slow.known, slow.breaches)
		}
		if panics != 2 || len(s.errors) != 2 {
			t.Fatalf("a handler panicked %d times, %d errors were reported", panics, len(s.errors))
		}
		if err := <-s.errors; !strings.Contains(err.Error(), "scripted") || !strings.Contains(err.Error(), "faults_test.go") {
			t.Errorf("the error does not say where: %v", err)
		}
	})
}

func TestLateHandlersAreToldWhatThereIs(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		initial := 0
		var last informer.Item[corev1.ConfigMap]
		r := s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{
			OnAdd: func(i informer.Item[corev1.ConfigMap]) {
				if i.Initial() {
					initial++
				}
			},
			OnDelete: func(i informer.Item[corev1.ConfigMap]) { last = i },
		})
		<-r.Synced()
		w.event("ADDED", object("c", "uc", "11"))
		w.event("DELETED", object("b", "ub", "12"))
		synctest.Wait()
		if initial != 2 {
			t.Errorf("%d objects were initial", initial)
		}
		if o, err := last.Object(); err != nil || o.Data["v"] != "12" || last.Name() != "b" {
			t.Errorf("the last known state is %v, %v", o, err)
		}
		r.Remove()
		<-r.Done()
		w.event("DELETED", object("c", "uc", "13"))
		synctest.Wait()
		if last.Name() != "b" {
			t.Error("a handler was called after it was removed")
		}
	})
}

func TestResyncTellsEverythingAgain(t *testing.T) {
	play(t, func(s *scene) {
		updates := map[string]int{}
		h := informer.Handler[corev1.ConfigMap]{OnUpdate: func(old, new informer.Item[corev1.ConfigMap]) {
			if old.ResourceVersion() != new.ResourceVersion() {
				t.Error("a resync told of a change")
			}
			updates[new.Name()]++
		}}
		r := s.maps.AddHandler(h, informer.Resync(time.Minute))
		s.synced()
		time.Sleep(3*time.Minute + time.Second) // synctest's clock
		r.Remove()
		<-r.Done()
		if updates["a"] != 3 || updates["b"] != 3 || s.told.count("update") != 0 {
			t.Errorf("in three minutes %v", updates)
		}
	})
}

func TestInformersAreShared(t *testing.T) {
	play(t, func(s *scene) {
		if informer.For[corev1.ConfigMap](s.factory); len(s.factory.Informers()) != 1 {
			t.Error("the same resource is two informers")
		}
		late := informer.For[corev1.ConfigMap](s.factory, informer.Namespace("ns"))
		for range 2 { // both are asked for, in any order
			r := <-s.requests
			w := r.watch()
			w.event("ADDED", object("a", "ua", "5"))
			w.listEnd("10")
		}
		if err := s.factory.WaitForSync(s.ctx); err != nil {
			t.Error(err)
		}
		if _, err := late.Lister().Get("ns", "a"); err != nil {
			t.Error(err)
		}
		if _, err := late.Lister().Get("ns", "b"); !apierrors.IsNotFound(err) {
			t.Errorf("what is not there is %v", err)
		}
	})
}

func TestIndexes(t *testing.T) {
	play(t, func(s *scene) {
		err := s.maps.AddIndex("value", func(i informer.Item[corev1.ConfigMap]) []string {
			if i.Name() == "b" {
				panic("scripted")
			}
			o, err := i.Object()
			if err != nil {
				return nil
			}
			return []string{o.Data["v"]}
		})
		if err != nil {
			t.Fatal(err)
		}
		w := s.synced()
		if found, err := s.maps.Lister().List(informer.Query{Index: "value", Value: "5"}); err != nil || len(found) != 1 || found[0].Name != "a" {
			t.Errorf("found %v, %v", found, err)
		}
		w.event("MODIFIED", object("a", "ua", "11"))
		synctest.Wait()
		if found, _ := s.maps.Lister().List(informer.Query{Index: "value", Value: "5"}); len(found) != 0 {
			t.Errorf("found by its old value: %v", found)
		}
		if len(s.errors) != 1 {
			t.Errorf("%d errors told of the index that panicked", len(s.errors))
		}
	})
}
