package informer_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/informer"
)

// noDeadlock panics with all stacks when the test takes too long: synctest's clock stands still
// while somebody waits for a lock.
func noDeadlock(t *testing.T) {
	timer := time.AfterFunc(30*time.Second, func() { panic("deadlock in " + t.Name()) })
	t.Cleanup(func() { timer.Stop() })
}

// inside is what a callback may do. It returns what the change of the indexes returned.
type inside struct {
	s     *scene
	calls int
}

func (i *inside) do() (indexing error) {
	i.calls++
	s, t := i.s, i.s.t
	_, _ = s.maps.Lister().Get("ns", "a")
	_, _ = s.maps.Lister().List(informer.Query{})
	_, _ = s.maps.Lister().List(informer.Query{Index: informer.NamespaceIndex, Value: "ns"})
	_, _ = s.maps.Lister().Len(informer.Query{Labels: labels.Everything(), Namespace: "ns"})
	_ = s.maps.Status()
	_ = s.maps.Stats()
	_ = s.maps.Contains("1")
	_ = s.maps.HasSynced()
	_ = s.factory.Informers()
	r := s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{})
	_ = r.Pending()
	r.Remove()
	s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{}).Remove()
	_ = informer.For[corev1.ConfigMap](s.factory) // the same
	other := s.maps.AddFieldIndex(fmt.Sprint("field of callback ", i.calls), "metadata.name")
	indexing = s.maps.AddIndex(fmt.Sprint("of callback ", i.calls),
		func(informer.Item[corev1.ConfigMap]) []string { return nil })
	if (indexing == nil) != (other == nil) {
		t.Errorf("AddIndex returned %v, AddFieldIndex %v", indexing, other)
	}
	return indexing
}

// asking is a selector that calls a function each time that it is asked.
type asking struct {
	labels.Selector
	f func()
}

func (a asking) Matches(l labels.Labels) bool { a.f(); return a.Selector.Matches(l) }
func (a asking) Empty() bool                  { a.f(); return false }

// Callbacks run under no lock: each of them may read the informer, and add and remove handlers. Only
// a function of an index may not change the indexes.
func TestCallbacksRunUnderNoLock(t *testing.T) {
	handler := func(use func(*inside) informer.Handler[corev1.ConfigMap]) func(*scene, *inside) {
		return func(s *scene, in *inside) {
			s.maps.AddHandler(use(in))
			w := s.synced()
			w.event("MODIFIED", object("a", "ua", "11"))
			w.event("DELETED", object("a", "ua", "12"))
			synctest.Wait()
		}
	}
	selector := func(q informer.Query) func(*scene, *inside) {
		return func(s *scene, in *inside) {
			s.synced()
			q.Labels = asking{labels.Everything(), func() {
				if err := in.do(); err != nil {
					t.Error(err)
				}
			}}
			if found, err := s.maps.Lister().List(q); err != nil || len(found) != 2 {
				t.Errorf("found %v, %v", found, err)
			}
		}
	}
	mustIndex := func(in *inside) {
		if err := in.do(); err != nil {
			t.Error(err)
		}
	}
	for name, run := range map[string]func(*scene, *inside){
		"OnAdd": handler(func(in *inside) (h informer.Handler[corev1.ConfigMap]) {
			h.OnAdd = func(informer.Item[corev1.ConfigMap]) { mustIndex(in) }
			return h
		}),
		"OnUpdate": handler(func(in *inside) (h informer.Handler[corev1.ConfigMap]) {
			h.OnUpdate = func(old, new informer.Item[corev1.ConfigMap]) { mustIndex(in) }
			return h
		}),
		"OnDelete": handler(func(in *inside) (h informer.Handler[corev1.ConfigMap]) {
			h.OnDelete = func(informer.Item[corev1.ConfigMap]) { mustIndex(in) }
			return h
		}),
		"OnProgress": func(s *scene, in *inside) {
			s.maps.OnProgress(func(string) { mustIndex(in) })
			s.synced()
			synctest.Wait()
		},
		"an index function, for a change": func(s *scene, in *inside) {
			err := s.maps.AddIndex("index", func(informer.Item[corev1.ConfigMap]) []string {
				if err := in.do(); err == nil {
					t.Error("an index function could add an index")
				}
				return []string{"x"}
			})
			if err != nil {
				t.Fatal(err)
			}
			w := s.synced()
			w.event("MODIFIED", object("a", "ua", "11"))
			s.knows("a=ua/11 b=ub/7")
			if found, err := s.maps.Lister().List(informer.Query{Index: "index", Value: "x"}); err != nil || len(found) != 2 {
				t.Errorf("found %v, %v", found, err)
			}
		},
		"an index function, for what is there": func(s *scene, in *inside) {
			w := s.synced()
			err := s.maps.AddIndex("index", func(informer.Item[corev1.ConfigMap]) []string {
				w.event("MODIFIED", object("a", "ua", "11")) // the consumer waits to store it
				if err := in.do(); err == nil {
					t.Error("an index function could add an index")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			s.knows("a=ua/11 b=ub/7")
		},
		"a selector":              selector(informer.Query{}),
		"a selector, a namespace": selector(informer.Query{Namespace: "ns"}),
		"a selector, an index":    selector(informer.Query{Index: informer.NamespaceIndex, Value: "ns"}),
	} {
		t.Run(name, func(t *testing.T) {
			noDeadlock(t)
			play(t, func(s *scene) {
				in := &inside{s: s}
				run(s, in)
				synctest.Wait()
				if in.calls == 0 {
					t.Error("the callback was not called")
				}
			})
		})
	}
	for name, fault := range map[string]func(*scene){
		"OnError, of the stream": func(s *scene) { s.next("watch").status(503, "ServiceUnavailable"); s.synced() },
		"OnError, of a handler": func(s *scene) {
			s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{OnAdd: func(informer.Item[corev1.ConfigMap]) { panic("scripted") }})
			s.synced()
		},
		"OnError, of OnProgress": func(s *scene) {
			s.maps.OnProgress(func(string) { panic("scripted") })
			s.synced()
		},
	} {
		t.Run(name, func(t *testing.T) {
			noDeadlock(t)
			in := &inside{}
			play(t, func(s *scene) {
				in.s = s
				fault(s)
				synctest.Wait()
				if in.calls == 0 {
					t.Error("the callback was not called")
				}
			}, informer.OnError(func(error) { mustIndex(in) }))
		})
	}
	// The case of I14: an index function panics, and OnError removes a handler.
	t.Run("OnError, of an index function", func(t *testing.T) {
		noDeadlock(t)
		in := &inside{}
		play(t, func(s *scene) {
			in.s = s
			if err := s.maps.AddIndex("index", func(informer.Item[corev1.ConfigMap]) []string { panic("scripted") }); err != nil {
				t.Fatal(err)
			}
			s.synced()
			if in.calls != 2 {
				t.Errorf("OnError was called %d times for 2 objects", in.calls)
			}
		}, informer.OnError(func(error) {
			if in.do() == nil {
				t.Error("an index could be added within an index function")
			}
		}))
	})
}

// A handler that is added or removed while a batch goes into the store, which only an index function
// can do for sure, sees each object once and each change after it.
func TestAHandlerThatIsAddedWithinABatch(t *testing.T) {
	noDeadlock(t)
	play(t, func(s *scene) {
		var late []*model[corev1.ConfigMap]
		var removed *informer.Registration
		err := s.maps.AddIndex("index", func(item informer.Item[corev1.ConfigMap]) []string {
			m := newModel[corev1.ConfigMap](fmt.Sprint("added at ", item.Key(), " ", item.ResourceVersion()))
			late = append(late, m)
			s.maps.AddHandler(m.handler(), informer.Resync(time.Minute))
			removed = s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{OnAdd: func(informer.Item[corev1.ConfigMap]) {
				t.Error("a handler was called that had been removed")
			}})
			removed.Remove()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w := s.synced()
		// One write, so that it is one batch if that is possible.
		w.raw(fmt.Sprintf(`{"type":"MODIFIED","object":%s}{"type":"DELETED","object":%s}{"type":"ADDED","object":%s}`,
			object("a", "ua", "11"), object("b", "ub", "12"), object("c", "uc", "13")))
		s.knows("a=ua/11 c=uc/13")
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		<-removed.Done()
		for _, m := range late {
			m.mu.Lock()
			if len(m.breaches) > 0 || fmt.Sprint(m.known) != fmt.Sprint(map[string]string{"ns/a": "ua/11", "ns/c": "uc/13"}) {
				t.Errorf("%s: knows %v (%v)", m.name, m.known, m.breaches)
			}
			m.mu.Unlock()
		}
	})
}

// A panic of a callback is reported once, and the informer goes on.
func TestAPanicOfACallbackIsReportedOnce(t *testing.T) {
	for name, add := range map[string]func(*scene){
		"a handler": func(s *scene) {
			s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{OnUpdate: func(old, new informer.Item[corev1.ConfigMap]) { panic("scripted") }})
		},
		"an index function": func(s *scene) {
			if err := s.maps.AddIndex("index", func(item informer.Item[corev1.ConfigMap]) []string {
				if item.ResourceVersion() == "11" {
					panic("scripted")
				}
				return []string{"x"}
			}); err != nil {
				t.Fatal(err)
			}
		},
		"OnProgress": func(s *scene) {
			s.maps.OnProgress(func(version string) {
				if version == "11" {
					panic("scripted")
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			noDeadlock(t)
			play(t, func(s *scene) {
				add(s)
				w := s.synced()
				w.event("MODIFIED", object("a", "ua", "11"))
				s.knows("a=ua/11 b=ub/7")
				if len(s.errors) != 1 {
					t.Fatalf("%d errors were reported", len(s.errors))
				}
				if err := <-s.errors; !strings.Contains(err.Error(), "scripted") || !strings.Contains(err.Error(), "callbacks_test.go") {
					t.Errorf("the error is %v", err)
				}
				w.event("ADDED", object("c", "uc", "12"))
				s.knows("a=ua/11 b=ub/7 c=uc/12")
				if len(s.errors) != 0 {
					t.Errorf("reported again: %v", <-s.errors)
				}
			})
		})
	}
	t.Run("OnError", func(t *testing.T) {
		noDeadlock(t)
		calls := 0
		play(t, func(s *scene) {
			s.next("watch").status(503, "ServiceUnavailable")
			w := s.synced()
			w.event("MODIFIED", object("a", "ua", "11"))
			s.knows("a=ua/11 b=ub/7")
			if calls != 1 {
				t.Errorf("OnError was called %d times", calls)
			}
		}, informer.OnError(func(error) { calls++; panic("scripted") }))
	})
	t.Run("a selector", func(t *testing.T) { // it is the caller's: the panic is, too
		noDeadlock(t)
		play(t, func(s *scene) {
			w := s.synced()
			func() {
				defer func() {
					if r := recover(); r != "scripted" {
						t.Errorf("recovered %v", r)
					}
				}()
				_, err := s.maps.Lister().List(informer.Query{Labels: asking{labels.Everything(), func() { panic("scripted") }}})
				t.Error("List returned", err)
			}()
			w.event("MODIFIED", object("a", "ua", "11"))
			s.knows("a=ua/11 b=ub/7")
		})
	})
}

// Errors of indexes name the informer and the indexes that there are.
func TestErrorsOfIndexesNameWhatThereIs(t *testing.T) {
	play(t, func(s *scene) {
		s.synced()
		index := func(name string) error {
			return s.maps.AddIndex(name, func(informer.Item[corev1.ConfigMap]) []string { return nil })
		}
		if err := index("mine"); err != nil {
			t.Fatal(err)
		}
		_, unknown := s.maps.Lister().List(informer.Query{Index: "other", Value: "x"})
		for _, err := range []error{unknown, index("mine"), index(informer.OwnerIndex)} {
			for _, part := range []string{"configmaps", `"mine"`, `"namespace"`, `"owner"`} {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not name %s", err, part)
				}
			}
		}
	})
}
