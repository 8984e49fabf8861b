package finalizer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/finalizer"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

const name = "example.com/bucket"

var errTest = errors.New("the cloud is down")

// lab is a namespace on the control plane, and the requests that were sent to it.
type lab struct {
	t        *testing.T
	ctx      context.Context
	rest     *rest.Client
	ns       string
	maps     *client.Client[corev1.ConfigMap]
	requests atomic.Int64
	before   func(*http.Request) // called before each request; may be nil

	calls  []string
	result controller.Result // of the next apply or cleanup
	err    error
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func newLab(t *testing.T) *lab {
	cluster := controlplane.Start(t)
	l := &lab{t: t}
	cfg := cluster.Config()
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			l.requests.Add(1)
			if l.before != nil {
				before := l.before
				l.before = nil // what it does is not told again
				before(req)
			}
			return next.RoundTrip(req)
		})
	})
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	l.ctx, l.rest = ctx, c
	l.ns = cluster.Namespace(t)
	l.maps = client.Of[corev1.ConfigMap](c).In(l.ns)
	return l
}

func (l *lab) create(finalizers ...string) *corev1.ConfigMap {
	l.t.Helper()
	m, err := l.maps.Create(l.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Finalizers: finalizers}}, metav1.CreateOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

func (l *lab) get() *corev1.ConfigMap {
	l.t.Helper()
	m, err := l.maps.Get(l.ctx, "a", metav1.GetOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

func (l *lab) delete() {
	l.t.Helper()
	if err := l.maps.Delete(l.ctx, "a", metav1.DeleteOptions{}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) run(obj *corev1.ConfigMap) (controller.Result, error) {
	note := func(what string) finalizer.Func[corev1.ConfigMap] {
		return func(_ context.Context, obj *corev1.ConfigMap) (controller.Result, error) {
			l.calls = append(l.calls, fmt.Sprintf("%s %s %q", what, obj.Name, obj.Finalizers))
			obj.Finalizers = nil // obj is its own
			return l.result, l.err
		}
	}
	return finalizer.Run(l.ctx, l.maps, obj.DeepCopy(), name, note("apply"), note("cleanup"))
}

// want checks what Run returned, which functions it called, and how many requests it sent.
func (l *lab) want(obj *corev1.ConfigMap, wantErr error, requests int, calls ...string) {
	l.t.Helper()
	l.calls = nil
	before := l.requests.Load()
	result, err := l.run(obj)
	if !errors.Is(err, wantErr) || err == nil && len(calls) > 0 && result != l.result {
		l.t.Errorf("Run returns %v, %v, want %v, %v", result, err, l.result, wantErr)
	}
	if !slices.Equal(l.calls, calls) {
		l.t.Errorf("Run called %q, want %q", l.calls, calls)
	}
	if n := int(l.requests.Load() - before); requests >= 0 && n != requests {
		l.t.Errorf("Run sent %d requests, want %d", n, requests)
	}
}

func (l *lab) wantFinalizers(want ...string) {
	l.t.Helper()
	if got := l.get().Finalizers; !slices.Equal(got, want) {
		l.t.Errorf("the object has %q, want %q", got, want)
	}
}

// The life of an object, from its creation to its end.
func TestTheLifeOfAnObject(t *testing.T) {
	l := newLab(t)
	first := l.create("other.io/a")
	l.err = errTest
	l.want(first, errTest, 1, `apply a ["other.io/a" "example.com/bucket"]`)
	l.wantFinalizers("other.io/a", name)
	l.err, l.result = nil, controller.Result{RequeueAfter: time.Minute}
	l.want(l.get(), nil, 0, `apply a ["other.io/a" "example.com/bucket"]`)
	l.result = controller.Result{}
	l.want(first, nil, -1, `apply a ["other.io/a" "example.com/bucket"]`) // an old version

	l.delete()
	l.err = errTest
	l.want(l.get(), errTest, 0, `cleanup a ["other.io/a" "example.com/bucket"]`)
	l.wantFinalizers("other.io/a", name)
	l.err, l.result = nil, controller.Result{RequeueAfter: time.Minute} // not yet
	l.want(l.get(), nil, 0, `cleanup a ["other.io/a" "example.com/bucket"]`)
	l.wantFinalizers("other.io/a", name)
	l.result = controller.Result{}
	deleting := l.get()
	l.want(deleting, nil, 1, `cleanup a ["other.io/a" "example.com/bucket"]`)
	l.wantFinalizers("other.io/a")
	l.want(l.get(), nil, 0) // it is over: neither apply nor cleanup

	if _, err := l.maps.Finalizer(l.ctx, l.get(), "other.io/a", false); err != nil {
		t.Fatal(err)
	}
	if _, err := l.maps.Get(l.ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("without finalizers: %v", err)
	}
	// What a cache shows of it may be old.
	l.want(deleting, nil, -1, `cleanup a ["other.io/a" "example.com/bucket"]`)
	l.want(first, nil, -1)
}

// What happens between the read of an object and the write of its finalizer.
func TestRaces(t *testing.T) {
	t.Run("another writer adds a finalizer", func(t *testing.T) {
		l := newLab(t)
		obj := l.create()
		l.before = func(*http.Request) {
			if _, err := l.maps.Finalizer(l.ctx, obj, "other.io/a", true); err != nil {
				t.Error(err)
			}
		}
		l.want(obj, nil, -1, `apply a ["other.io/a" "example.com/bucket"]`)
		l.delete()
		obj = l.get()
		l.before = func(*http.Request) {
			if _, err := l.maps.Finalizer(l.ctx, obj, "other.io/a", false); err != nil {
				t.Error(err)
			}
		}
		l.want(obj, nil, -1, `cleanup a ["other.io/a" "example.com/bucket"]`)
		if _, err := l.maps.Get(l.ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("after both were removed: %v", err)
		}
	})
	t.Run("the object is deleted", func(t *testing.T) {
		l := newLab(t)
		obj := l.create()
		l.before = func(*http.Request) { l.delete() }
		l.want(obj, nil, -1)
	})
	t.Run("its deletion begins", func(t *testing.T) {
		l := newLab(t)
		obj := l.create("other.io/a")
		l.before = func(*http.Request) { l.delete() }
		l.want(obj, nil, -1)
		l.wantFinalizers("other.io/a")
	})
	t.Run("another object has its name", func(t *testing.T) {
		l := newLab(t)
		obj := l.create()
		l.before = func(*http.Request) { l.delete(); l.create() }
		l.calls = nil
		if _, err := l.run(obj); !apierrors.IsConflict(err) || len(l.calls) != 0 {
			t.Errorf("Run returns %v and called %q", err, l.calls)
		}
		l.wantFinalizers()
	})
	t.Run("the server refuses for another reason", func(t *testing.T) {
		l := newLab(t)
		obj := l.create()
		bad := obj.DeepCopy()
		bad.Name = "b" // of which there is none
		bad.UID = "u"
		l.want(bad, nil, -1)
		ctx, cancel := context.WithCancel(l.ctx)
		cancel()
		l.ctx = ctx
		l.want(obj, context.Canceled, -1)
	})
}

func TestMistakes(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example"})
	if err != nil {
		t.Fatal(err)
	}
	maps := client.Of[corev1.ConfigMap](c).In("n")
	good := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "a", UID: "u"}}
	noop := func(context.Context, *corev1.ConfigMap) (controller.Result, error) { return controller.Result{}, nil }
	for says, run := range map[string]func() (controller.Result, error){
		"the client is nil": func() (controller.Result, error) {
			return finalizer.Run(t.Context(), nil, good, name, noop, noop)
		},
		"the object is nil": func() (controller.Result, error) {
			return finalizer.Run(t.Context(), maps, nil, name, noop, noop)
		},
		"apply or cleanup is nil": func() (controller.Result, error) {
			return finalizer.Run(t.Context(), maps, good, name, noop, nil)
		},
		"no uid": func() (controller.Result, error) {
			return finalizer.Run(t.Context(), maps, &corev1.ConfigMap{}, name, noop, noop)
		},
		`"bucket" has no domain`: func() (controller.Result, error) {
			return finalizer.Run(t.Context(), maps, good, "bucket", noop, noop)
		},
		`"" has no domain`: func() (controller.Result, error) {
			return finalizer.Run(t.Context(), maps, good, "", noop, noop)
		},
		`"example.com/" is not a qualified name`: func() (controller.Result, error) {
			return finalizer.Run(t.Context(), maps, good, "example.com/", noop, noop)
		},
		`"Example.com/a b" is not a qualified name`: func() (controller.Result, error) {
			return finalizer.Run(t.Context(), maps, good, "Example.com/a b", noop, noop)
		},
	} {
		_, err := run()
		if !errors.As(err, new(*kind.MisuseError)) || !controller.IsTerminal(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want a terminal MisuseError that says %q", err, says)
		}
	}
}

// A whole controller: what it makes for an object is gone before the object is.
func TestAControllerCleansUp(t *testing.T) {
	l := newLab(t)
	factory := informer.NewFactory(l.rest, informer.Namespace(l.ns))
	maps := informer.For[corev1.ConfigMap](factory)
	made := make(chan string, 100)
	var there atomic.Int64
	reconcile := func(ctx context.Context, key controller.Key) (controller.Result, error) {
		obj, err := maps.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			return controller.Result{}, client.IgnoreNotFound(err)
		}
		return finalizer.Run(ctx, l.maps, obj, name,
			func(context.Context, *corev1.ConfigMap) (controller.Result, error) {
				there.Store(1)
				made <- "made"
				return controller.Result{}, nil
			},
			func(context.Context, *corev1.ConfigMap) (controller.Result, error) {
				there.Store(0)
				return controller.Result{}, nil
			})
	}
	c := controller.New("buckets", reconcile,
		controller.For(maps).Where(func(i informer.Item[corev1.ConfigMap]) bool { return i.Name() == "a" }))
	// An observer sees what a reconcile wrote: here, that it added the finalizer and removed it.
	var writes atomic.Int64
	c.Observe(controller.Observer{Reconcile: func(ctx context.Context, _ any) (context.Context, func(controller.Outcome)) {
		return ctx, func(o controller.Outcome) {
			for _, w := range o.Writes {
				if w.Name == "a" && w.Kind.Resource == "configmaps" {
					writes.Add(1)
				}
			}
		}
	}})
	ctx, stop := context.WithCancel(l.ctx)
	ended := make(chan error, 1)
	go func() { ended <- controller.Run(ctx, factory, c) }()
	l.create()
	select {
	case <-made:
	case <-l.ctx.Done():
		t.Fatal("nothing was made")
	}
	l.delete()
	if _, err := l.maps.WaitFor(l.ctx, "a", wait.Deleted("")); err != nil {
		t.Fatal(err)
	}
	if there.Load() != 0 {
		t.Error("the object is gone, and what was made for it is there")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := writes.Load(); n != 2 {
		t.Errorf("the observer saw %d writes, want 2", n)
	}
}
