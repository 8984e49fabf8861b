package skifftest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// Lister returns a lister of objects, for a test of a function that reads a cache. It is in sync. Its
// objects are those that are given, with a resourceVersion and, where they have none, a uid. It ends with the test t. T is a kind that package kind knows. What package informer
// promises of a Lister holds.
//
// [Informer] is for functions that want more: an index, handlers.
func Lister[T any, P kind.Object[T]](t testing.TB, objects ...P) informer.Lister[T] {
	t.Helper()
	return Informer[T](t, objects...).Lister()
}

// Informer returns an informer that has objects in its cache, as of [Lister], and is in sync: for
// Informer.AddIndex, and for controllers whose Reconcile a test calls itself. The objects do not
// change; [New] is for tests that change them.
//
// Two objects of one name, and an object without a name or without the namespace that its kind has,
// fail the test.
func Informer[T any, P kind.Object[T]](t testing.TB, objects ...P) *informer.Informer[T] {
	t.Helper()
	k, err := kind.Of[T, P]()
	if err != nil {
		t.Fatalf("skifftest: make a lister: %v", err)
	}
	// The cache is filled as it always is, by a list: from a store in this process.
	store := faults.NewStore()
	store.Serve(k)
	names := map[string]bool{}
	for _, object := range objects {
		if object == nil {
			t.Fatalf("skifftest: make a lister of %s: an object is nil", k.Resource)
		}
		key := object.GetNamespace() + "/" + object.GetName()
		switch {
		case object.GetName() == "":
			t.Fatalf("skifftest: make a lister of %s: an object has no name", k.Resource)
		case k.Namespaced != (object.GetNamespace() != ""):
			t.Fatalf("skifftest: make a lister of %s: the namespace of %s is %q, and namespaced is %v", k.Resource,
				object.GetName(), object.GetNamespace(), k.Namespaced)
		case names[key]:
			t.Fatalf("skifftest: make a lister of %s: two objects are named %s", k.Resource, key)
		}
		names[key] = true
		content, err := toContent(object)
		if err == nil {
			_, err = store.Put(content)
		}
		if err != nil {
			t.Fatalf("skifftest: make a lister of %s: %s: %v", k.Resource, key, err)
		}
	}
	server := faults.Start(t, store, faults.Options{})
	client, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("skifftest: make a lister of %s: %v", k.Resource, err)
	}
	factory := informer.NewFactory(client, informer.Logger(slog.New(slog.DiscardHandler)))
	all := informer.For[T, P](factory)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		cancel()
		factory.Wait()
		client.CloseIdleConnections()
	})
	if err := factory.Start(ctx); err != nil {
		t.Fatalf("skifftest: make a lister of %s: %v", k.Resource, err)
	}
	if err := all.WaitForSync(ctx); err != nil {
		t.Fatalf("skifftest: make a lister of %s: %v", k.Resource, err)
	}
	return all
}
