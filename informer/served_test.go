package informer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

var gadgets = kind.Info{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets", Namespaced: true}

// shop is a server that serves gadgets at times, and an informer of them.
type shop struct {
	store   *faults.Store
	groups  atomic.Value // the answer to /apis: a body, or "" for a 503
	served  atomic.Bool  // requests for gadgets are answered
	listed  atomic.Bool  // discovery has them
	asked   atomic.Int64 // requests for the list of groups
	log     *faults.Log
	factory *informer.Factory
	gadgets *informer.Informer[unstructured.Unstructured]
	told    *model[unstructured.Unstructured]
	start   func()
}

const groupOfGadgets = `{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"example.com","versions":[{"groupVersion":"example.com/v1","version":"v1"}]}]}`

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reply := func(body string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
	switch groups := s.groups.Load().(string); {
	case r.URL.Path == "/apis":
		s.asked.Add(1)
		if groups == "" {
			http.Error(w, "the proxy is ill", http.StatusServiceUnavailable)
			return
		}
		reply(groups)
	case r.URL.Path == "/apis/example.com/v1":
		resources := ""
		if s.listed.Load() {
			resources = `{"name":"gadgets","kind":"Gadget","namespaced":true}`
		}
		reply(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"example.com/v1","resources":[` + resources + `]}`)
	case !s.served.Load():
		http.Error(w, "404 page not found", http.StatusNotFound)
	default:
		s.store.ServeHTTP(w, r)
	}
}

// serve makes the server serve the gadgets, or not.
func (s *shop) serve(yes bool) {
	s.served.Store(yes)
	s.listed.Store(yes)
	s.store.EndWatches()
}

func inShop(t *testing.T, test func(t *testing.T, s *shop)) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{store: faults.NewStore(), log: faults.NewLog(), told: newModel[unstructured.Unstructured]("handler")}
		s.groups.Store(groupOfGadgets)
		s.store.Serve(gadgets)
		server := faults.Start(t, s, faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, Logger: s.log.Logger(), JSONOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		s.factory = informer.NewFactory(c, informer.Logger(s.log.Logger()))
		s.gadgets = informer.ForResource(s.factory, gadgets, informer.WhenServed())
		s.gadgets.AddHandler(s.told.handler())
		for _, name := range []string{"a", "b"} {
			if _, err := s.store.Put(fmt.Sprintf(`{"kind":"Gadget","apiVersion":"example.com/v1","metadata":{"namespace":"ns","name":%q}}`, name)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer s.factory.Wait()
		defer cancel()
		s.start = func() {
			if err := s.factory.Start(ctx); err != nil {
				t.Fatal(err)
			}
		}
		test(t, s)
	})
}

// absent wants everything to say that the resource is not served.
func (s *shop) absent(t *testing.T) {
	t.Helper()
	synctest.Wait()
	var absent *informer.NotServedError
	_, get := s.gadgets.Lister().Get("ns", "a")
	_, list := s.gadgets.Lister().List(informer.Query{})
	_, count := s.gadgets.Lister().Len(informer.Query{})
	for what, err := range map[string]error{"Get": get, "List": list, "Len": count, "WaitFor": s.gadgets.WaitFor(t.Context(), "1")} {
		if !errors.As(err, &absent) || apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "not served: the server has no gadgets in example.com/v1") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.gadgets.WaitForSync(t.Context()); err != nil || !s.gadgets.HasSynced() {
		t.Errorf("WaitForSync: %v", err)
	}
	if status := s.gadgets.Status(); status.State != informer.StateUnserved || !status.Synced || status.Failures != 0 || !status.FailingSince.IsZero() || status.Objects != 0 || s.gadgets.Contains("1") {
		t.Errorf("the status is %+v", status)
	}
	s.knows(t, 0)
}

// knows wants the handler, and the cache if it can be read, to have so many objects.
func (s *shop) knows(t *testing.T, want int) {
	t.Helper()
	synctest.Wait()
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	if len(s.told.known) != want || len(s.told.breaches) > 0 {
		t.Errorf("the handler knows %v, not %d objects (%v)", s.told.known, want, s.told.breaches)
	}
	if n, err := s.gadgets.Lister().Len(informer.Query{}); want > 0 && (n != want || err != nil) {
		t.Errorf("the cache has %d objects, not %d (%v)", n, want, err)
	}
}

// An informer whose resource is not served is failing while the server says nothing, and not any more
// when it says again that it does not serve it.
func TestAnOutageWhileTheResourceIsNotServed(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.serve(false)
		s.start()
		s.absent(t)
		time.Sleep(5 * time.Minute)
		groups := s.groups.Swap("") // an outage
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if status := s.gadgets.Status(); status.FailingSince.IsZero() || time.Since(status.FailingSince) < time.Minute || status.Failures == 0 {
			t.Errorf("in the outage the status is %+v", status)
		}
		s.groups.Store(groups)
		time.Sleep(5 * time.Minute)
		s.absent(t)
	})
}

// An informer starts without its resource, begins when it comes, ends when it goes, and begins again.
func TestWhenServed(t *testing.T) {
	for _, how := range []string{"no group", "another version", "no resource"} {
		t.Run(how, func(t *testing.T) {
			inShop(t, func(t *testing.T, s *shop) {
				serve := func(yes bool) {
					s.serve(yes)
					switch {
					case yes:
						s.groups.Store(groupOfGadgets)
					case how == "no group":
						s.groups.Store(strings.Replace(groupOfGadgets, `"name":"example.com"`, `"name":"other.com"`, 1))
					case how == "another version":
						s.groups.Store(strings.Replace(groupOfGadgets, `"version":"v1"`, `"version":"v2"`, 1))
					}
				}
				serve(false)
				early := s.gadgets.AddHandler(informer.Handler[unstructured.Unstructured]{})
				s.start()
				s.absent(t)
				if !early.HasSynced() {
					t.Error("the handler waits for a list that does not come")
				}
				late := newModel[unstructured.Unstructured]("late")
				reg := s.gadgets.AddHandler(late.handler(), informer.Resync(time.Hour))
				synctest.Wait()
				if !reg.HasSynced() {
					t.Error("a later handler waits for a list that does not come")
				}
				for range 2 {
					serve(true)
					time.Sleep(time.Minute)
					s.knows(t, 2)
					if status := s.gadgets.Status(); status.State != "watching" {
						t.Errorf("the status is %+v", status)
					}
					version := s.gadgets.ResourceVersion()
					if err := s.gadgets.WaitFor(t.Context(), version); err != nil || version == "" {
						t.Errorf("waiting for %s: %v", version, err)
					}
					waited := make(chan error, 1)
					go func() { waited <- s.gadgets.WaitFor(t.Context(), "1000000") }()
					serve(false)
					time.Sleep(time.Minute)
					s.absent(t)
					var absent *informer.NotServedError
					if err := <-waited; !errors.As(err, &absent) {
						t.Errorf("who waited for a version got %v", err)
					}
				}
				for _, m := range []*model[unstructured.Unstructured]{s.told, late} {
					if adds, deletes := m.count("add"), m.count("delete"); adds != 4 || deletes != 4 {
						t.Errorf("%s: %d additions, %d deletions", m.name, adds, deletes)
					}
				}
				lines := s.log.Lines(slog.LevelWarn, slog.LevelError)
				for _, line := range lines {
					if !strings.Contains(line.Text, "does not serve the resource") && !strings.Contains(line.Text, "ended the watch") {
						t.Errorf("logged is: %s", line.Text)
					}
				}
				if len(lines) > 3*3 {
					t.Errorf("%d lines of the log", len(lines))
				}
			})
		})
	}
}

// While the resource is not served, the server is asked more and more seldom, and nothing is logged.
func TestHowOftenAResourceIsAskedFor(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.serve(false)
		s.groups.Store(`{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`)
		s.start()
		synctest.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times at first", n)
		}
		time.Sleep(time.Minute)
		first := s.asked.Load()
		if first < 5 || first > 7 { // pauses of 1 to 2 s, 2 to 4, 4 to 8, 8 to 16, 16 to 32, 30 to 60
			t.Errorf("asked %d times in a minute", first)
		}
		lines := len(s.log.Lines(slog.LevelWarn, slog.LevelError))
		time.Sleep(time.Hour)
		if n := s.asked.Load() - first; n < 60 || n > 120 {
			t.Errorf("asked %d times in an hour", n)
		}
		if n := len(s.log.Lines(slog.LevelInfo, slog.LevelWarn, slog.LevelError)); n != lines || n != 1 {
			t.Errorf("the log has %d lines, and had %d after a minute", n, lines)
		}
	})
}

// What is no proof that the resource is gone deletes nothing.
func TestA404ThatIsNoProof(t *testing.T) {
	for name, c := range map[string]struct{ begin, during, end func(*shop) }{
		"discovery has the resource": {func(s *shop) { s.served.Store(false) }, nil, func(s *shop) { s.served.Store(true) }},
		"discovery fails":            {func(s *shop) { s.served.Store(false); s.groups.Store("") }, nil, func(s *shop) { s.served.Store(true); s.groups.Store(groupOfGadgets) }},
		"discovery is no list":       {func(s *shop) { s.served.Store(false); s.groups.Store("{}x") }, nil, func(s *shop) { s.served.Store(true); s.groups.Store(groupOfGadgets) }},
		"one answer lacks the resource": {func(s *shop) { s.serve(false) }, func(s *shop) {
			for s.asked.Load() == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			s.serve(true)
		}, func(*shop) {}},
	} {
		t.Run(name, func(t *testing.T) {
			inShop(t, func(t *testing.T, s *shop) {
				s.serve(true)
				s.start()
				s.knows(t, 2)
				c.begin(s)
				s.store.EndWatches()
				if c.during != nil {
					c.during(s)
				}
				time.Sleep(5 * time.Minute)
				s.knows(t, 2)
				if c.during == nil && s.gadgets.Status().LastError == nil {
					t.Error("the fault is not told of")
				}
				c.end(s)
				time.Sleep(2 * time.Minute)
				s.knows(t, 2)
				if deletes := s.told.count("delete"); deletes != 0 || s.gadgets.Status().State != "watching" {
					t.Errorf("%d deletions; the status is %+v", deletes, s.gadgets.Status())
				}
			})
		})
	}
}

// WhenServed makes a cache of its own, and a 404 without it is a fault as before.
func TestWithoutWhenServed(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.serve(false)
		plain := informer.ForResource(s.factory, gadgets)
		informer.ForResource(s.factory, gadgets, informer.WhenServed())
		if n := len(s.factory.Informers()); n != 2 {
			t.Errorf("%d informers", n)
		}
		s.start()
		time.Sleep(time.Minute)
		if _, err := plain.Lister().Get("ns", "a"); plain.HasSynced() || !errors.As(err, new(*informer.NotSyncedError)) {
			t.Errorf("without the option: synced %v, read %v", plain.HasSynced(), err)
		}
	})
}

// On a real server: a CustomResourceDefinition is created, deleted and created again.
func TestWhenServedOnARealServer(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.Start(t)
	c := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	ofCRDs := func(req *rest.Request) *rest.Request {
		return req.GroupVersion(schema.GroupVersion{Group: "apiextensions.k8s.io", Version: "v1"}).Resource("customresourcedefinitions")
	}
	k := kind.Info{Group: "whenserved.example.com", Version: "v1", Kind: "Late", Resource: "lates", Namespaced: true}
	install := func() {
		persistent(t, ctx, func() error {
			return ofCRDs(c.Post()).Body([]byte(`{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1","metadata":{"name":"lates.whenserved.example.com"},` +
				`"spec":{"group":"whenserved.example.com","scope":"Namespaced","names":{"kind":"Late","plural":"lates","singular":"late","listKind":"LateList"},` +
				`"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`)).Do(ctx).Error()
		})
		persistent(t, ctx, func() error {
			return c.Post().GroupVersion(k.GroupVersion()).Namespace(namespace).Resource(k.Resource).
				Body([]byte(`{"kind":"Late","apiVersion":"whenserved.example.com/v1","metadata":{"name":"one"}}`)).Do(ctx).Error()
		}, apierrors.IsAlreadyExists)
	}
	uninstall := func() {
		persistent(t, ctx, func() error { return ofCRDs(c.Delete()).Name("lates.whenserved.example.com").Do(ctx).Error() }, apierrors.IsNotFound)
	}

	factory := informer.NewFactory(c, informer.Logger(slog.New(slog.DiscardHandler)))
	told := newModel[unstructured.Unstructured]("handler")
	lates := informer.ForResource(factory, k, informer.WhenServed())
	lates.AddHandler(told.handler())
	metadata := informer.Metadata(factory, k, informer.WhenServed(), informer.Namespaces(namespace, "other-"+namespace))
	pods := informer.For[corev1.Pod](factory)
	run(t, ctx, factory)
	if _, err := lates.Lister().Get(namespace, "one"); !errors.As(err, new(*informer.NotServedError)) {
		t.Errorf("before the resource is served: %v", err)
	}
	if _, err := pods.Lister().Len(informer.Query{}); err != nil {
		t.Errorf("another informer of the factory: %v", err)
	}
	for round := range 2 {
		install()
		for told.count("add") == round || length(metadata, informer.Query{}) != 1 {
			if ctx.Err() != nil {
				t.Fatalf("the object does not come: %+v", lates.Status())
			}
			time.Sleep(10 * time.Millisecond)
		}
		item, err := lates.Lister().Item(namespace, "one")
		if err != nil {
			t.Fatal(err)
		}
		told.waitFor(t, ctx, map[string]string{item.Key(): state(item)})
		uninstall()
		told.waitFor(t, ctx, map[string]string{})
		for what, read := range map[string]func() error{
			"lates":    func() error { _, err := lates.Lister().Len(informer.Query{}); return err },
			"metadata": func() error { _, err := metadata.Lister().Len(informer.Query{}); return err },
		} {
			for err := read(); !errors.As(err, new(*informer.NotServedError)); err = read() {
				if ctx.Err() != nil {
					t.Fatalf("%s can be read after the resource was removed: %v; %+v", what, err, lates.Status())
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		if status := lates.Status(); status.State != informer.StateUnserved && status.State != "discovering" {
			t.Errorf("the status is %+v", status)
		}
	}
}
