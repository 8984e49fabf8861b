package informer_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// persistent does a write until it is done, whatever becomes of the server meanwhile. done are the
// answers that say that it is.
func persistent(t *testing.T, ctx context.Context, write func() error, done ...func(error) bool) {
	for {
		err := write()
		if err == nil {
			return
		}
		for _, d := range done {
			if d(err) {
				return
			}
		}
		if ctx.Err() != nil {
			t.Errorf("a write was never done: %v", err)
			return
		}
	}
}

// compare compares what is cached with a fresh list, object by object.
func compare(t *testing.T, ctx context.Context, c *rest.Client, namespace string, pods *informer.Informer[corev1.Pod]) map[string]string {
	t.Helper()
	var list corev1.PodList
	if err := c.Get().Namespace(namespace).Resource("pods").Do(ctx).Into(&list); err != nil {
		t.Fatal(err)
	}
	if err := pods.WaitFor(ctx, list.ResourceVersion); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for i := range list.Items {
		p := &list.Items[i]
		p.ManagedFields = nil
		p.APIVersion, p.Kind = "v1", "Pod"
		want[p.Namespace+"/"+p.Name] = string(p.UID) + "/" + p.ResourceVersion
		cached, err := pods.Lister().Get(namespace, p.Name)
		switch {
		case err != nil:
			t.Errorf("%s: %v", p.Name, err)
		case !reflect.DeepEqual(cached, p):
			t.Errorf("%s differs:\ncached %+v\nserver %+v", p.Name, cached, p)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if n, err := pods.Lister().Len(informer.Query{Namespace: namespace}); n != len(list.Items) {
		t.Errorf("%d pods are cached (%v), the server has %d", n, err, len(list.Items))
	}
	return want
}

// A pod informer over 5,000 pods holds exactly what the server holds, after creates, updates and
// deletes and a restart of the API server among them; so does what its handlers were told.
func TestFiveThousandPodsThroughARestart(t *testing.T) {
	for _, way := range []struct{ name, flag string }{
		{"watch-list", "--feature-gates=WatchList=true"},
		{"paged", "--feature-gates=WatchList=false"},
	} {
		t.Run(way.name, func(t *testing.T) {
			ctx := testContext(t)
			cluster := controlplane.New(t, controlplane.WithAPIServerArgs(way.flag))
			c := newClient(t, cluster.Config())
			churn(t, ctx, cluster, c, 5000)
		})
	}
}

func churn(t *testing.T, ctx context.Context, cluster *controlplane.Cluster, c *rest.Client, n int) {
	namespace := cluster.Namespace(t)
	create := func(name string) {
		persistent(t, ctx, func() error {
			return c.Post().Namespace(namespace).Resource("pods").Body(pod(name)).Do(ctx).Error()
		}, apierrors.IsAlreadyExists)
	}
	change := func(name, value string) {
		patch := []byte(fmt.Sprintf(`{"metadata":{"labels":{"step":%q}}}`, value))
		persistent(t, ctx, func() error {
			return c.Patch(types.MergePatchType).Namespace(namespace).Resource("pods").Name(name).Body(patch).Do(ctx).Error()
		})
	}
	remove := func(name string) {
		persistent(t, ctx, func() error {
			return c.Delete().Namespace(namespace).Resource("pods").Name(name).Do(ctx).Error()
		}, apierrors.IsNotFound)
	}
	name := func(i int) string { return fmt.Sprintf("pod-%04d", i) }

	parallel(n/2, func(i int) { create(name(i)) }) // half of them are there before
	quick, slow := newModel[corev1.Pod]("handler"), newModel[corev1.Pod]("handler with resync")
	factory := informer.NewFactory(c, informer.OnError(func(err error) { t.Log(err) }))
	pods := informer.For[corev1.Pod](factory)
	pods.AddHandler(quick.handler())
	pods.AddHandler(slow.handler(), informer.Resync(testResync))
	run(t, ctx, factory)
	parallel(n-n/2, func(i int) { create(name(n/2 + i)) })
	if t.Failed() {
		t.FailNow()
	}

	restarted := make(chan error, 1)
	go func() { restarted <- cluster.RestartAPIServer(ctx) }()
	parallel(n, func(i int) {
		switch i % 10 {
		case 0, 1:
			change(name(i), "one")
		case 2:
			remove(name(i))
		case 3:
			remove(name(i))
			create(name(i))
		case 4:
			create(fmt.Sprintf("late-%04d", i))
		}
	})
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	parallel(n/10, func(i int) { change(name(i*10), "two") })

	want := compare(t, ctx, c, namespace, pods)
	if len(want) != n {
		t.Errorf("the server has %d pods, not %d", len(want), n)
	}
	late := newModel[corev1.Pod]("late handler")
	<-pods.AddHandler(late.handler()).Synced()
	for _, m := range []*model[corev1.Pod]{quick, slow, late} {
		m.waitFor(t, ctx, want)
	}
	t.Logf("%+v, handler %v, late %v", pods.Status(), quick.counts, late.counts)
}

// WaitFor comes back within seconds for a version that no event of the resource will ever bring.
func TestWaitForOnAnIdleResource(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.Start(t)
	c := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	factory := informer.NewFactory(c)
	jobs := informer.ForResource(factory, mustKind(t, "batch", "v1", "Job"), informer.Namespace(namespace))
	run(t, ctx, factory)

	var written corev1.ConfigMap
	if err := c.Post().Namespace(namespace).Resource("configmaps").Body(configMap("other", "x")).Do(ctx).Into(&written); err != nil {
		t.Fatal(err)
	}
	if jobs.Contains(written.ResourceVersion) {
		t.Fatalf("an informer at %s already contains %s", jobs.ResourceVersion(), written.ResourceVersion)
	}
	soon, cancel := context.WithTimeout(ctx, soonEnough)
	defer cancel()
	if err := jobs.WaitFor(soon, written.ResourceVersion); err != nil {
		t.Fatal(err)
	}
}

// What a writer is told its write's version is, WaitFor waits for, and the lister then has it.
func TestReadYourWrites(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.Start(t)
	c := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	factory := informer.NewFactory(c)
	maps := informer.For[corev1.ConfigMap](factory, informer.Namespace(namespace))
	run(t, ctx, factory)
	var written corev1.ConfigMap
	if err := c.Post().Namespace(namespace).Resource("configmaps").Body(configMap("mine", "0")).Do(ctx).Into(&written); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		value := fmt.Sprint(i)
		if err := c.Patch(types.MergePatchType).Namespace(namespace).Resource("configmaps").Name("mine").
			Body([]byte(`{"data":{"value":"` + value + `"}}`)).Do(ctx).Into(&written); err != nil {
			t.Fatal(err)
		}
		if err := maps.WaitFor(ctx, written.ResourceVersion); err != nil {
			t.Fatal(err)
		}
		if !maps.Contains(written.ResourceVersion) {
			t.Fatal("WaitFor returned, but the version is not contained")
		}
		cached, err := maps.Lister().Get(namespace, "mine")
		if err != nil || cached.Data["value"] != value {
			t.Fatalf("after its write %s, the cache has %v (%v)", value, cached, err)
		}
	}
}

// An error of WaitForSync names the informer and what the server said.
func TestWaitForSyncSaysWhatIsWrong(t *testing.T) {
	ctx, cancel := context.WithTimeout(testContext(t), soonEnough)
	defer cancel()
	c := newClient(t, controlplane.Start(t).Config())
	factory := informer.NewFactory(c, informer.OnError(func(error) { cancel() }))
	informer.ForResource(factory, kindOfNothing())
	if err := factory.Start(ctx); err != nil {
		t.Fatal(err)
	}
	err := factory.WaitForSync(ctx)
	if !errors.Is(err, context.Canceled) || !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "nothings.example.com") {
		t.Errorf("the error does not say it: %v", err)
	}
	factory.Wait()
}
