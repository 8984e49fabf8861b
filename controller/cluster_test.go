package controller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// These tests run controllers on the real control plane. ConfigMaps are what they
// are for, Secrets what those own: nobody else has opinions about either.

// lab is a namespace on the control plane.
type lab struct {
	t          *testing.T
	ctx        context.Context
	rest       *rest.Client
	factory    *informer.Factory // of the namespace
	namespace  string
	configMaps *client.Client[corev1.ConfigMap]
	secrets    *client.Client[corev1.Secret]
}

func newLab(t *testing.T) *lab {
	t.Helper()
	cluster := controlplane.Start(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	l := &lab{t: t, ctx: ctx, rest: c, namespace: cluster.Namespace(t)}
	l.factory = informer.NewFactory(c, informer.Namespace(l.namespace))
	l.configMaps = client.Of[corev1.ConfigMap](c).In(l.namespace)
	l.secrets = client.Of[corev1.Secret](c).In(l.namespace)
	return l
}

func (l *lab) configMapInformer(opts ...informer.Option) *informer.Informer[corev1.ConfigMap] {
	return informer.For[corev1.ConfigMap](l.factory, opts...)
}

func (l *lab) secretInformer(opts ...informer.Option) *informer.Informer[corev1.Secret] {
	return informer.For[corev1.Secret](l.factory, opts...)
}

// run runs the controllers and the lab's factory until the test ends, or stop is called.
func (l *lab) run(controllers ...*Controller) (stop func()) {
	ctx, cancel := context.WithCancel(l.ctx)
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, l.factory, controllers...) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Errorf("Run: %v", err)
		}
	})
	l.t.Cleanup(stop)
	return stop
}

func (l *lab) configMap(name string, change ...func(*corev1.ConfigMap)) *corev1.ConfigMap {
	l.t.Helper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, f := range change {
		f(cm)
	}
	made, err := l.configMaps.Create(l.ctx, cm, metav1.CreateOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return made
}

func (l *lab) touch(name, value string) *corev1.ConfigMap {
	l.t.Helper()
	cm, err := l.configMaps.Patch(l.ctx, name, types.MergePatchType,
		fmt.Appendf(nil, `{"data":{"touched":%q}}`, value), metav1.PatchOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return cm
}

func (l *lab) annotate(name, key, value string) {
	l.t.Helper()
	_, err := l.configMaps.Patch(l.ctx, name, types.MergePatchType,
		fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%s}}}`, key, value), metav1.PatchOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
}

// keys is a Reconcile that notes its keys, for a test to wait for.
type keys struct {
	l  *lab
	ch chan Key
}

func (l *lab) keys() *keys { return &keys{l: l, ch: make(chan Key, 1000)} }

func (k *keys) reconcile(_ context.Context, key Key) (Result, error) {
	if key.Name != rootCA {
		k.ch <- key
	}
	return Result{}, nil
}

// rootCA is a ConfigMap that kube-controller-manager puts into each namespace, some time.
const rootCA = "kube-root-ca.crt"

// until waits for a reconcile of the named key, and returns the names of those
// that came before it.
func (k *keys) until(name string) (before []string) {
	k.l.t.Helper()
	for {
		select {
		case key := <-k.ch:
			if key.Namespace != k.l.namespace {
				k.l.t.Errorf("reconciled %s of another namespace", key)
			}
			if key.Name == name {
				return before
			}
			before = append(before, key.Name)
		case <-k.l.ctx.Done():
			k.l.t.Fatalf("%s is not reconciled; %v were", name, before)
		}
	}
}

func (k *keys) none(before []string) {
	k.l.t.Helper()
	if len(before) > 0 {
		k.l.t.Errorf("reconciled %v too", before)
	}
}

func TestForReconcilesWhatExistsAndEveryChange(t *testing.T) {
	l := newLab(t)
	l.configMap("before")
	k := l.keys()
	c := New("test", k.reconcile, For(l.configMapInformer()))
	l.run(c)
	k.until("before")
	l.configMap("after")
	k.until("after")
	l.touch("before", "1")
	k.until("before")
	if err := l.configMaps.Delete(l.ctx, "before", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	k.until("before")

	if err := c.Run(l.ctx); err == nil || !strings.Contains(err.Error(), "run before") {
		t.Errorf("a second Run: %v", err)
	}
}

func TestOwnsReconcilesTheControllerOwner(t *testing.T) {
	l := newLab(t)
	owner := l.configMap("owner")
	k := l.keys()
	l.run(New("test", k.reconcile, For(l.configMapInformer()), Owns(l.secretInformer())))
	k.until("owner")

	yes := true
	ref := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: owner.UID, Controller: &yes}
	secret := func(name string, refs ...metav1.OwnerReference) {
		t.Helper()
		_, err := l.secrets.Create(l.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: refs}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	secret("nobodys")
	notController := ref
	notController.Controller = nil
	secret("not-controlled", notController)
	otherKind := ref
	otherKind.APIVersion, otherKind.Kind, otherKind.UID = "apps/v1", "Deployment", "x"
	secret("another-kinds", otherKind)
	otherGroup := ref
	otherGroup.APIVersion, otherGroup.UID = "example.com/v1", "x"
	secret("another-groups", otherGroup)
	secret("owned", ref)
	k.none(k.until("owner"))

	if err := l.secrets.Delete(l.ctx, "owned", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	k.none(k.until("owner"))
	l.configMap("last")
	k.none(k.until("last"))
}

func TestWatchesReconcilesWhatItsFunctionSays(t *testing.T) {
	l := newLab(t)
	k := l.keys()
	refers := func(secret informer.Item[corev1.Secret]) []Key {
		to, ok := secret.Annotation("for")
		if !ok {
			return nil
		}
		return []Key{{Namespace: secret.Namespace(), Name: to}}
	}
	l.run(New("test", k.reconcile, For(l.configMapInformer()), Watches(l.secretInformer(), refers)))
	annotated := func(to string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Annotations: map[string]string{"for": to}}}
	}
	if _, err := l.secrets.Create(l.ctx, annotated("a"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	k.none(k.until("a"))
	// The one that it referred to, and the one that it refers to.
	if _, err := l.secrets.Update(l.ctx, annotated("b"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	k.until("a")
	k.until("b")
}

// An object that leaves what Where names is noticed; what was never in it is not.
func TestWhereAndWhenOnAServer(t *testing.T) {
	l := newLab(t)
	k := l.keys()
	on := func(cm informer.Item[corev1.ConfigMap]) bool {
		value, _ := cm.Annotation("on")
		return value == "true"
	}
	l.run(New("test", k.reconcile, For(l.configMapInformer()).Where(on).When(LabelChanged("l"))))

	l.configMap("never")
	l.touch("never", "1")
	l.configMap("a", func(cm *corev1.ConfigMap) { cm.Annotations = map[string]string{"on": "true"} })
	k.none(k.until("a"))

	l.touch("a", "data, which does not matter")
	l.annotate("a", "on", "null")
	k.none(k.until("a")) // it left
	l.touch("a", "not in it any more")
	l.annotate("a", "on", `"true"`)
	k.none(k.until("a")) // it came

	if _, err := l.configMaps.Patch(l.ctx, "a", types.MergePatchType, []byte(`{"metadata":{"labels":{"l":"1"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	k.none(k.until("a")) // what matters changed
	if err := l.configMaps.Delete(l.ctx, "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	k.none(k.until("a"))
	l.configMap("last", func(cm *corev1.ConfigMap) { cm.Annotations = map[string]string{"on": "true"} })
	k.none(k.until("last"))
}

func TestResourceWithoutAGoType(t *testing.T) {
	l := newLab(t)
	configMaps, err := kind.Of[corev1.ConfigMap]()
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := kind.Of[corev1.Secret]()
	if err != nil {
		t.Fatal(err)
	}
	k := l.keys()
	l.run(New("test", k.reconcile, For(informer.ForResource(l.factory, configMaps)), Owns(informer.ForResource(l.factory, secrets)),
		Watches(informer.ForResource(l.factory, secrets), func(informer.Item[unstructured.Unstructured]) []Key {
			return []Key{{Namespace: l.namespace, Name: "watching"}}
		})))
	owner := l.configMap("owner")
	k.until("owner")
	yes := true
	_, err = l.secrets.Create(l.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: owner.UID, Controller: &yes}}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for !seen["owner"] || !seen["watching"] {
		select {
		case key := <-k.ch:
			seen[key.Name] = true
		case <-l.ctx.Done():
			t.Fatalf("only %v are reconciled", seen)
		}
	}
}

// gate lets what a watch of Secrets sends through, or holds it up.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // guarded by mu; closed while the gate is open
}

func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if open {
		close(g.open)
	} else {
		g.open = make(chan struct{})
	}
}

func (g *gate) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil && strings.HasSuffix(req.URL.Path, "/secrets") && req.URL.Query().Has("watch") {
			resp.Body = &gatedBody{resp.Body, g, req.Context()}
		}
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type gatedBody struct {
	io.ReadCloser
	gate *gate
	ctx  context.Context
}

func (b *gatedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.gate.mu.Lock()
	open := b.gate.open
	b.gate.mu.Unlock()
	select {
	case <-open:
	case <-b.ctx.Done():
	}
	return n, err
}

// A Reconcile never runs on a cache that does not show its own writes, however far
// behind that is: one that looks there whether its child exists, and makes one with
// a generated name if not, would make a second one; one that deletes it would
// delete what is gone.
func TestReconcileSeesItsOwnWrites(t *testing.T) {
	l := newLab(t)
	watched := &gate{open: make(chan struct{})}
	watched.set(true)
	config := l.rest.Config()
	config.WrapTransport = watched.wrap
	slow, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	factory := informer.NewFactory(slow, informer.Namespace(l.namespace))
	secrets := informer.For[corev1.Secret](factory)

	var there atomic.Int32 // how many children there are
	var act atomic.Bool    // or only look
	reconciled := make(chan struct{}, 100)
	reconcile := func(ctx context.Context, key Key) (Result, error) {
		var children []string
		for child, err := range secrets.Lister().Items(informer.Query{}) {
			if err != nil {
				return Result{}, err
			}
			children = append(children, child.Name())
		}
		if len(children) != int(there.Load()) {
			t.Errorf("the cache shows %v, there are %d", children, there.Load())
		}
		defer func() { reconciled <- struct{}{} }()
		if !act.Load() {
			return Result{}, nil
		}
		if there.Load() > 0 {
			there.Add(-1)
			return Result{}, l.secrets.Delete(ctx, children[0], metav1.DeleteOptions{})
		}
		there.Add(1)
		_, err := l.secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "child-"}}, metav1.CreateOptions{})
		return Result{}, err
	}
	turns := make(chan struct{}, 100)
	l.factory = factory
	c := New("test", reconcile,
		For(l.configMapInformer(informer.FieldSelector("metadata.name=owner"))),
		// The children's events name no key: it is the hold that does.
		Watches(secrets, func(informer.Item[corev1.Secret]) []Key { return nil }),
		Workers(4), WriteTimeout(time.Hour),
		QueueMetrics(workqueue.Metrics{WorkDuration: func(time.Duration) { turns <- struct{}{} }}))
	l.run(c)
	wait := func(what string, ch <-chan struct{}) {
		t.Helper()
		select {
		case <-ch:
		case <-l.ctx.Done():
			t.Fatalf("waiting for %s: %+v", what, c.Stats())
		}
	}

	l.configMap("owner")
	owner := Key{Namespace: l.namespace, Name: "owner"}
	wait("the first reconcile", reconciled)
	wait("its turn", turns)
	for round := range 10 { // in turn creating and deleting
		watched.set(false)
		act.Store(true)
		loopOf(c).queue.Add(owner)
		wait("a reconcile", reconciled)
		wait("its turn", turns)
		loopOf(c).queue.Add(owner)
		wait("a turn that finds the key held", turns)
		if len(reconciled) != 0 || c.Stats().Held != 1 {
			t.Fatalf("round %d: reconciled before its write was seen: %+v", round, c.Stats())
		}
		act.Store(false)
		watched.set(true)
		wait("the reconcile that the hold let go", reconciled)
		wait("its turn", turns)
	}
	if s := c.Stats(); s.Failed != 0 {
		t.Errorf("%+v", s)
	}
}

// Writes in namespaces and of kinds that the controller does not watch hold nothing.
func TestWritesThatAreNotWatchedHoldNothing(t *testing.T) {
	l := newLab(t)
	elsewhere := controlplane.Start(t).Namespace(t)
	reconciled := make(chan struct{}, 100)
	c := New("test", func(ctx context.Context, key Key) (Result, error) {
		if key.Name != "a" {
			return Result{}, nil
		}
		_, err1 := client.Of[corev1.ConfigMap](l.rest).In(elsewhere).Create(ctx,
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "x-"}}, metav1.CreateOptions{})
		_, err2 := l.secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "x-"}}, metav1.CreateOptions{})
		reconciled <- struct{}{}
		return Result{}, errors.Join(err1, err2)
	}, For(l.configMapInformer()), WriteTimeout(time.Hour))
	l.run(c)
	l.configMap("a")
	for i := range 3 {
		select {
		case <-reconciled:
		case <-l.ctx.Done():
			t.Fatal("not reconciled")
		}
		if n := c.holds.len(); n != 0 {
			t.Errorf("%d keys are held", n)
		}
		l.touch("a", fmt.Sprint(i))
	}
}

// An informer whose selector hides what was written never shows it. The key goes
// on after a while all the same.
func TestWriteThatASelectorHidesDoesNotParkTheKey(t *testing.T) {
	l := newLab(t)
	reconciled := make(chan struct{}, 100)
	log := &logged{}
	c := New("test", func(ctx context.Context, key Key) (Result, error) {
		if key.Name != "a" {
			return Result{}, nil
		}
		_, err := l.secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "hidden-"}}, metav1.CreateOptions{})
		reconciled <- struct{}{}
		return Result{}, err
	}, For(l.configMapInformer()), Owns(l.secretInformer(informer.LabelSelector("shown=yes"))),
		WriteTimeout(100*time.Millisecond), Logger(slog.New(slog.NewTextHandler(log, nil))))
	l.run(c)
	l.configMap("a")
	for i := range 3 {
		select {
		case <-reconciled:
		case <-l.ctx.Done():
			t.Fatalf("not reconciled: %+v", c.Stats())
		}
		l.touch("a", fmt.Sprint(i))
	}
	if log.count("have not seen") == 0 {
		t.Error("the log does not say so")
	}
}

// A controller told to stop before its caches are in sync stops cleanly.
func TestStopBeforeSync(t *testing.T) {
	l := newLab(t)
	config := l.rest.Config()
	config.Host = "https://127.0.0.1:1" // nobody listens
	c, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 100)
	factory := informer.NewFactory(c, informer.OnError(func(err error) {
		select {
		case failed <- err:
		default:
		}
	}))
	ctx, cancel := context.WithCancel(l.ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, factory, New("test", l.keys().reconcile, For(informer.For[corev1.ConfigMap](factory))))
	}()
	select {
	case <-failed:
	case <-l.ctx.Done():
		t.Fatal("no error is told")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// Owners that are not the controller, and keys of one's own, on a server.
func TestAnyOwnerAndKeyedOnAServer(t *testing.T) {
	l := newLab(t)
	a, b := l.configMap("a"), l.configMap("b")
	ref := func(o *corev1.ConfigMap) metav1.OwnerReference {
		return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: o.Name, UID: o.UID}
	}
	maps, secrets := l.configMapInformer(), l.secretInformer()
	owners := make(chan Key, 100)
	labels := make(chan string, 100)
	c := New("owners", func(_ context.Context, key Key) (Result, error) {
		owners <- key
		return Result{}, nil
	}, For(maps).Where(func(informer.Item[corev1.ConfigMap]) bool { return false }), Owns(secrets).AnyOwner())
	keyed := NewKeyed("labels", func(_ context.Context, key string) (Result, error) {
		labels <- key
		return Result{}, nil
	}, Watches(secrets, func(s informer.Item[corev1.Secret]) []string { return []string{s.Labels().Get("zone")} }))
	defer l.run(c, keyed)()
	_, err := l.secrets.Create(l.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: "shared", Labels: map[string]string{"zone": "z1"},
		OwnerReferences: []metav1.OwnerReference{ref(a), ref(b)},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for !seen["a"] || !seen["b"] || !seen["z1"] {
		select {
		case key := <-owners:
			seen[key.Name] = true
		case zone := <-labels:
			seen[zone] = true
		case <-l.ctx.Done():
			t.Fatalf("reconciled %v", seen)
		}
	}
}
