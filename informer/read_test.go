package informer_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/store"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// Whatever is done to what a lister returned, and however often it has been read, the next one to
// read gets the object as it is.
func TestWhatAListerReturnsIsTheCallersOwn(t *testing.T) {
	for name, opt := range map[string]informer.Option{
		"default": nil, "off": informer.DecodedBudget(-1), "kept": informer.KeepDecoded(),
	} {
		t.Run(name, func(t *testing.T) {
			var opts []informer.Option
			if opt != nil {
				opts = append(opts, opt)
			}
			play(t, func(s *scene) {
				s.synced()
				lister := s.maps.Lister()
				ruin := func(m *corev1.ConfigMap, err error) {
					t.Helper()
					if err != nil || m.Name == "" || m.Data["v"] != m.ResourceVersion || len(m.Data) != 1 || m.Labels != nil {
						t.Fatalf("read %+v (%v)", m, err)
					}
					m.Data["v"], m.Data["more"], m.Labels = "x", "y", map[string]string{"a": "b"}
				}
				for range 4 {
					ruin(lister.Get("ns", "a"))
					ruin(lister.Get("ns", "b"))
					listed, err := lister.List(informer.Query{})
					if len(listed) != 2 {
						t.Fatal(listed, err)
					}
					found, err := lister.List(informer.Query{Index: informer.NamespaceIndex, Value: "ns"})
					if len(found) != 2 {
						t.Fatal(found, err)
					}
					for _, m := range append(listed, found...) {
						ruin(m, err)
					}
					for m, err := range lister.All(informer.Query{}) {
						ruin(m, err)
					}
					item, _ := lister.Item("ns", "a")
					ruin(item.Object())
				}
				stats := s.maps.Stats()
				if want := map[string]int{"default": 2, "off": 0, "kept": 2}[t.Name()[strings.LastIndex(t.Name(), "/")+1:]]; stats.DecodedObjects != want {
					t.Errorf("%d objects are kept decoded, want %d", stats.DecodedObjects, want)
				}
				if cache := s.maps.Status().Cache; cache != stats || stats.Objects != 2 || stats.Hits+stats.Misses != 36 {
					t.Errorf("Stats are %+v, those of Status %+v", stats, cache)
				}
			}, opts...)
		})
	}
}

// An object that is read often is lent from one place, until it changes; then the new state is.
func TestViewLendsWhatIsShared(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		lister := s.maps.Lister()
		lent := func(version string) *corev1.ConfigMap {
			t.Helper()
			var object *corev1.ConfigMap
			if err := lister.View("ns", "a", func(m *corev1.ConfigMap) error { object = m; return nil }); err != nil || object.Data["v"] != version || object.Kind != "ConfigMap" {
				t.Fatalf("lent %+v (%v), want version %s", object, err, version)
			}
			return object
		}
		first, second, third, fourth := lent("5"), lent("5"), lent("5"), lent("5")
		if first == second || second == third || third != fourth {
			t.Error("what was read for the third time is not what is lent from then on")
		}
		before, _ := lister.Item("ns", "a")
		w.event("MODIFIED", object("a", "ua", "11"))
		s.knows("a=ua/11 b=ub/7")
		first, second, third, fourth = lent("11"), lent("11"), lent("11"), lent("11")
		if first == second || second == third || third != fourth {
			t.Error("the new state is not shared as the old one was")
		}
		for range 3 { // an item stays what it is
			if old, err := before.Object(); err != nil || old.Data["v"] != "5" {
				t.Errorf("the old state is read as %+v (%v)", old, err)
			}
		}
		if n := s.maps.Stats().DecodedObjects; n != 1 {
			t.Errorf("%d objects are kept decoded, want the one state that the cache has", n)
		}
		mine := errors.New("mine")
		if err := lister.View("ns", "a", func(*corev1.ConfigMap) error { return mine }); err != mine {
			t.Errorf("View returned %v, not its function's error", err)
		}
		called := false
		if err := lister.View("ns", "none", func(*corev1.ConfigMap) error { called = true; return nil }); !apierrors.IsNotFound(err) || called {
			t.Errorf("View of nothing: %v", err)
		}
		if err := (informer.Item[corev1.ConfigMap]{}).View(func(*corev1.ConfigMap) error { called = true; return nil }); err == nil || called {
			t.Error("the zero Item was viewed")
		}
	})
}

func TestViewsGoesOverWhatMatches(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		w.event("ADDED", `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":"c","uid":"uc","resourceVersion":"11","labels":{"app":"web"}}}`)
		s.knows("a=ua/5 b=ub/7 c=uc/11")
		lister := s.maps.Lister()
		for range 3 {
			names := map[string]bool{}
			for m, err := range views(lister, informer.Query{}) {
				if err != nil {
					t.Fatal(err)
				}
				names[m.Name] = true
			}
			if len(names) != 3 {
				t.Errorf("all are %v", names)
			}
			for m, err := range views(lister, informer.Query{Labels: labels.SelectorFromSet(labels.Set{"app": "web"})}) {
				if err != nil || m.Name != "c" {
					t.Errorf("%v has app=web (%v)", m, err)
				}
			}
			for range views(lister, informer.Query{Namespace: "elsewhere"}) {
				t.Error("there is something in no namespace")
			}
			n := 0
			for range views(lister, informer.Query{}) {
				n++
				break
			}
			if n != 1 {
				t.Error("a loop that ends goes on")
			}
		}
	})
}

// CheckViews tells who changes what is lent, and nobody else.
func TestCheckViewsFindsAChange(t *testing.T) {
	play(t, func(s *scene) {
		s.synced()
		if other := informer.For[corev1.ConfigMap](s.factory, informer.CheckViews()); other.Stats().Objects != 2 {
			t.Fatal("CheckViews made another cache") // it is for all who share this one
		}
		lister := s.maps.Lister()
		changed := func(f func(*corev1.ConfigMap) error) (found *informer.ViewChangedError) {
			defer func() {
				if r := recover(); r != nil {
					found = r.(*informer.ViewChangedError)
				}
			}()
			if err := lister.View("ns", "a", f); err != nil {
				t.Fatal(err)
			}
			return nil
		}
		for range 3 { // alone, then shared
			if found := changed(func(m *corev1.ConfigMap) error { _ = m.Data["v"] + m.String(); return nil }); found != nil {
				t.Errorf("reading is a change: %v", found)
			}
		}
		for range views(lister, informer.Query{}) {
		}
		var kept *corev1.ConfigMap
		changed(func(m *corev1.ConfigMap) error { kept = m; return nil })
		kept.Data["v"] = "later"
		found := changed(func(*corev1.ConfigMap) error { return nil })
		if found == nil || found.Key != "ns/a" || found.Field != "Data[v]" || !strings.Contains(found.Error(), "before") {
			t.Errorf("a change after the view: %v", found)
		}
		kept.Data["v"] = "5"
		found = changed(func(m *corev1.ConfigMap) error { m.Labels = map[string]string{}; return nil })
		if found == nil || found.Field != "ObjectMeta.Labels" {
			t.Errorf("a change in the view: %v", found)
		}
		kept.Labels = nil
		func() {
			defer func() {
				if found, _ := recover().(*informer.ViewChangedError); found == nil || found.Field != "ObjectMeta.Name" {
					t.Errorf("a change in a loop: %v", found)
				}
			}()
			for m := range views(lister, informer.Query{}) {
				m.Name = "mine"
			}
		}()
	})
}

// What is lent in a handler is checked too.
func TestCheckViewsInAHandler(t *testing.T) {
	play(t, func(s *scene) {
		s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{OnAdd: func(item informer.Item[corev1.ConfigMap]) {
			_ = item.View(func(m *corev1.ConfigMap) error { m.Data = nil; return nil })
		}})
		s.synced()
		synctest.Wait()
		if err := <-s.errors; !strings.Contains(err.Error(), "ns/") || !strings.Contains(err.Error(), "was changed at") {
			t.Errorf("the handler's change is told as %v", err)
		}
	}, informer.CheckViews())
}

// slimMap is a ConfigMap as a program declares it that reads little of it. It has no DeepCopyInto.
type slimMap struct {
	metav1.ObjectMeta `json:"metadata"`
	Data              map[string]string `json:"data"`
}

// wrongMap cannot hold a ConfigMap.
type wrongMap struct {
	metav1.ObjectMeta `json:"metadata"`

	Data int `json:"data"`
}

// Go types of one kind share one cache, and what one has decoded does not disturb the others.
func TestGoTypesOfOneKindShareACache(t *testing.T) {
	configMaps := mustKind(t, "", "v1", "ConfigMap")
	for _, err := range []error{kind.Register[slimMap](configMaps), kind.Register[wrongMap](configMaps)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	play(t, func(s *scene) {
		s.synced()
		slim, wrong := informer.For[slimMap](s.factory).Lister(), informer.For[wrongMap](s.factory).Lister()
		for range 3 {
			for _, name := range []string{"ns/a", "ns/b"} {
				whole, err := s.maps.Lister().ByKey(name)
				if err != nil {
					t.Fatal(err)
				}
				little, err := slim.ByKey(name)
				if err != nil || little.Name != whole.Name || !reflect.DeepEqual(little.Data, whole.Data) {
					t.Fatalf("read %+v and %+v (%v)", whole, little, err)
				}
				little.Data["v"] = "mine"
				for m, err := range views(slim, informer.Query{}) {
					if err != nil || m.Data["v"] != m.ResourceVersion {
						t.Fatalf("lent %+v (%v)", m, err)
					}
				}
				if bad, err := wrong.ByKey(name); err == nil {
					t.Errorf("a wrongMap holds %+v", bad)
				}
				if err := wrong.View("ns", name[len("ns/"):], func(*wrongMap) error { return nil }); err == nil {
					t.Error("a wrongMap was lent")
				}
			}
		}
	})
}

// The largest budget holds that anybody asked for, and the default if nobody did.
func TestTheLargestBudgetHolds(t *testing.T) {
	kept := func(s *scene) int {
		for range 3 {
			if _, err := s.maps.Lister().List(informer.Query{}); err != nil {
				t.Fatal(err)
			}
		}
		return s.maps.Stats().DecodedObjects
	}
	play(t, func(s *scene) {
		s.synced()
		if n := kept(s); n != 2 {
			t.Errorf("by default %d are kept", n)
		}
		informer.For[corev1.ConfigMap](s.factory, informer.DecodedBudget(-1))
		if n := kept(s); n != 0 {
			t.Errorf("with a budget of 0 %d are kept", n)
		}
		informer.For[corev1.ConfigMap](s.factory)
		if n := kept(s); n != 0 {
			t.Errorf("somebody who asked for no budget changed it: %d are kept", n)
		}
		informer.For[corev1.ConfigMap](s.factory, informer.DecodedBudget(1<<20))
		informer.For[corev1.ConfigMap](s.factory, informer.DecodedBudget(10))
		if n := kept(s); n != 2 {
			t.Errorf("with a budget of 1 MiB %d are kept", n)
		}
		informer.For[corev1.ConfigMap](s.factory, informer.KeepDecoded())
		informer.For[corev1.ConfigMap](s.factory, informer.DecodedBudget(10))
		if n := kept(s); n != 2 {
			t.Errorf("without a limit %d are kept", n)
		}
	})
}

func TestPartialDecodesOnlyItsFields(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		w.event("ADDED", `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":"c","uid":"uc","resourceVersion":"11","labels":{"app":"web"},"annotations":{"a/b":"1","c":"2"}},"data":{"x":"1","y":"2"},"immutable":true}`)
		s.knows("a=ua/5 b=ub/7 c=uc/11")
		item, _ := s.maps.Lister().Item("ns", "c")
		fields := informer.MustFields[corev1.ConfigMap]("metadata.annotations['a/b']", "data['y']", "immutable")
		got, err := item.Partial(fields)
		want := &corev1.ConfigMap{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"a/b": "1"}},
			Data:       map[string]string{"y": "2"}, Immutable: new(true),
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v are %+v (%v), want %+v", fields, got, err, want)
		}
		if _, err := item.Partial(nil); err == nil {
			t.Error("no fields at all are no error")
		}
		if _, err := (informer.Item[corev1.ConfigMap]{}).Partial(fields); err == nil {
			t.Error("the zero Item has fields")
		}
		var wrong *fieldpath.Error
		if _, err := informer.NewFields[corev1.ConfigMap]("dat"); !errors.As(err, &wrong) {
			t.Errorf("a path that there is not: %v", err)
		}
		if err := s.maps.AddFieldIndex("w", "data"); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "is a map; there is [*]") {
			t.Errorf("a path to a map: %v", err)
		}
		func() {
			defer func() {
				if fmt.Sprint(recover()) == "<nil>" {
					t.Error("MustFields takes a path that there is not")
				}
			}()
			informer.MustFields[corev1.ConfigMap]("dat")
		}()
	})
}

func TestFieldIndexFollowsTheField(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		if err := s.maps.AddFieldIndex("v", "data['v']"); err != nil {
			t.Fatal(err)
		}
		found := func(value, want string) {
			t.Helper()
			synctest.Wait()
			names := ""
			for item, err := range s.maps.Lister().Items(informer.Query{Index: "v", Value: value}) {
				if err != nil {
					t.Fatal(err)
				}
				names += item.Name()
			}
			if names != want {
				t.Errorf("under %q there is %q, want %q", value, names, want)
			}
		}
		found("5", "a")
		w.event("MODIFIED", object("a", "ua", "11"))
		found("5", "")
		found("11", "a")
		w.event("DELETED", object("a", "ua", "12"))
		found("11", "")
		found("7", "b")
		if err := s.maps.AddFieldIndex("v", "data['v']"); err == nil {
			t.Error("a name was used twice")
		}
		var wrong *fieldpath.Error
		if err := s.maps.AddFieldIndex("w", "spec.v"); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "configmaps") {
			t.Errorf("a path that there is not: %v", err)
		}
		var unknown *store.UnknownIndexError
		if _, err := s.maps.Lister().List(informer.Query{Index: "w", Value: "x"}); !errors.As(err, &unknown) {
			t.Errorf("there is an index by it: %v", err)
		}
	})
}

// Readers of every kind, while objects change: nothing is torn, and nothing is changed for others.
func TestReadersAndChangesAtOnce(t *testing.T) {
	for name, opt := range map[string]informer.Option{"kept": informer.KeepDecoded(), "tight": informer.DecodedBudget(3000)} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				w := s.synced()
				lister := s.maps.Lister()
				right := func(m *corev1.ConfigMap, err error) {
					if err != nil || m.Data["v"] != m.ResourceVersion {
						t.Errorf("read %+v (%v)", m, err)
					}
				}
				var readers sync.WaitGroup
				stop := make(chan struct{})
				for r := range 4 {
					readers.Go(func() {
						for {
							select {
							case <-stop:
								return
							default:
							}
							switch r {
							case 0:
								m, err := lister.Get("ns", "a")
								right(m, err)
								m.Data["v"] = "mine"
							case 1:
								for m, err := range views(lister, informer.Query{}) {
									right(m, err)
								}
							case 2:
								listed, err := lister.List(informer.Query{})
								for _, m := range listed {
									right(m, err)
									clear(m.Data)
								}
							case 3:
								_ = lister.View("ns", "b", func(m *corev1.ConfigMap) error { right(m, nil); return nil })
							}
						}
					})
				}
				version := 10
				for range 300 {
					for _, name := range []string{"a", "b"} {
						version++
						w.event("MODIFIED", object(name, "u"+name, fmt.Sprint(version)))
					}
				}
				if err := s.maps.WaitFor(s.ctx, fmt.Sprint(version)); err != nil {
					t.Error(err)
				}
				close(stop)
				readers.Wait()
				if stats := s.maps.Stats(); stats.DecodedObjects > 2 {
					t.Errorf("old states are kept decoded: %+v", stats)
				}
			}, opt)
		})
	}
}
