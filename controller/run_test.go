package controller

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
)

// record is a Reconcile that notes its keys.
type record struct {
	mu   sync.Mutex
	keys []string
}

func (r *record) reconcile(_ context.Context, key Key) (Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, key.String())
	return Result{}, nil
}

// taken returns the keys since the last call, sorted.
func (r *record) taken() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := r.keys
	r.keys = nil
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// I12: a controller does not go on with a cache that has stopped.
func TestRunEndsWhenACacheStops(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stops  string // the informer that the error names
		source func(maps *informer.Informer[corev1.ConfigMap], secrets *informer.Informer[corev1.Secret]) []Option
	}{
		{"a source", "secrets", func(maps *informer.Informer[corev1.ConfigMap], secrets *informer.Informer[corev1.Secret]) []Option {
			return []Option{For(maps), Owns(secrets)}
		}},
		{"a cache that it reads", "secrets", func(maps *informer.Informer[corev1.ConfigMap], secrets *informer.Informer[corev1.Secret]) []Option {
			return []Option{For(maps), Reads(secrets)}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.server.set("configmaps", lists(configMap("n", "a", 5)))
				mapsFactory := s.factory
				maps := s.configMaps()
				s.factory = informer.NewFactory(mapsFactory.Client(), informer.JSON())
				secrets := s.secrets()
				stopMaps, _ := start(mapsFactory.Run)
				stopSecrets, _ := start(s.factory.Run)

				var finished bool
				began := make(chan struct{})
				reconcile := func(ctx context.Context, _ Key) (Result, error) {
					close(began)
					time.Sleep(10 * time.Second)
					finished = ctx.Err() == nil
					return Result{}, nil
				}
				_, ended := start(New("test", reconcile, append(tt.source(maps, secrets), s.logger())...).Run)
				<-began
				if err := stopSecrets(); err != nil {
					t.Error(err)
				}
				err := <-ended
				if err == nil || !strings.Contains(err.Error(), `controller "test"`) || !strings.Contains(err.Error(), "informer "+tt.stops) {
					t.Errorf("Run returns %v, want an error that names the informer", err)
				}
				if !finished {
					t.Error("the reconcile that ran was not let finish")
				}
				stopMaps()
			})
		})
	}
}

// The end of the context that all share is no fault.
func TestRunReturnsNilWhenTheSharedContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		c := New("test", noop, For(s.configMaps()), s.logger())
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 2)
		go func() { ran <- s.factory.Run(ctx) }()
		go func() { ran <- c.Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		for range 2 {
			if err := <-ran; err != nil {
				t.Error(err)
			}
		}
	})
}

// Whichever of the two a controller sees first: that its context has ended is why its cache has
// stopped.
func TestACacheThatStopsAfterTheContextIsNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		c := New("test", noop, For(s.configMaps()), s.logger())
		stop, _ := start(s.factory.Run)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // which of two that are ready is chosen is random
			ctx, stopped := c.watchCaches(ended)
			<-ctx.Done()
			synctest.Wait()
			if err := stopped(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestControllerRunStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		c := New("test", noop, For(s.configMaps()), s.logger())
		begin := time.Now()
		err := c.Run(t.Context())
		if took := time.Since(begin); took.Round(2*time.Second) != DefaultSyncTimeout {
			t.Errorf("Run took %v", took)
		}
		if err == nil || !strings.Contains(err.Error(), "informer configmaps") || !strings.Contains(err.Error(), "its factory does not run") {
			t.Errorf("Run returns %v", err)
		}
		if n := s.server.count("configmaps"); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// The controllers finish while the caches go on; then the factory ends.
func TestRunStopsControllersBeforeCaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		maps := s.configMaps()
		began := make(chan struct{})
		var seen []string
		c := New("test", func(context.Context, Key) (Result, error) {
			close(began)
			time.Sleep(10 * time.Second)
			for item, err := range maps.Lister().Items(informer.Query{}) {
				if err != nil {
					t.Errorf("the lister while the controller drains: %v", err)
					break
				}
				seen = append(seen, item.Name())
			}
			return Result{}, nil
		}, For(maps), s.logger())
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		<-began
		go func() {
			time.Sleep(5 * time.Second) // during the drain
			s.server.watch("configmaps").event("ADDED", configMap("n", "late", 11))
		}()
		if err := stop(); err != nil {
			t.Error(err)
		}
		slices.Sort(seen)
		if !slices.Equal(seen, []string{"a", "late"}) {
			t.Errorf("the reconcile saw %v, want what came while the controller drained too", seen)
		}
		select {
		case <-maps.Done():
		default:
			t.Error("Run returned before the factory's informers had ended")
		}
	})
}

// The first that fails ends the others, and Run waits for all.
func TestRunEndsAllWhenOneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		s.server.set("secrets", fails(403, "Forbidden"))
		maps, secrets := s.configMaps(), s.secrets()
		var finished bool
		good := New("good", func(ctx context.Context, _ Key) (Result, error) {
			select {
			case <-ctx.Done():
			case <-time.After(DefaultSyncTimeout + 20*time.Second):
				finished = true
			}
			return Result{}, nil
		}, For(maps), s.logger())
		bad := New("bad", noop, For(secrets), s.logger())
		err := Run(t.Context(), s.factory, good, bad)
		if err == nil || !strings.Contains(err.Error(), `"bad"`) || strings.Contains(err.Error(), `"good"`) {
			t.Errorf("Run returns %v, want the error of the one that failed", err)
		}
		if !finished {
			t.Error("the other controller's reconcile was cut short")
		}
		for _, done := range []<-chan struct{}{maps.Done(), secrets.Done()} {
			select {
			case <-done:
			default:
				t.Error("Run returned before an informer had ended")
			}
		}
	})
}

func TestRunOfAFactoryThatRunsElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		c := New("test", noop, For(s.configMaps()), s.logger())
		stop, _ := start(s.factory.Run)
		synctest.Wait()
		begin := time.Now()
		if err := Run(t.Context(), s.factory, c); err == nil || time.Since(begin) != 0 {
			t.Errorf("after %v: %v, want an error at once", time.Since(begin), err)
		}
		stop()
	})
}

// No function of a controller is called before all of its caches are in sync, so that each may read
// them, and no change is judged by half a cache.
func TestFunctionsAreFirstCalledInSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5), configMap("n", "b", 6)))
		s.server.set("secrets", refuses)
		maps, secrets := s.configMaps(), s.secrets()
		check := func(what string) {
			if !maps.HasSynced() || !secrets.HasSynced() {
				t.Errorf("%s is called before all caches are in sync", what)
			}
		}
		var r record
		c := New("test", r.reconcile, s.logger(), Reads(secrets),
			For(maps).
				Where(func(informer.Item[corev1.ConfigMap]) bool { check("Where"); return true }).
				When(func(informer.Meta, informer.Meta) bool { check("When"); return true }),
			Watches(maps, func(item informer.Item[corev1.ConfigMap]) []Key {
				check("keys")
				return []Key{{Namespace: "n", Name: "of-" + item.Name()}}
			}))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Minute)
		s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 11))
		s.server.watch("configmaps").event("DELETED", configMap("n", "b", 12))
		time.Sleep(time.Minute)
		if got := r.taken(); got != "" {
			t.Errorf("reconciled %s before all caches were in sync", got)
		}
		s.server.set("secrets", lists())
		time.Sleep(time.Minute)
		if got, want := r.taken(), "n/a n/of-a"; got != want {
			t.Errorf("reconciled %s in sync, want %s", got, want)
		}
		s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 13))
		synctest.Wait()
		if got, want := r.taken(), "n/a n/of-a"; got != want {
			t.Errorf("reconciled %s after an update, want %s", got, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestSeveralForsOfOneKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		one, two := s.configMaps(informer.Namespace("one")), s.configMaps(informer.Namespace("two"))
		s.server.set("configmaps", func(server *fakeServer, req *http.Request) (*http.Response, error) {
			namespace := strings.Split(req.URL.Path, "/")[4]
			return lists(configMap(namespace, "a", 5))(server, req)
		})
		var r record
		c := New("test", r.reconcile, For(one), For(two), s.logger())
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Minute)
		if got, want := r.taken(), "one/a two/a"; got != want {
			t.Errorf("reconciled %s, want %s", got, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// An owner that no For has in its cache is not reconciled: its lister could only return an error.
func TestOwnsKeepsToTheNamespacesOfFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		owned := func(namespace, owner string) string {
			return strings.ReplaceAll(configMap(namespace, "of-"+owner, 5, fmt.Sprintf(
				`"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":%q,"uid":"u","controller":true}]`,
				owner)), `{"kind":"ConfigMap"`, `{"kind":"Secret"`)
		}
		s.server.set("secrets", lists(owned("one", "a"), owned("two", "b"), owned("three", "c")))
		var r record
		c := New("test", r.reconcile, Owns(s.secrets()), s.logger(),
			For(s.configMaps(informer.Namespace("one"))), For(s.configMaps(informer.Namespace("two"))))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Minute)
		if got, want := r.taken(), "one/a two/b"; got != want {
			t.Errorf("reconciled %s, want %s", got, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestRunOfNoController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		maps := s.configMaps()
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory) })
		time.Sleep(time.Minute)
		if !maps.HasSynced() {
			t.Error("the factory does not run")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	if err := Run(t.Context(), nil); err == nil {
		t.Error("a nil factory is no error")
	}
}

// A function of a source may be running when the context ends: Run returns after it.
func TestRunWaitsForTheFunctionsOfItsSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		maps := s.configMaps()
		stopFactory, _ := start(s.factory.Run)
		var running atomic.Bool
		c := New("test", noop, s.logger(), For(maps).Where(func(informer.Item[corev1.ConfigMap]) bool {
			running.Store(true)
			time.Sleep(10 * time.Second)
			running.Store(false)
			return true
		}))
		stop, _ := start(c.Run)
		time.Sleep(time.Second)
		if !running.Load() {
			t.Fatal("Where is not called: this test sees nothing")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if running.Load() {
			t.Error("Run has returned, and a function of the controller is running")
		}
		if err := stopFactory(); err != nil {
			t.Error(err)
		}
	})
}
