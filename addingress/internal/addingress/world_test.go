package addingress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/addingress/internal/await"
	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// deadline bounds what a test waits for; reaching it is a failure. It is generous:
// several packages test at once, under the race detector, on two cores.
const deadline = 2 * time.Minute

// world is a namespace on a real control plane, with what a test does there as
// administrator, and what it sees of it by watching.
type world struct {
	t         *testing.T
	ctx       context.Context
	cluster   *controlplane.Cluster
	namespace string
	admin     *rest.Client

	services  *client.Client[corev1.Service]
	ingresses *client.Client[networkingv1.Ingress]

	view          *await.View
	seenServices  informer.Lister[corev1.Service]
	seenIngresses informer.Lister[networkingv1.Ingress]
	seenEvents    informer.Lister[eventsv1.Event]
}

// newWorld is a namespace on the cluster that the package's tests share.
func newWorld(t *testing.T) *world {
	cluster := controlplane.Start(t)
	return newWorldOn(t, cluster, cluster.Namespace(t), deadline)
}

func newWorldOn(t *testing.T, cluster *controlplane.Cluster, namespace string, deadline time.Duration) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, cluster: cluster, namespace: namespace, admin: newClient(t, cluster.Config()), view: await.New()}
	w.services = client.Of[corev1.Service](w.admin).In(namespace)
	w.ingresses = client.Of[networkingv1.Ingress](w.admin).In(namespace)

	factory := informer.NewFactory(w.admin, informer.Namespace(namespace), informer.KeepManagedFields())
	w.seenServices = await.Watch[corev1.Service](w.view, factory)
	w.seenIngresses = await.Watch[networkingv1.Ingress](w.view, factory)
	w.seenEvents = await.Watch[eventsv1.Event](w.view, factory)
	if err := factory.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		factory.Wait()
	})
	if err := factory.WaitForSync(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

func newClient(t *testing.T, config *rest.Config) *rest.Client {
	t.Helper()
	c, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// until waits for the world to be so.
func (w *world) until(what string, holds func() error) {
	w.t.Helper()
	if err := w.view.Until(w.ctx, what, holds); err != nil {
		w.t.Fatal(err)
	}
}

// running is an operator at work, and what it wrote.
type running struct {
	*world
	op   *Operator
	log  *logged
	stop func()

	heldServices  informer.Lister[corev1.Service] // the operator's own caches
	heldIngresses informer.Lister[networkingv1.Ingress]

	mu       sync.Mutex
	requests []string                             // guarded by mu: the writes, as "verb resource name"
	applied  []time.Time                          // guarded by mu: when Ingresses were applied
	saw      map[controller.Key]map[string]uint64 // guarded by mu: what the caches held at the start of the latest finished reconcile
}

// start runs the operator in the world's namespace, under the rights that its
// manifest gives it.
func (w *world) start(change ...func(*Config)) *running {
	w.t.Helper()
	installRights(w.t, w.cluster)
	r := &running{world: w, log: &logged{}, saw: map[controller.Key]map[string]uint64{}}

	config := w.cluster.Config()
	config.Impersonate = rest.Impersonation{
		User:   "system:serviceaccount:addingress:addingress",
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:addingress", "system:authenticated"},
	}
	config.WrapTransport = func(next http.RoundTripper) http.RoundTripper { return &recordingTransport{next, r} }

	cfg := DefaultConfig()
	cfg.Namespace = w.namespace
	cfg.Logger = slog.New(slog.NewTextHandler(io.MultiWriter(r.log, testWriter{w.t}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.QueueMetrics = workqueue.Metrics{WorkDuration: func(time.Duration) { w.view.Moved() }}
	for _, f := range change {
		f(&cfg)
	}
	r.op = newOperator(newClient(w.t, config), cfg, r.around)
	r.heldServices = await.Watch[corev1.Service](w.view, r.op.factory)
	r.heldIngresses = await.Watch[networkingv1.Ingress](w.view, r.op.factory)

	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.op.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the operator ends with %v", err)
		}
	})
	w.t.Cleanup(r.stop)
	return r
}

// around notes what the operator's caches held when a reconcile began that has
// finished.
func (r *running) around(reconcile controller.Reconcile) controller.Reconcile {
	return func(ctx context.Context, key controller.Key) (controller.Result, error) {
		held := map[string]uint64{}
		if svc, err := r.heldServices.Item(r.namespace, key.Name); err == nil {
			held["services"] = number(svc.ResourceVersion())
		}
		if ing, err := r.heldIngresses.Item(r.namespace, key.Name); err == nil {
			held["ingresses"] = number(ing.ResourceVersion())
		}
		result, err := reconcile(ctx, key)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.saw[key] = held
		return result, err
	}
}

func number(version string) uint64 {
	n, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// recordingTransport notes every request that may write.
type recordingTransport struct {
	next http.RoundTripper
	to   *running
}

func (t *recordingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if verb := map[string]string{"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[req.Method]; verb != "" {
		if req.Header.Get("Content-Type") == string(types.ApplyPatchType) {
			verb = "apply"
		}
		// …/namespaces/NAMESPACE/RESOURCE[/NAME]
		_, rest, _ := strings.Cut(req.URL.Path, "/namespaces/")
		_, object, _ := strings.Cut(rest, "/")
		t.to.mu.Lock()
		t.to.requests = append(t.to.requests, verb+" "+object)
		if verb == "apply" {
			t.to.applied = append(t.to.applied, time.Now())
		}
		t.to.mu.Unlock()
	}
	return t.next.RoundTrip(req)
}

// wrote checks which writes the operator has made since the last time, in any
// order, and that it has nothing more to do: see settled.
func (r *running) wrote(want ...string) {
	r.t.Helper()
	r.mu.Lock()
	got := r.requests
	r.requests = nil
	r.mu.Unlock()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.t.Errorf("the operator wrote\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// settled shows that the operator has come to rest over the named Service without
// waiting for time to pass: the Service and its Ingress are touched where that
// means nothing, and a reconcile that began with the touched objects in its cache,
// and so after everything before, has ended. What it wrote until then is all.
//
// The Service comes first: it and its Ingress come to the operator by watches of
// their own, and either may be late.
func (r *running) settled(name string) {
	r.t.Helper()
	touch := fmt.Appendf(nil, `{"metadata":{"labels":{"touched":"%d"}}}`, time.Now().UnixNano())
	touched, gone := map[string]uint64{}, false
	svc, err := r.services.Patch(r.ctx, name, types.MergePatchType, touch, metav1.PatchOptions{})
	switch {
	case err == nil:
		version := number(svc.ResourceVersion)
		if svc.Annotations[Annotation] == annotationOn { // others' events are not listened to
			touched["services"] = version
		}
		r.until(fmt.Sprintf("the operator to see version %d of Service %s", version, name), func() error {
			held, err := r.heldServices.Item(r.namespace, name)
			if err != nil || number(held.ResourceVersion()) < version {
				return errors.New("it does not yet")
			}
			return nil
		})
	case apierrors.IsNotFound(err):
		gone = true
		r.until("the operator to see that Service "+name+" is gone", func() error {
			if _, err := r.heldServices.Item(r.namespace, name); !apierrors.IsNotFound(err) {
				return fmt.Errorf("it sees one (%v)", err)
			}
			return nil
		})
	default:
		r.t.Fatal(err)
	}
	ing, err := r.ingresses.Patch(r.ctx, name, types.MergePatchType, touch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) && len(touched) == 0 {
		ing = r.foreign(name)
		defer r.withdraw(name)
		err = nil
	}
	switch {
	case err == nil:
		touched["ingresses"] = number(ing.ResourceVersion)
	case !apierrors.IsNotFound(err):
		r.t.Fatal(err)
	}
	key := controller.Key{Namespace: r.namespace, Name: name}
	r.until("a reconcile of "+name+" that sees "+fmt.Sprint(touched), func() error {
		if s := r.op.Stats(); !s.Idle() {
			return fmt.Errorf("the operator is at work: %+v", s)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for resource, version := range touched {
			if r.saw[key][resource] < version {
				return fmt.Errorf("the latest saw %v", r.saw[key])
			}
		}
		return nil
	})
	if r.t.Failed() {
		return
	}
	// The garbage collector, too, writes to the Ingress of a Service that is gone: it begins its deletion.
	now, err := r.seenIngresses.Item(r.namespace, name)
	collected := gone && err == nil && now.Deleting()
	if err == nil && !collected && touched["ingresses"] != 0 && number(now.ResourceVersion()) > touched["ingresses"] {
		r.t.Errorf("Ingress %s was written after it was touched", name)
	}
}

// withdraw deletes an Ingress and waits until the operator has seen that it is gone.
// An annotation set next might overtake the deletion, and the operator would rightly
// tell of the Ingress that it still sees.
func (r *running) withdraw(name string) {
	r.t.Helper()
	r.deleteIngress(name)
	r.until("a reconcile of "+name+" that sees no Ingress", func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if version, ok := r.saw[controller.Key{Namespace: r.namespace, Name: name}]["ingresses"]; ok {
			return fmt.Errorf("the latest saw version %d", version)
		}
		return nil
	})
}

// service makes a Service with one port, and changes to it.
func (w *world) service(name string, change ...func(*corev1.Service)) *corev1.Service {
	w.t.Helper()
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
	for _, f := range change {
		f(svc)
	}
	made, err := w.services.Create(w.ctx, svc, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func exposed(svc *corev1.Service) { svc.Annotations = map[string]string{Annotation: "true"} }

// annotate sets the Service's annotation; "" takes it away.
func (w *world) annotate(name, value string) {
	w.t.Helper()
	quoted := "null"
	if value != "" {
		quoted = strconv.Quote(value)
	}
	w.patchService(name, fmt.Sprintf(`{"metadata":{"annotations":{"ingress/http":%s}}}`, quoted))
}

func (w *world) patchService(name, mergePatch string) {
	w.t.Helper()
	if _, err := w.services.Patch(w.ctx, name, types.MergePatchType, []byte(mergePatch), metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) patchIngress(name string, pt types.PatchType, patch string) *networkingv1.Ingress {
	w.t.Helper()
	ing, err := w.ingresses.Patch(w.ctx, name, pt, []byte(patch), metav1.PatchOptions{FieldManager: "somebody"})
	if err != nil {
		w.t.Fatal(err)
	}
	return ing
}

func (w *world) deleteService(name string) {
	w.t.Helper()
	if err := w.services.Delete(w.ctx, name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) deleteIngress(name string) {
	w.t.Helper()
	if err := w.ingresses.Delete(w.ctx, name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// foreign makes an Ingress that is nobody's.
func (w *world) foreign(name string, change ...func(*networkingv1.Ingress)) *networkingv1.Ingress {
	w.t.Helper()
	ing := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace},
		Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "theirs", Port: networkingv1.ServiceBackendPort{Number: 8080}},
		}},
	}
	for _, f := range change {
		f(ing)
	}
	made, err := w.ingresses.Create(w.ctx, ing, metav1.CreateOptions{FieldManager: "somebody"})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// hasIngress waits until the Service has the Ingress that it is to have by the
// default settings, or by those given, and returns it.
func (w *world) hasIngress(svc *corev1.Service, by ...settings) *networkingv1.Ingress {
	w.t.Helper()
	s := testSettings(w.t, DefaultHostTemplate, "")
	if len(by) > 0 {
		s = by[0]
	}
	var have *networkingv1.Ingress
	w.until("the Ingress of "+svc.Name, func() (err error) {
		current, err := w.seenServices.Get(w.namespace, svc.Name)
		if err != nil {
			return err
		}
		want, p := s.desired(current)
		if p != nil {
			return errors.New(p.note)
		}
		if have, err = w.seenIngresses.Get(w.namespace, svc.Name); err != nil {
			return err
		}
		if !upToDate(have, want) {
			return fmt.Errorf("it is %s", asYAML(have))
		}
		return nil
	})
	return have
}

// noIngress waits until there is no Ingress of the name.
func (w *world) noIngress(name string) {
	w.t.Helper()
	w.until("no Ingress "+name, func() error {
		if _, err := w.seenIngresses.Item(w.namespace, name); !apierrors.IsNotFound(err) {
			return fmt.Errorf("there is one (%v)", err)
		}
		return nil
	})
}

// hasEvent waits for an Event about the Service with the reason, and returns it.
func (w *world) hasEvent(svc *corev1.Service, reason string) *eventsv1.Event {
	w.t.Helper()
	var found *eventsv1.Event
	w.until("an Event "+reason+" about "+svc.Name, func() error {
		for _, e := range w.eventsAbout(svc) {
			if e.Reason == reason {
				found = e
				return nil
			}
		}
		return errors.New("there is none")
	})
	return found
}

// eventsAbout is addingress's Events about the Service. Other controllers have some
// too now and then.
func (w *world) eventsAbout(svc *corev1.Service) []*eventsv1.Event {
	w.t.Helper()
	all, err := w.allEvents()
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e *eventsv1.Event) bool {
		return e.Regarding.UID != svc.UID || e.ReportingController != controllerName
	})
}

func (w *world) allEvents() ([]*eventsv1.Event, error) {
	return w.seenEvents.List(informer.Query{Namespace: w.namespace})
}

func asYAML(obj any) string {
	data, err := yaml.Marshal(obj)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// manifest is the objects of deploy/addingress.yaml.
func manifest(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile("../../deploy/addingress.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for doc := range strings.SplitSeq(string(data), "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(doc), &u.Object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, u)
	}
	return objects
}

var rights sync.Map // *controlplane.Cluster to func() error

// installRights applies the manifest to the cluster, once.
func installRights(t *testing.T, cluster *controlplane.Cluster) {
	t.Helper()
	install, _ := rights.LoadOrStore(cluster, sync.OnceValue(func() error {
		c, err := rest.NewClient(cluster.Config())
		if err != nil {
			return err
		}
		defer c.CloseIdleConnections()
		for _, u := range manifest(t) {
			k, ok := kind.ByGVK(u.GroupVersionKind())
			if !ok {
				return fmt.Errorf("%s is no built-in kind", u.GroupVersionKind())
			}
			_, err := dynamic.New(c).Resource(k.GVR()).In(u.GetNamespace()).Apply(t.Context(), u,
				metav1.ApplyOptions{FieldManager: "test"})
			if err != nil {
				return fmt.Errorf("%s %s: %w", k, path.Join(u.GetNamespace(), u.GetName()), err)
			}
		}
		return nil
	}))
	if err := install.(func() error)(); err != nil {
		t.Fatal(err)
	}
}

// logged is a log to look through.
type logged struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), what)
}

// testWriter logs to the test, so that a failure shows what the operator did.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}
