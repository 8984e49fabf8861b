package informer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// Which names make one informer, which another, and which none.
func TestWhichNamespaces(t *testing.T) {
	f := informer.NewFactory(nil, informer.Logger(slog.New(slog.DiscardHandler)), informer.Namespaces("x", "y"))
	of := func(names ...string) string {
		return informer.For[corev1.ConfigMap](f, informer.Namespaces(names...)).String()
	}
	of("a", "b")
	of("b", "a", "b")
	informer.For[corev1.ConfigMap](f, informer.Namespace("c"), informer.Namespaces("a", "b"))
	if n := len(f.Informers()); n != 1 {
		t.Errorf("the same names make %d informers", n)
	}
	of("c")
	of("c", "c")
	informer.For[corev1.ConfigMap](f, informer.Namespace("c"))
	informer.For[corev1.ConfigMap](f, informer.Namespaces("a", "b"), informer.Namespace("c"))
	if n := len(f.Informers()); n != 2 {
		t.Errorf("one name, and the same as Namespace, make %d informers", n-1)
	}
	if got, want := of("a", "b"), `configmaps in namespace "a", "b"`; got != want {
		t.Errorf("it is called %s, not %s", got, want)
	}
	if got, want := informer.For[corev1.ConfigMap](f).Namespace(), "x,y"; got != want {
		t.Errorf("the factory's namespaces are %s, not %s", got, want)
	}
	if got := informer.For[corev1.Node](f); got.Namespace() != "" || got.Err() != nil {
		t.Errorf("Nodes are of namespace %q (%v)", got.Namespace(), got.Err())
	}
	for _, names := range [][]string{nil, {}, {""}, {"a", ""}, {"a,b"}, {"a b"}, {"a", "b/c"}} {
		i := informer.For[corev1.ConfigMap](f, informer.Namespaces(names...))
		var misuse *kind.MisuseError
		if err := i.Err(); !errors.As(err, &misuse) || !strings.Contains(err.Error(), "leave the option out") {
			t.Errorf("Namespaces(%q): %v", names, err)
		}
	}
	if err := informer.For[corev1.Node](f, informer.Namespaces("a", "b")).Err(); err == nil || !strings.Contains(err.Error(), "cluster-scoped") {
		t.Errorf("Nodes in two namespaces: %v", err)
	}
	if err := informer.For[corev1.ConfigMap](f, informer.Namespaces(), informer.Namespace("c")).Err(); err != nil {
		t.Errorf("Namespace after an empty list of namespaces: %v", err)
	}
}

// town is an informer of the namespaces a and b of a server in memory.
type town struct {
	store   *faults.Store
	layer   *faults.Layer
	factory *informer.Factory
	maps    *informer.Informer[corev1.ConfigMap]
	told    *model[corev1.ConfigMap]
	start   func()
}

// put writes a ConfigMap and returns its version.
func (s *town) put(t *testing.T, key, value string) string {
	namespace, name, _ := strings.Cut(key, "/")
	version, err := s.store.Put(fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":%q,"name":%q},"data":{"v":%q}}`, namespace, name, value))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// forbid makes requests of a namespace fail.
func (s *town) forbid(namespace string) {
	s.layer.SetRules(faults.Rule{Path: "/api/v1/namespaces/" + namespace + "/", Do: faults.Status(403)})
}

// knows wants the handler to know some keys.
func (s *town) knows(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	got := strings.Join(slices.Sorted(maps.Keys(s.told.known)), " ")
	if got != want || len(s.told.breaches) > 0 {
		t.Errorf("the handler knows %q, not %q (%v)", got, want, s.told.breaches)
	}
}

// reads wants the cache to have some keys of a namespace.
func (s *town) reads(t *testing.T, namespace, want string) {
	t.Helper()
	var keys []string
	for item, err := range s.maps.Lister().Items(informer.Query{Namespace: namespace}) {
		if err != nil {
			t.Errorf("read namespace %q: %v", namespace, err)
		}
		keys = append(keys, item.Key())
	}
	slices.Sort(keys)
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("the cache has %q of namespace %q, not %q", got, namespace, want)
	}
}

func inTown(t *testing.T, test func(t *testing.T, s *town)) {
	synctest.Test(t, func(t *testing.T) {
		s := &town{store: faults.NewStore(), told: newModel[corev1.ConfigMap]("handler")}
		s.layer = faults.NewLayer(s.store)
		server := faults.Start(t, s.layer, faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, Logger: slog.New(slog.DiscardHandler), JSONOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		s.factory = informer.NewFactory(c, informer.Namespaces("a", "b"))
		s.maps = informer.For[corev1.ConfigMap](s.factory)
		s.maps.AddHandler(s.told.handler())
		ctx, cancel := context.WithCancel(t.Context())
		defer s.factory.Wait()
		defer cancel()
		for _, key := range []string{"a/1", "a/2", "b/1", "c/1"} {
			s.put(t, key, "")
		}
		s.start = func() {
			if err := s.factory.Start(ctx); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		test(t, s)
	})
}

// Two streams fill one cache, and there is one set of handlers. Versions are those of the streams.
func TestNamespaces(t *testing.T) {
	inTown(t, func(t *testing.T, s *town) {
		s.start()
		s.knows(t, "a/1 a/2 b/1")
		for namespace, want := range map[string]string{"": "a/1 a/2 b/1", "a": "a/1 a/2", "b": "b/1"} {
			s.reads(t, namespace, want)
		}
		var misuse *kind.MisuseError
		if _, err := s.maps.Lister().Get("c", "1"); !errors.As(err, &misuse) || !strings.Contains(err.Error(), `caches namespace "a", "b" only`) {
			t.Errorf("reading another namespace: %v", err)
		}
		if err := s.maps.In("c").WaitFor(t.Context(), "1"); !errors.As(err, &misuse) || s.maps.In("c").Contains("1") || s.maps.In("c").ResourceVersion() != "" {
			t.Errorf("waiting for another namespace: %v", err)
		}
		status := s.maps.Status()
		if status.State != "watching" || !status.Synced || status.Lists != 2 || status.Watches != 2 || status.Objects != 3 || len(status.Namespaces) != 2 ||
			status.Namespaces["a"].State != "watching" || !status.Namespaces["b"].Synced {
			t.Errorf("the status is %+v", status)
		}

		// A write in a is seen by a's stream; b's has to be asked for it.
		var progress, ofA []string
		defer s.maps.OnProgress(func(version string) { progress = append(progress, version) })()
		defer s.maps.In("a").OnProgress(func(version string) { ofA = append(ofA, version) })()
		s.maps.In("c").OnProgress(func(string) { t.Error("a stream that is not there has progress") })()
		before := s.maps.ResourceVersion()
		version := s.put(t, "a/3", "")
		synctest.Wait()
		if !s.maps.In("a").Contains(version) || s.maps.In("b").Contains(version) || s.maps.Contains(version) || s.maps.ResourceVersion() != before || s.maps.In("a").ResourceVersion() != version {
			t.Errorf("after the event of %s in a, the cache is at %s, a at %s, b at %s", version, s.maps.ResourceVersion(), s.maps.In("a").ResourceVersion(), s.maps.In("b").ResourceVersion())
		}
		began := time.Now()
		if err := s.maps.In("a").WaitFor(t.Context(), version); err != nil || time.Since(began) > 0 {
			t.Errorf("waiting for a's stream took %s: %v", time.Since(began), err)
		}
		if err := s.maps.WaitFor(t.Context(), version); err != nil || !s.maps.Contains(version) || s.maps.ResourceVersion() != version {
			t.Errorf("waiting for all streams: %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("waiting for all streams took %s", took)
		}
		synctest.Wait()
		if got := fmt.Sprint(progress, ofA); got != fmt.Sprintf("[%s %s] [%s]", before, version, version) {
			t.Errorf("OnProgress was called with %s", got)
		}
		s.knows(t, "a/1 a/2 a/3 b/1")

		// A list of one namespace leaves the objects of the other.
		lists := s.maps.Status().Lists
		s.forbid("b")
		s.store.Restart()
		synctest.Wait() // the streams pause
		s.store.Remove(maps1, "a", "1")
		s.store.Compact()
		time.Sleep(20 * time.Second)
		s.knows(t, "a/2 a/3 b/1")
		s.reads(t, "", "a/2 a/3 b/1")
		if status := s.maps.Status(); status.Lists == lists || status.Namespaces["b"].Failures == 0 || status.Namespaces["a"].Failures > 0 {
			t.Errorf("the status is %+v", status)
		}
	})
}

// A namespace that is forbidden has an error of its own. The others go on, and its objects come when
// it is allowed.
func TestANamespaceThatIsForbidden(t *testing.T) {
	inTown(t, func(t *testing.T, s *town) {
		s.forbid("b")
		reg := s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{})
		s.start()
		s.knows(t, "a/1 a/2")
		s.reads(t, "a", "a/1 a/2")
		s.put(t, "a/3", "")
		s.knows(t, "a/1 a/2 a/3")
		late := newModel[corev1.ConfigMap]("late")
		s.maps.AddHandler(late.handler(), informer.Resync(time.Minute))
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if got := late.count("add"); got != 3 || late.count("update") != 3 {
			t.Errorf("a handler that is added now gets %d objects, and %d in a resync", got, late.count("update"))
		}

		var unsynced *informer.NotSyncedError
		for what, read := range map[string]func() error{
			"Get of b":    func() error { _, err := s.maps.Lister().Get("b", "1"); return err },
			"List of b":   func() error { _, err := s.maps.Lister().List(informer.Query{Namespace: "b"}); return err },
			"List of all": func() error { _, err := s.maps.Lister().List(informer.Query{}); return err },
			"Len of all":  func() error { _, err := s.maps.Lister().Len(informer.Query{}); return err },
			"index of all": func() error {
				_, err := s.maps.Lister().List(informer.Query{Index: informer.NamespaceIndex, Value: "a"})
				return err
			},
		} {
			if err := read(); !errors.As(err, &unsynced) || !strings.Contains(err.Error(), `in namespace "b": not synced`) || !strings.Contains(err.Error(), "403") && !strings.Contains(err.Error(), "orbidden") {
				t.Errorf("%s: %v", what, err)
			}
		}
		if s.maps.HasSynced() || reg.HasSynced() || s.maps.Status().Synced || s.maps.Contains("1") {
			t.Error("synced without a namespace")
		}
		status := s.maps.Status()
		a, b := status.Namespaces["a"], status.Namespaces["b"]
		if a.State != "watching" || a.LastError != nil || !a.Synced || b.LastError == nil || b.Synced || b.Failures == 0 || b.FailingSince.IsZero() || !a.FailingSince.IsZero() ||
			!status.FailingSince.Equal(b.FailingSince) || b.ResourceVersion != "" ||
			status.State != b.State || status.LastError != b.LastError || status.Failures != b.Failures || status.ResourceVersion != "" {
			t.Errorf("the status is %+v", status)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for what, err := range map[string]error{"informer": s.maps.WaitForSync(ctx), "factory": s.factory.WaitForSync(ctx)} {
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `configmaps in namespace "b": waiting for its initial list`) || strings.Contains(err.Error(), `namespace "a"`) {
				t.Errorf("%s: %v", what, err)
			}
		}

		s.layer.SetRules()
		if err := s.maps.WaitForSync(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.knows(t, "a/1 a/2 a/3 b/1")
		if !reg.HasSynced() || late.count("add") != 4 {
			t.Errorf("the handlers are synced: %v; the late one got %d objects", reg.HasSynced(), late.count("add"))
		}
		s.reads(t, "", "a/1 a/2 a/3 b/1")

		// Forbidden again: what was cached stays, and the other goes on.
		s.forbid("b")
		s.store.EndWatches()
		time.Sleep(time.Minute)
		s.put(t, "a/4", "")
		s.store.Remove(maps1, "b", "1")
		s.knows(t, "a/1 a/2 a/3 a/4 b/1")
		s.reads(t, "", "a/1 a/2 a/3 a/4 b/1")
		s.layer.SetRules()
		time.Sleep(2 * time.Minute)
		s.knows(t, "a/1 a/2 a/3 a/4")
	})
}

// An object of another namespace than the stream's is an error: no list would ever remove it.
func TestAnObjectOfAnotherNamespace(t *testing.T) {
	inTown(t, func(t *testing.T, s *town) {
		s.layer.SetRules(faults.Rule{Path: "/api/v1/namespaces/b/", Do: faults.EditObjects("moved", func(o map[string]any) {
			o["metadata"].(map[string]any)["namespace"] = "a"
			o["metadata"].(map[string]any)["name"] = "moved"
		})})
		s.start()
		time.Sleep(5 * time.Second)
		s.knows(t, "a/1 a/2")
		if err := s.maps.Status().Namespaces["b"].LastError; err == nil || !strings.Contains(err.Error(), "an object of another namespace: a/moved") {
			t.Errorf("the error is %v", err)
		}
		s.layer.SetRules()
		if err := s.maps.WaitForSync(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.knows(t, "a/1 a/2 b/1")
	})
}

// On a real server, with the rights of one namespace: what the issue of a RoleBinding changes.
func TestNamespacesOnARealServer(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.Start(t)
	admin := newClient(t, cluster.Config())
	a, b := cluster.Namespace(t), cluster.Namespace(t)
	user := "reader-of-" + a
	allow := func(namespace string) {
		for resource, body := range map[string]string{
			"roles":        `{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"reader"},"rules":[{"apiGroups":[""],"resources":["configmaps","pods"],"verbs":["get","list","watch"]}]}`,
			"rolebindings": `{"kind":"RoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"reader"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"reader"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"` + user + `"}]}`,
		} {
			err := admin.Post().GroupVersion(schema.GroupVersion{Group: "rbac.authorization.k8s.io", Version: "v1"}).Namespace(namespace).Resource(resource).Body([]byte(body)).Do(ctx).Error()
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	allow(a)
	cfg := cluster.Config()
	cfg.Impersonate = rest.Impersonation{User: user}
	c := newClient(t, cfg)
	writer := client.Of[corev1.ConfigMap](admin)
	write := func(namespace, name, value string) *corev1.ConfigMap {
		cm := configMap(name, value)
		cm.Namespace = namespace
		written, err := writer.In(namespace).Create(ctx, cm, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return written
	}
	write(a, "first", "1")
	write(b, "first", "1")

	factory := informer.NewFactory(c, informer.Namespaces(a, b), informer.Logger(slog.New(slog.DiscardHandler)))
	told := newModel[corev1.ConfigMap]("handler")
	plain := informer.For[corev1.ConfigMap](factory)
	plain.AddHandler(told.handler())
	selected := informer.For[corev1.ConfigMap](factory, informer.FieldSelector("metadata.name=first"), informer.Transform(func(m *corev1.ConfigMap) bool {
		m.Data = nil
		return true
	}))
	pods := informer.For[corev1.Pod](factory)
	metadata := informer.Metadata(factory, plain.Kind())
	if err := plain.AddFieldIndex("value", "data['value']"); err != nil {
		t.Fatal(err)
	}
	runCtx, cancel := context.WithCancel(ctx)
	t.Cleanup(func() {
		cancel()
		factory.Wait()
	})
	if err := factory.Start(runCtx); err != nil {
		t.Fatal(err)
	}
	for plain.Status().Namespaces[b].LastError == nil || !plain.Status().Namespaces[a].Synced {
		if ctx.Err() != nil {
			t.Fatalf("the status is %+v", plain.Status())
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := plain.Lister().Get(a, "first"); err != nil {
		t.Errorf("reading %s while %s is forbidden: %v", a, b, err)
	}
	if err := plain.Status().Namespaces[b].LastError; !strings.Contains(err.Error(), "is forbidden") || !strings.Contains(err.Error(), b) {
		t.Errorf("the error of %s is %v", b, err)
	}
	short, done := context.WithTimeout(ctx, time.Second)
	err := factory.WaitForSync(short)
	done()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in namespace %q", b)) {
		t.Errorf("WaitForSync: %v", err)
	}

	allow(b)
	if err := factory.WaitForSync(ctx); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, namespace := range []string{a, b} {
		for i := range 20 {
			written := write(namespace, fmt.Sprint("more-", i), fmt.Sprint(i))
			if err := plain.In(namespace).WaitFor(ctx, written.ResourceVersion); err != nil {
				t.Fatal(err)
			}
			got, err := plain.Lister().Get(namespace, written.Name)
			if err != nil || got.ResourceVersion != written.ResourceVersion {
				t.Fatalf("after its write, the cache has %v (%v)", got, err)
			}
		}
	}
	for namespace, name := range map[string]string{a: "more-0", b: "more-1"} {
		if err := writer.In(namespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var list corev1.ConfigMapList
	for _, namespace := range []string{a, b} {
		if err := admin.Get().Namespace(namespace).Resource("configmaps").Do(ctx).Into(&list); err != nil {
			t.Fatal(err)
		}
		for _, m := range list.Items {
			want[m.Namespace+"/"+m.Name] = string(m.UID) + "/" + m.ResourceVersion
		}
	}
	for _, i := range []informer.Untyped{plain, selected, pods, metadata} {
		if err := i.WaitFor(ctx, list.ResourceVersion); err != nil {
			t.Fatal(err)
		}
	}
	told.waitFor(t, ctx, want)
	for what, c := range map[string]struct{ got, want int }{
		"all":      {length(plain, informer.Query{}), len(want)},
		"of b":     {length(plain, informer.Query{Namespace: b}), len(want) / 2},
		"indexed":  {length(plain, informer.Query{Index: "value", Value: "7"}), 2},
		"both":     {length(plain, informer.Query{Index: "value", Value: "7", Namespace: a}), 1},
		"selected": {length(selected, informer.Query{}), 2},
		"pods":     {length(pods, informer.Query{}), 0},
		"metadata": {length(metadata, informer.Query{}), len(want)},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d objects, not %d", what, c.got, c.want)
		}
	}
	if m, err := selected.Lister().Get(b, "first"); err != nil || m.Data != nil {
		t.Errorf("transformed is %v (%v)", m, err)
	}
}

func length[T any](i *informer.Informer[T], q informer.Query) int {
	n, err := i.Lister().Len(q)
	if err != nil {
		return -1
	}
	return n
}
