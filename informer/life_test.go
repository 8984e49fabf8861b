package informer_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

func isMisuse(err error) bool {
	var misuse *kind.MisuseError
	return errors.As(err, &misuse)
}

func isStopped(err error) bool {
	var stopped *informer.StoppedError
	return errors.As(err, &stopped)
}

func unreachable(t *testing.T) *rest.Client {
	return newClient(t, &rest.Config{Host: "https://server.example"})
}

// Every method of a lister that returns an error, by name.
func everyRead[T any](i *informer.Informer[T]) map[string]error {
	l := i.Lister()
	errs := map[string]error{}
	_, errs["Get"] = l.Get("ns", "a")
	_, errs["ByKey"] = l.ByKey("ns/a")
	_, errs["Item"] = l.Item("ns", "a")
	errs["View"] = l.View("ns", "a", func(*T) error { return nil })
	_, errs["List"] = l.List(informer.Query{})
	_, errs["List by index"] = l.List(informer.Query{Index: informer.NamespaceIndex, Value: "ns"})
	_, errs["Len"] = l.Len(informer.Query{})
	_, errs["Len of a namespace"] = l.Len(informer.Query{Namespace: "ns"})
	errs["Views"] = l.Views(informer.Query{}, func(*T) error { return nil })
	for _, err := range l.All(informer.Query{}) {
		errs["All"] = err
	}
	for _, err := range l.Items(informer.Query{}) {
		errs["Items"] = err
	}
	return errs
}

func TestAReadBeforeSyncIsAnErrorAndNotNotFound(t *testing.T) {
	idle := informer.For[corev1.ConfigMap](informer.NewFactory(unreachable(t)))
	for name, err := range everyRead(idle) {
		var early *informer.NotSyncedError
		if !errors.As(err, &early) || early.Started || apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "configmaps: not synced: not started") {
			t.Errorf("%s before Start: %v", name, err)
		}
	}
	play(t, func(s *scene) {
		s.next("watch").status(404, "NotFound")
		s.next("list").status(404, "NotFound")
		synctest.Wait()
		for name, err := range everyRead(s.maps) {
			var early *informer.NotSyncedError
			if !errors.As(err, &early) || !early.Started || !apierrors.IsNotFound(early.LastError) || apierrors.IsNotFound(err) ||
				!strings.Contains(err.Error(), "waiting for its initial list; its last error: ") {
				t.Errorf("%s while the list fails: %v", name, err)
			}
		}
		s.next("list").list("10", "more", object("a", "ua", "5"))
		r := s.next("list,continue=more")
		synctest.Wait()
		if err := everyRead(s.maps)["Get"]; err == nil || apierrors.IsNotFound(err) {
			t.Errorf("in the middle of the list: %v", err)
		}
		r.list("10", "")
		synctest.Wait()
		for name, err := range everyRead(s.maps) {
			if err != nil {
				t.Errorf("%s after the list: %v", name, err)
			}
		}
	})
}

func TestCallsThatCannotBeRight(t *testing.T) {
	play(t, func(s *scene) {
		s.synced()
		l := s.maps.Lister()
		try := map[string]error{}
		_, try["a bare key"] = l.ByKey("a")
		_, try["no namespace"] = l.Get("", "a")
		_, try["no name"] = l.Item("ns", "")
		_, try["a key of three parts"] = l.ByKey("x/ns/a")
		_, try["a value without an index"] = l.List(informer.Query{Value: "x"})
		confined := informer.For[corev1.ConfigMap](s.factory, informer.Namespace("mine"))
		_, try["another namespace"] = confined.Lister().Get("ns", "a")
		_, try["a query of another namespace"] = confined.Lister().Len(informer.Query{Namespace: "ns"})
		nodes := informer.For[corev1.Node](s.factory)
		_, try["a namespace of nodes"] = nodes.Lister().Get("ns", "a")
		_, try["a key of nodes with a namespace"] = nodes.Lister().ByKey("ns/a")
		_, try["a query of nodes by namespace"] = nodes.Lister().List(informer.Query{Namespace: "ns"})
		for what, err := range try {
			if !isMisuse(err) || apierrors.IsNotFound(err) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := l.ByKey("ns/none"); !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), `configmaps "ns/none"`) {
			t.Errorf("none: %v", err)
		}
	})
}

func TestAQueryIsMetByAllOfItsFields(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		w.event("ADDED", `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":"c","uid":"uc","resourceVersion":"11","labels":{"app":"web"}},"data":{"v":"5"}}`)
		w.event("ADDED", `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"other","name":"d","uid":"ud","resourceVersion":"12","labels":{"app":"web"}},"data":{"v":"5"}}`)
		if err := s.maps.AddFieldIndex("v", "data['v']"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		web := labels.SelectorFromSet(labels.Set{"app": "web"})
		for _, c := range []struct {
			q    informer.Query
			want int
		}{
			{informer.Query{}, 4},
			{informer.Query{Namespace: "ns"}, 3},
			{informer.Query{Namespace: "none"}, 0},
			{informer.Query{Labels: web}, 2},
			{informer.Query{Labels: web, Namespace: "ns"}, 1},
			{informer.Query{Index: "v", Value: "5"}, 3},
			{informer.Query{Index: "v", Value: "5", Labels: web}, 2},
			{informer.Query{Index: "v", Value: "5", Labels: web, Namespace: "other"}, 1},
			{informer.Query{Index: "v", Value: "7", Labels: web}, 0},
		} {
			n, err := s.maps.Lister().Len(c.q)
			all, err2 := s.maps.Lister().List(c.q)
			if n != c.want || len(all) != n || err != nil || err2 != nil {
				t.Errorf("%+v chooses %d and %d, want %d (%v, %v)", c.q, n, len(all), c.want, err, err2)
			}
		}
	})
}

func TestAFactoryRunsOnce(t *testing.T) {
	play(t, func(s *scene) {
		s.synced()
		another, end := context.WithCancel(s.ctx)
		defer end()
		if err := s.factory.Start(another); !isMisuse(err) {
			t.Errorf("Start under another context: %v", err)
		}
		if err := s.factory.Run(another); !isMisuse(err) {
			t.Errorf("Run under another context: %v", err)
		}
		ctx, cancel := context.WithCancel(s.ctx)
		f := informer.NewFactory(s.factory.Client(), informer.JSON())
		first := informer.For[corev1.ConfigMap](f)
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		s.next("watch").watch().listEnd("10")
		synctest.Wait()
		if err := f.Run(ctx); !isMisuse(err) {
			t.Errorf("a second Run: %v", err)
		}
		if err := f.Start(ctx); err != nil {
			t.Errorf("Start under the context that it runs under: %v", err)
		}
		late := informer.For[corev1.ConfigMap](f, informer.Namespace("late"))
		s.next("watch").watch().listEnd("10")
		synctest.Wait()
		if !first.HasSynced() || !late.HasSynced() || first.Err() != nil {
			t.Error("not all run")
		}
		select {
		case err := <-ended:
			t.Fatalf("Run returned %v while its context goes on", err)
		case <-first.Done():
			t.Fatal("an informer is done while its context goes on")
		default:
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		<-first.Done()
		if err := first.Err(); !isStopped(err) || !errors.Is(err, context.Canceled) {
			t.Errorf("Err: %v", err)
		}
		for name, err := range everyRead(first) {
			if !isStopped(err) || apierrors.IsNotFound(err) {
				t.Errorf("%s of a stopped informer: %v", name, err)
			}
		}
		if err := first.WaitForSync(s.ctx); !isStopped(err) {
			t.Errorf("WaitForSync: %v", err)
		}
		if err := first.AddFieldIndex("v", "data['v']"); !isStopped(err) {
			t.Errorf("AddFieldIndex: %v", err)
		}
		never := informer.For[corev1.ConfigMap](f, informer.Namespace("never"))
		<-never.Done()
		if err := f.Start(ctx); !isMisuse(err) {
			t.Errorf("Start after the end: %v", err)
		}
	})
}

func TestMistakesAreReturnedAtOnce(t *testing.T) {
	f := informer.NewFactory(unreachable(t), informer.Namespace("web"))
	if n := informer.For[corev1.Node](f).Namespace(); n != "" { // I8
		t.Errorf("the nodes of namespace %q", n)
	}
	if n := informer.For[corev1.Pod](f).Namespace(); n != "web" {
		t.Errorf("the pods of namespace %q", n)
	}
	untyped := informer.For[unstructured.Unstructured](f)
	confined := informer.For[corev1.Node](f, informer.Namespace("web"))
	nothing := informer.ForResource(f, kind.Info{})
	for _, reads := range []map[string]error{everyRead(untyped), everyRead(confined), everyRead(nothing), {
		"WaitForSync": untyped.WaitForSync(t.Context()), "WaitFor": untyped.WaitFor(t.Context(), "1"),
		"AddFieldIndex": confined.AddFieldIndex("a", "spec"), "Run": f.Run(t.Context()), "Start": f.Start(t.Context()), "Err": nothing.Err(),
	}} {
		for name, err := range reads {
			if !isMisuse(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := untyped.Err(); !strings.Contains(err.Error(), "ForResource") {
		t.Errorf("For[Unstructured]: %v", err)
	}
	<-untyped.Done()
	for _, close := range []func(){untyped.Close, confined.Close, nothing.Close} {
		close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Run(ctx); err != nil {
		t.Errorf("Run without the mistakes: %v", err)
	}
}

func TestCloseGivesAnInformerBack(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		second := informer.For[corev1.ConfigMap](s.factory)
		calls := 0
		r := second.AddHandler(informer.Handler[corev1.ConfigMap]{OnUpdate: func(_, _ informer.Item[corev1.ConfigMap]) { calls++ }})
		moves := 0
		second.OnProgress(func(string) { moves++ })
		waiting := make(chan error)
		go func() { waiting <- second.WaitFor(s.ctx, "1000") }()
		synctest.Wait()
		second.Close()
		second.Close()
		if err := <-waiting; !isStopped(err) {
			t.Errorf("who waited: %v", err)
		}
		<-second.Done()
		<-r.Done()
		late := second.AddHandler(informer.Handler[corev1.ConfigMap]{})
		<-late.Done()
		late.Remove()
		for name, err := range everyRead(second) {
			if !isStopped(err) {
				t.Errorf("%s of what was closed: %v", name, err)
			}
		}
		w.event("MODIFIED", object("a", "ua", "11"))
		s.knows("a=ua/11 b=ub/7") // the other user goes on
		if calls != 0 || moves != 0 {
			t.Errorf("%d calls of a handler and %d of OnProgress after Close", calls, moves)
		}
		shared := weak.Make(heldBy(s.maps))
		s.maps.Close()
		<-s.maps.Done()
		synctest.Wait()
		if n := len(s.factory.Informers()); n != 0 {
			t.Errorf("the factory has %d informers", n)
		}
		if st := s.maps.Status(); st.Objects != 0 || st.State != "stopped" {
			t.Errorf("the cache holds %+v", st)
		}
		s.maps, second = informer.For[corev1.ConfigMap](s.factory), nil
		s.next("watch,sendInitialEvents=true").watch().listEnd("20")
		synctest.Wait()
		if n, err := s.maps.Lister().Len(informer.Query{}); n != 0 || err != nil {
			t.Errorf("the new cache has %d objects (%v)", n, err)
		}
		for range 10 {
			runtime.GC()
			if shared.Value() == nil {
				return
			}
		}
		t.Error("the closed cache's object is still in memory")
	})
}

// heldBy returns something that the cache keeps as long as it has its objects: one decoded.
func heldBy(maps *informer.Informer[corev1.ConfigMap]) (held *corev1.ConfigMap) {
	for range 3 {
		_ = maps.Lister().View("ns", "a", func(m *corev1.ConfigMap) error { held = m; return nil })
	}
	return held
}

// A handler's calls begin when the initial list is complete, so that it may read the cache.
func TestAHandlerReadsItsOwnCacheInTheInitialList(t *testing.T) {
	play(t, func(s *scene) {
		var mu sync.Mutex // the handler is added twice
		var initial, later []string
		handler := informer.Handler[corev1.ConfigMap]{OnAdd: func(item informer.Item[corev1.ConfigMap]) {
			n, err := s.maps.Lister().Len(informer.Query{})
			mu.Lock()
			defer mu.Unlock()
			if err != nil || n < 2 {
				t.Errorf("the cache has %d objects in OnAdd (%v)", n, err)
			}
			if item.Initial() {
				initial = append(initial, item.Key())
			} else {
				later = append(later, item.Key())
			}
		}}
		r := s.maps.AddHandler(handler)
		w := s.synced()
		if !r.HasSynced() || r.Pending() != 0 {
			t.Errorf("synced %t, %d pending", r.HasSynced(), r.Pending())
		}
		s.maps.AddHandler(handler)
		w.event("ADDED", object("c", "uc", "12"))
		synctest.Wait()
		if len(initial) != 4 || len(later) != 2 {
			t.Errorf("initial %v, later %v", initial, later)
		}
	})
}

// A resync that is due while the initial list comes calls the handler for nothing: no object is
// updated before it was added. Resyncs go on afterwards.
func TestAResyncWaitsForTheInitialList(t *testing.T) {
	play(t, func(s *scene) {
		var mu sync.Mutex
		var calls []string
		call := func(what string, item informer.Item[corev1.ConfigMap]) {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, what+" "+item.Name())
		}
		called := func() string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return strings.Join(calls, ", ")
		}
		s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{
			OnAdd:    func(item informer.Item[corev1.ConfigMap]) { call("add", item) },
			OnUpdate: func(_, item informer.Item[corev1.ConfigMap]) { call("update", item) },
		}, informer.Resync(2*time.Second))
		w := s.next("sendInitialEvents=true").watch()
		w.event("ADDED", object("a", "ua", "7"))
		time.Sleep(5 * time.Second)
		w.listEnd("10")
		if got := called(); got != "add a" {
			t.Errorf("at the end of the list: %s; want add a", got)
		}
		time.Sleep(2 * time.Second)
		if got := called(); got != "add a, update a" {
			t.Errorf("a resync later: %s; want add a, update a", got)
		}
	})
}

func TestZeroIsTheDefaultAndNegativeIsOff(t *testing.T) {
	kept := func(s *scene) int {
		for range 3 {
			if _, err := s.maps.Lister().List(informer.Query{}); err != nil {
				t.Fatal(err)
			}
		}
		return s.maps.Stats().DecodedObjects
	}
	for _, c := range []struct {
		name string
		opts []informer.Option
		want int
	}{
		{"DecodedBudget(0)", []informer.Option{informer.DecodedBudget(0)}, 2},
		{"negative", []informer.Option{informer.DecodedBudget(-1)}, 0},
		{"negative, then 0", []informer.Option{informer.DecodedBudget(-1), informer.DecodedBudget(0)}, 0},
		{"one byte", []informer.Option{informer.DecodedBudget(1)}, 0},
		{"KeepDecoded", []informer.Option{informer.KeepDecoded()}, 2},
	} {
		play(t, func(s *scene) {
			s.synced()
			if n := kept(s); n != c.want {
				t.Errorf("%s keeps %d objects, want %d", c.name, n, c.want)
			}
		}, c.opts...)
	}
	for _, c := range []struct {
		name             string
		factory, handler time.Duration
		want             int // resyncs of two objects in a minute
	}{
		{"off by default", 0, 0, 0},
		{"the factory's", 20 * time.Second, 0, 4},
		{"off for the handler", 20 * time.Second, -1, 0},
		{"off for the factory, on for the handler", -1, 20 * time.Second, 4},
	} {
		play(t, func(s *scene) {
			s.synced()
			n := 0
			s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{OnUpdate: func(_, _ informer.Item[corev1.ConfigMap]) { n++ }},
				informer.Resync(c.handler))
			time.Sleep(50 * time.Second)
			synctest.Wait()
			if n != c.want {
				t.Errorf("%s: %d calls, want %d", c.name, n, c.want)
			}
		}, informer.Resync(c.factory))
	}
}
