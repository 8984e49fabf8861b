package informer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// restoredWithin is how long after the server is back a cache may be that of before the restore.
const restoredWithin = 2 * time.Minute

// A server whose etcd is restored from a backup is behind the caches. Each cache becomes what the
// server has, its handlers are called for each difference, and a wait for a version that was lost ends
// with a RestoredError (I4). ConfigMaps are read by a watch-list and in pages. For Events the server
// has no watch cache.
func TestALiveRestoreOfEtcd(t *testing.T) {
	ctx := testContext(t)
	folder := t.TempDir()
	start := func() *controlplane.Cluster {
		t.Helper()
		return controlplane.New(t, controlplane.WithData(filepath.Join(folder, "data")), controlplane.WithoutControllerManager())
	}
	stop := func(c *controlplane.Cluster) {
		t.Helper()
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	etcd, backup := filepath.Join(folder, "data", "etcd"), filepath.Join(folder, "backup")

	cluster := start()
	w := &writer{t, ctx, newClient(t, cluster.Config()), "default"}
	for _, name := range []string{"same", "changed", "deleted", "anew"} {
		w.create(configMap(name, "backup"))
		w.create(event(w.namespace, name))
	}

	network, address := new(gate), new(atomic.Pointer[string]) // of the server, whose port may change
	follow := func(c *controlplane.Cluster) {
		t.Helper()
		u, err := url.Parse(c.Config().Host)
		if err != nil {
			t.Fatal(err)
		}
		address.Store(&u.Host)
	}
	follow(cluster)
	connect := func(wrap func(http.RoundTripper) http.RoundTripper) *rest.Client {
		cfg := cluster.Config()
		cfg.Dial = func(ctx context.Context, kind, _ string) (net.Conn, error) {
			return network.dial(ctx, kind, *address.Load())
		}
		cfg.WrapTransport = wrap
		return newClient(t, cfg)
	}
	streamed := connect(nil)
	paged := connect(func(rt http.RoundTripper) http.RoundTripper { return pagesOnly{rt} })
	caches := []*witness{
		newWitness[corev1.ConfigMap](t, ctx, "configmaps by a watch-list", streamed, w.namespace),
		newWitness[corev1.ConfigMap](t, ctx, "configmaps in pages", paged, w.namespace),
		newWitness[corev1.Event](t, ctx, "events", streamed, w.namespace),
		newWitness[corev1.ConfigMap](t, ctx, "configmaps that nobody waits for", streamed, w.namespace),
		newWitness[corev1.Event](t, ctx, "events that nobody waits for", paged, w.namespace),
	}
	awaited := caches[:3] // a wait makes an informer ask the server; the others have to notice themselves

	stop(cluster)
	if err := os.CopyFS(backup, os.DirFS(etcd)); err != nil {
		t.Fatal(err)
	}
	cluster = start()
	follow(cluster)
	w.c = newClient(t, cluster.Config())
	for _, c := range caches {
		c.becomes(ctx, w)
		if c.restores.Load() != 0 {
			t.Errorf("%s: a restart was taken for a restore", c.name)
		}
	}
	for _, name := range []string{"deleted", "anew"} {
		w.remove("configmaps", name)
		w.remove("events", name)
	}
	for _, name := range []string{"anew", "ghost"} {
		w.create(configMap(name, "later"))
		w.create(event(w.namespace, name))
	}
	for i := range 200 { // the restored server must not come to these versions soon
		w.change("configmaps", "changed", fmt.Sprintf(`{"data":{"value":"%d"}}`, i))
	}
	w.change("events", "changed", `{"message":"later"}`)
	for _, c := range caches {
		c.becomes(ctx, w)
		c.before = c.informer.ResourceVersion()
		c.told()
	}
	network.close()
	lost := w.create(configMap("lost", "later"))
	for _, c := range awaited {
		go func() { c.waited <- c.informer.WaitFor(ctx, lost) }()
	}

	stop(cluster)
	if err := errors.Join(os.RemoveAll(etcd), os.Rename(backup, etcd), os.Chmod(etcd, 0o700)); err != nil {
		t.Fatal(err)
	}
	network.open()
	cluster = start()
	back := time.Now()
	follow(cluster)
	w.c = newClient(t, cluster.Config())
	made := []string{w.create(configMap("new", "restored")), w.create(event(w.namespace, "new"))}

	soon, cancel := context.WithDeadline(ctx, back.Add(restoredWithin))
	defer cancel()
	for _, c := range caches {
		c.becomes(soon, w)
		at := c.informer.Status().ResourceVersion
		t.Logf("%s: right %s after the server was back; %s read before, %v written since, %s read now",
			c.name, time.Since(back).Round(time.Millisecond), c.before, made, at)
		if number(t, at) >= number(t, c.before) || at != c.informer.ResourceVersion() {
			t.Errorf("%s: the resourceVersion is %s, and was %s before the restore", c.name, at, c.before)
		}
		for _, version := range made {
			if number(t, version) >= number(t, c.before) {
				t.Errorf("%s: %s, written after the restore, is not below %s", c.name, version, c.before)
			}
		}
		if n := c.restores.Load(); n != 1 {
			t.Errorf("%s: the restore was reported %d times", c.name, n)
		}
		want := []string{"add deleted", "add new", "delete anew, add anew", "delete ghost", "update changed"}
		if told := c.told(); !slices.Equal(told, want) {
			t.Errorf("%s: the handler was told\n%q, want\n%q", c.name, told, want)
		}
	}
	for _, c := range awaited {
		var restored *informer.RestoredError
		switch err := <-c.waited; {
		case !errors.As(err, &restored):
			t.Errorf("%s: the wait for a lost version ended with %v", c.name, err)
		case restored.ResourceVersion != lost || number(t, restored.Restored) >= number(t, c.before):
			t.Errorf("%s: the wait for %s ended with %+v", c.name, lost, restored)
		}
	}
	for _, c := range caches {
		for _, version := range made {
			if err := c.informer.WaitFor(soon, version); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	for _, c := range caches { // a wait that begins after the restore ends like those that began before
		go func() { c.waited <- c.informer.WaitFor(ctx, lost) }()
	}
	for _, c := range caches {
		var restored *informer.RestoredError
		if err := <-c.waited; !errors.As(err, &restored) || restored.ResourceVersion != lost {
			t.Errorf("%s: a wait for a lost version that began after the restore ended with %v", c.name, err)
		}
	}
}

// witness is an informer and what it told its handler and OnError.
type witness struct {
	name     string
	t        *testing.T
	informer informer.Untyped
	differs  func(context.Context, *writer) (string, error) // how cache and handler differ from the server
	told     func() []string                                // the handler's calls since the last call of told, for each object
	before   string                                         // the version before the restore
	waited   chan error                                     // how a WaitFor ended
	restores atomic.Int64                                   // errors that tell of a restore
}

// newWitness starts an informer and waits until it is synced.
func newWitness[T any, P kind.Object[T]](t *testing.T, ctx context.Context, name string, c *rest.Client, namespace string) *witness {
	t.Helper()
	w := &witness{name: name, t: t, waited: make(chan error, 1)}
	factory := informer.NewFactory(c, informer.Namespace(namespace), informer.OnError(func(err error) {
		t.Logf("%s: %v", name, err)
		if strings.Contains(err.Error(), "was restored") {
			w.restores.Add(1)
		}
	}))
	i := informer.For[T, P](factory)
	m := newModel[T](name)
	calls := &journal{calls: map[string][]string{}}
	i.AddHandler(journaled(calls, m.handler()))
	w.informer = i
	w.differs = func(ctx context.Context, w *writer) (string, error) {
		want, versions, err := freshList(ctx, w, i.Kind())
		if err != nil {
			return "", err
		}
		return differs(i, m, want, versions)
	}
	w.told = calls.take
	run(t, ctx, factory)
	return w
}

// becomes waits until the cache has the bytes of a fresh list and the handler knows its objects.
func (c *witness) becomes(ctx context.Context, w *writer) {
	c.t.Helper()
	if _, err := c.is(ctx, w); err != nil {
		c.t.Fatal(err)
	}
}

// is is becomes, and returns when that was.
func (c *witness) is(ctx context.Context, w *writer) (time.Time, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		problem, err := c.differs(ctx, w)
		if problem == "" && err == nil {
			return time.Now(), nil
		}
		select {
		case <-tick.C:
			if err == nil {
				continue
			}
		case <-ctx.Done():
		}
		return time.Time{}, fmt.Errorf("%s: it is not what the server has: %s%w; %+v", c.name, problem,
			errors.Join(err, context.Cause(ctx)), c.informer.Status())
	}
}

// journal is a handler's calls in their order, by the objects' names.
type journal struct {
	mu    sync.Mutex
	calls map[string][]string
}

// journaled returns h so that its calls are noted.
func journaled[T any](j *journal, h informer.Handler[T]) informer.Handler[T] {
	note := func(what string, item informer.Item[T]) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.calls[item.Name()] = append(j.calls[item.Name()], what+" "+item.Name())
	}
	return informer.Handler[T]{
		OnAdd:    func(item informer.Item[T]) { note("add", item); h.OnAdd(item) },
		OnUpdate: func(old, new informer.Item[T]) { note("update", new); h.OnUpdate(old, new) },
		OnDelete: func(last informer.Item[T]) { note("delete", last); h.OnDelete(last) },
	}
}

// take returns the calls since the last take, for each object in their order.
func (j *journal) take() (calls []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.calls {
		calls = append(calls, strings.Join(c, ", "))
	}
	j.calls = map[string][]string{}
	slices.Sort(calls)
	return calls
}

// freshList returns what the server has: by the objects' keys, their bytes, and their uid/version.
func freshList(ctx context.Context, w *writer, k kind.Info) (want, versions map[string]string, err error) {
	want, versions = map[string]string{}, map[string]string{}
	list, err := w.c.Get().Namespace(w.namespace).Resource(k.Resource).Format(wire.Protobuf).
		List(ctx, wire.Options{APIVersion: "v1", Kind: k.Kind})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = list.Close() }()
	for {
		o, err := list.Next()
		if err == io.EOF {
			return want, versions, nil
		}
		if err != nil {
			return nil, nil, err
		}
		key := o.Meta.Key()
		want[key], versions[key] = string(o.Data), o.Meta.UID+"/"+o.Meta.ResourceVersion
	}
}

// differs returns how a cache and what a handler knows differ from a fresh list; "" if they do not.
func differs[T any](i *informer.Informer[T], m *model[T], want, versions map[string]string) (string, error) {
	n := 0
	for item, err := range i.Lister().Items(informer.Query{}) {
		if err != nil {
			return "", err
		}
		o, err := item.Wire()
		if err != nil {
			return "", err
		}
		n++
		if data, ok := want[item.Key()]; !ok || data != string(o.Data) {
			return fmt.Sprintf("the server has %s as %q (%t), the cache as %q", item.Key(), data, ok, o.Data), nil
		}
	}
	if n != len(want) {
		return fmt.Sprintf("the server has %d objects, the cache %d", len(want), n), nil
	}
	return m.differs(versions), nil
}

// writer writes objects to a namespace.
type writer struct {
	t         *testing.T
	ctx       context.Context
	c         *rest.Client
	namespace string
}

func (w *writer) create(object any) (version string) {
	w.t.Helper()
	resource := "configmaps"
	if _, ok := object.(*corev1.Event); ok {
		resource = "events"
	}
	data, err := w.c.Post().Namespace(w.namespace).Resource(resource).Format(wire.JSON).Body(object).DoRaw(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	written, err := wire.ReadObject(data, wire.JSON, wire.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return written.Meta.ResourceVersion
}

func (w *writer) change(resource, name, patch string) {
	w.t.Helper()
	if err := w.c.Patch(types.MergePatchType).Namespace(w.namespace).Resource(resource).Name(name).
		Body([]byte(patch)).Do(w.ctx).Error(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *writer) remove(resource, name string) {
	w.t.Helper()
	if err := w.c.Delete().Namespace(w.namespace).Resource(resource).Name(name).Do(w.ctx).Error(); err != nil {
		w.t.Fatal(err)
	}
}

func event(namespace, name string) *corev1.Event {
	e := &corev1.Event{
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: namespace, Name: name},
		Reason:         "Tested",
	}
	e.APIVersion, e.Kind, e.Name = "v1", "Event", name
	return e
}

func number(t *testing.T, version string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
