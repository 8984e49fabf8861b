package controller

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// A controller starts without a resource that is not served. Its objects are reconciled when it is
// served, when it goes, and when it is back.
func TestAControllerOfAResourceThatIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gadgets := kind.Info{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets", Namespaced: true}
		store := faults.NewStore()
		store.Serve(gadgets)
		if _, err := store.Put(`{"kind":"Gadget","apiVersion":"example.com/v1","metadata":{"namespace":"ns","name":"a"}}`); err != nil {
			t.Fatal(err)
		}
		var served atomic.Bool
		server := faults.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case r.URL.Path == "/apis" && !served.Load():
				_, _ = w.Write([]byte(`{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`))
			case r.URL.Path == "/apis":
				_, _ = w.Write([]byte(`{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"example.com","versions":[{"groupVersion":"example.com/v1","version":"v1"}]}]}`))
			case r.URL.Path == "/apis/example.com/v1":
				_, _ = w.Write([]byte(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"example.com/v1","resources":[{"name":"gadgets","kind":"Gadget","namespaced":true}]}`))
			case !served.Load():
				http.Error(w, "404 page not found", http.StatusNotFound)
			default:
				store.ServeHTTP(w, r)
			}
		}), faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, JSONOnly: true, QPS: -1})
		if err != nil {
			t.Fatal(err)
		}
		factory := informer.NewFactory(c)
		cache := informer.ForResource(factory, gadgets, informer.WhenServed())
		var mu sync.Mutex
		var saw []string
		reconcile := func(_ context.Context, key Key) (Result, error) {
			mu.Lock()
			defer mu.Unlock()
			var absent *informer.NotServedError
			switch _, err := cache.Lister().Get(key.Namespace, key.Name); {
			case errors.As(err, &absent):
				saw = append(saw, "not served")
			case err != nil:
				t.Error(err)
			default:
				saw = append(saw, key.Name)
			}
			return Result{}, nil
		}
		stop, ended := start(func(ctx context.Context) error {
			return Run(ctx, factory, New("gadgets", reconcile, For(cache)))
		})
		time.Sleep(2 * DefaultSyncTimeout)
		for range 2 {
			served.Store(true)
			time.Sleep(2 * time.Minute)
			served.Store(false)
			store.EndWatches()
			time.Sleep(2 * time.Minute)
		}
		select {
		case err := <-ended:
			t.Fatalf("Run ended: %v", err)
		default:
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if want := []string{"a", "not served", "a", "not served"}; !slices.Equal(saw, want) {
			t.Errorf("the reconciles saw %q, not %q", saw, want)
		}
	})
}
