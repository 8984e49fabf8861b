package replay_test

import (
	"context"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	clientrest "k8s.io/client-go/rest"
	clientcache "k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/skiff-k8s/skiff/bench/internal/replay"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// peer is a client that the bench compares.
type peer struct {
	name     string
	built    bool // for built-in types only
	caches   func(*testing.T, *watched) reader
	settings settings
}

// types are those that controller-runtime has to know.
var types = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, workload.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return s
}()

// settings are the ways in which a client may ask.
type settings struct{ json bool }

// reader returns all that a cache has.
type reader func() []runtime.Object

var peers = []peer{
	{name: "client-go", built: true, caches: typed},
	{name: "client-go in JSON", built: true, caches: typed, settings: settings{json: true}},
	{name: "client-go dynamic", caches: untyped},
	{name: "controller-runtime", caches: controllerRuntime},
	{name: "skiff", caches: skiff},
	{name: "skiff dynamic", caches: skiffDynamic},
}

// watched is a resource of a server, and what a client's handler was told of it.
type watched struct {
	server   *replay.Server
	src      workload.Source
	settings settings

	mu     sync.Mutex
	newest string
	told   chan struct{} // closed when newest changes
}

func watch(server *replay.Server, src workload.Source) *watched {
	return &watched{server: server, src: src, told: make(chan struct{})}
}

func (w *watched) gvr() schema.GroupVersionResource {
	return w.src.Info().GroupVersion().WithResource(w.src.Info().Resource)
}

// tell is the handler: versions have nine digits, so that they compare as text.
func (w *watched) tell(object any) {
	if o, ok := object.(metav1.Object); ok {
		w.tellVersion(o.GetResourceVersion())
	}
}

func (w *watched) tellVersion(version string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if version > w.newest {
		w.newest = version
		close(w.told)
		w.told = make(chan struct{})
	}
}

// await waits until the handler has been told of a version.
func (w *watched) await(t *testing.T, ctx context.Context, version string) {
	t.Helper()
	for {
		w.mu.Lock()
		newest, told := w.newest, w.told
		w.mu.Unlock()
		if newest >= version {
			return
		}
		select {
		case <-told:
		case <-ctx.Done():
			t.Fatalf("the handler was told up to version %q, not %q: %v", newest, version, context.Cause(ctx))
		}
	}
}

func (w *watched) config() *clientrest.Config {
	c := &clientrest.Config{Host: w.server.URL()}
	c.ContentType = runtime.ContentTypeProtobuf
	c.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	if w.settings.json {
		c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, ""
	}
	c.CAData = w.server.CA()
	return c
}

func typed(t *testing.T, w *watched) reader {
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(w.config()), 0)
	i, err := factory.ForResource(w.gvr())
	check(t, err)
	return runInformer(t, w, i.Informer())
}

func untyped(t *testing.T, w *watched) reader {
	w.settings.json = true
	factory := dynamicinformer.NewDynamicSharedInformerFactory(dynamic.NewForConfigOrDie(w.config()), 0)
	return runInformer(t, w, factory.ForResource(w.gvr()).Informer())
}

func runInformer(t *testing.T, w *watched, i clientcache.SharedIndexInformer) reader {
	_, err := i.AddEventHandler(handler(w))
	check(t, err)
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); <-ended })
	go func() { defer close(ended); i.RunWithContext(ctx) }()
	if !clientcache.WaitForCacheSync(ctx.Done(), i.HasSynced) {
		t.Fatal("not synced")
	}
	return func() (all []runtime.Object) {
		for _, o := range i.GetStore().List() {
			all = append(all, o.(runtime.Object))
		}
		return all
	}
}

func handler(w *watched) clientcache.ResourceEventHandler {
	return clientcache.ResourceEventHandlerFuncs{
		AddFunc: w.tell, UpdateFunc: func(_, o any) { w.tell(o) }, DeleteFunc: w.tell,
	}
}

func controllerRuntime(t *testing.T, w *watched) reader {
	config := w.config()
	config.ContentType, config.AcceptContentTypes = "", "" // it chooses itself
	c, err := ctrlcache.New(config, ctrlcache.Options{Scheme: types})
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Start(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	object, err := types.New(w.src.Info().GroupVersionKind)
	check(t, err)
	i, err := c.GetInformer(ctx, object.(ctrlclient.Object))
	check(t, err)
	_, err = i.AddEventHandler(handler(w))
	check(t, err)
	if !c.WaitForCacheSync(ctx) {
		t.Fatal("not synced")
	}
	return func() (all []runtime.Object) {
		list, err := types.New(w.src.Info().GroupVersion().WithKind(w.src.Info().Kind + "List"))
		check(t, err)
		check(t, c.List(ctx, list.(ctrlclient.ObjectList)))
		items, err := extract(list)
		check(t, err)
		return items
	}
}

func skiffFactory(t *testing.T, w *watched) *informer.Factory {
	client, err := rest.NewClient(&rest.Config{Host: w.server.URL(), TLS: rest.TLSConfig{CAData: w.server.CA()}, JSONOnly: w.settings.json})
	check(t, err)
	return informer.NewFactory(client, informer.KeepManagedFields(), informer.OnError(func(err error) { t.Errorf("skiff: %v", err) }))
}

func runSkiff[T any](t *testing.T, w *watched, factory *informer.Factory, i *informer.Informer[T]) reader {
	tell := func(item informer.Item[T]) { w.tellVersion(item.ResourceVersion()) }
	i.AddHandler(informer.Handler[T]{
		OnAdd: tell, OnUpdate: func(_, item informer.Item[T]) { tell(item) }, OnDelete: tell,
	})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); factory.Wait() })
	check(t, factory.Start(ctx))
	check(t, factory.WaitForSync(ctx))
	return func() (all []runtime.Object) {
		list, err := i.Lister().List(informer.Query{})
		check(t, err)
		for _, o := range list {
			all = append(all, any(o).(runtime.Object))
		}
		return all
	}
}

func init() {
	ctrllog.SetLogger(logr.Discard())
	gvk := workload.DatabaseKind
	k := kind.Info{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Resource: "databases", Namespaced: true}
	if err := kind.Register[workload.Database](k); err != nil {
		panic(err)
	}
}

func skiffDynamic(t *testing.T, w *watched) reader {
	info := w.src.Info()
	factory := skiffFactory(t, w)
	k := kind.Info{Group: info.Group, Version: info.Version, Kind: info.Kind, Resource: info.Resource, Namespaced: info.Namespaced, Protobuf: info.Protobuf}
	return runSkiff[unstructured.Unstructured](t, w, factory, informer.ForResource(factory, k))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
