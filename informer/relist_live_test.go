package informer_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// forgetful is a way to a server that can forget the versions of watches: expire ends the open
// watches and answers the next one that goes on from a version with 410.
type forgetful struct {
	http.RoundTripper

	mu      sync.Mutex
	open    []io.Closer
	expired bool
}

func (f *forgetful) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expired = true
	for _, body := range f.open {
		_ = body.Close()
	}
	f.open = nil
}

func (f *forgetful) RoundTrip(req *http.Request) (*http.Response, error) {
	q := req.URL.Query()
	watch := q.Get("watch") != ""
	f.mu.Lock()
	gone := f.expired && watch && q.Get("sendInitialEvents") == ""
	if gone {
		f.expired = false
	}
	f.mu.Unlock()
	if gone {
		return &http.Response{
			StatusCode: 410, Status: "410 Gone", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
			Body: io.NopCloser(strings.NewReader(status(410, "Expired"))),
		}, nil
	}
	resp, err := f.RoundTripper.RoundTrip(req)
	if err == nil && watch {
		f.mu.Lock()
		f.open = append(f.open, resp.Body)
		f.mu.Unlock()
	}
	return resp, err
}

// A schema that gains a default changes objects at the same resourceVersion. After the next list the
// cache has the default, handlers have been called for it, and a relist that finds nothing new calls
// none (kubernetes/kubernetes#131779).
func TestALiveSchemaGainsADefault(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.Start(t)
	direct := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	marbles := kind.Info{Group: "relist.skiff.example.com", Version: "v1", Kind: "Marble", Resource: "marbles", Namespaced: true}
	definition := func(color string) *unstructured.Unstructured {
		spec := map[string]any{"size": map[string]any{"type": "integer"}, "color": map[string]any{"type": "string"}}
		if color != "" {
			spec["color"] = map[string]any{"type": "string", "default": color}
		}
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": marbles.Resource + "." + marbles.Group},
			"spec": map[string]any{
				"group": marbles.Group, "scope": "Namespaced",
				"names": map[string]any{"plural": marbles.Resource, "kind": marbles.Kind},
				"versions": []any{map[string]any{
					"name": "v1", "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
						"spec": map[string]any{"type": "object", "properties": spec},
					}}},
				}},
			},
		}}
	}
	const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	if err := direct.Post().AbsPath(crds).Body(definition("")).Do(ctx).Error(); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	marble := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": marbles.Group + "/v1", "kind": marbles.Kind,
		"metadata": map[string]any{"name": "a"}, "spec": map[string]any{"size": int64(1)},
	}}
	until(t, ctx, "the custom resource is served", func() bool {
		return direct.Post().GroupVersion(marbles.GroupVersion()).Namespace(namespace).
			Resource(marbles.Resource).Body(marble).Do(ctx).Error() == nil
	})

	way := &forgetful{}
	cfg := cluster.Config()
	cfg.WrapTransport = func(rt http.RoundTripper) http.RoundTripper {
		way.RoundTripper = rt
		return way
	}
	factory := informer.NewFactory(newClient(t, cfg), informer.Namespace(namespace))
	i := informer.ForResource(factory, marbles)
	type update struct {
		before, now string
		sameVersion bool
		resync      bool
	}
	updates := make(chan update, 100)
	color := func(item informer.Item[unstructured.Unstructured]) string {
		o, err := item.Object()
		if err != nil {
			t.Error(err)
			return ""
		}
		color, _, _ := unstructured.NestedString(o.Object, "spec", "color")
		return color
	}
	i.AddHandler(informer.Handler[unstructured.Unstructured]{
		OnUpdate: func(old, new informer.Item[unstructured.Unstructured]) {
			updates <- update{color(old), color(new), old.ResourceVersion() == new.ResourceVersion(), new.Resync()}
		},
	})
	run(t, ctx, factory)

	patch := `{"spec":{"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":` +
		`{"spec":{"type":"object","properties":{"size":{"type":"integer"},"color":{"type":"string","default":"blue"}}}}}}}]}}`
	if err := direct.Patch(types.MergePatchType).AbsPath(crds + "/" + marbles.Resource + "." + marbles.Group).
		Body([]byte(patch)).Do(ctx).Error(); err != nil {
		t.Fatal(err)
	}
	served := func(c *rest.Client) string {
		var o unstructured.Unstructured
		if err := c.Get().GroupVersion(marbles.GroupVersion()).Namespace(namespace).Resource(marbles.Resource).
			Name("a").Do(ctx).Into(&o); err != nil {
			return err.Error()
		}
		color, _, _ := unstructured.NestedString(o.Object, "spec", "color")
		return color
	}
	until(t, ctx, "the default is served", func() bool { return served(direct) == "blue" })
	lists := i.Status().Lists
	way.expire()
	select {
	case u := <-updates:
		if want := (update{"", "blue", true, false}); u != want {
			t.Errorf("the handler was told %+v, want %+v", u, want)
		}
	case <-time.After(soonEnough):
		t.Fatalf("no handler was called: %+v", i.Status())
	}
	if o, err := i.Lister().Get(namespace, "a"); err != nil {
		t.Error(err)
	} else if color, _, _ := unstructured.NestedString(o.Object, "spec", "color"); color != "blue" {
		t.Errorf("the cache has the color %q", color)
	}
	until(t, ctx, "the list is complete", func() bool { return i.Status().Lists > lists })
	lists = i.Status().Lists
	way.expire()
	until(t, ctx, "the next list is complete", func() bool { return i.Status().Lists > lists })
	if err := i.WaitFor(ctx, i.ResourceVersion()); err != nil {
		t.Error(err)
	}
	if len(updates) != 0 {
		t.Errorf("a relist that found nothing new told %+v", <-updates)
	}
}

// until waits until met returns true.
func until(t *testing.T, ctx context.Context, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it never came that %s", what)
		}
	}
}

// A list in pages has the items of kube-apiserver's own types without their type, where a watch has
// it. As JSON the bytes differ by that, and no handler is called for it.
func TestALiveRelistInPagesOfUnchangedObjects(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.Start(t)
	direct := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	for _, format := range []string{"json", "protobuf"} {
		t.Run(format, func(t *testing.T) {
			way := &forgetful{}
			cfg := cluster.Config()
			cfg.WrapTransport = func(rt http.RoundTripper) http.RoundTripper {
				way.RoundTripper = rt
				return pagesOnly{way}
			}
			opts := []informer.Option{informer.Namespace(namespace)}
			if format == "json" {
				opts = append(opts, informer.JSON())
			}
			factory := informer.NewFactory(newClient(t, cfg), opts...)
			pods := informer.For[corev1.Pod](factory)
			told := newModel[corev1.Pod]("handler")
			pods.AddHandler(told.handler())
			run(t, ctx, factory)
			var made corev1.Pod
			if err := direct.Post().Namespace(namespace).Resource("pods").Body(pod("of-a-watch-" + format)).
				Do(ctx).Into(&made); err != nil {
				t.Fatal(err)
			}
			if err := pods.WaitFor(ctx, made.ResourceVersion); err != nil {
				t.Fatal(err)
			}
			lists := pods.Status().Lists
			way.expire()
			until(t, ctx, "the list is complete", func() bool { return pods.Status().Lists > lists })
			until(t, ctx, "it is watched again", func() bool { return pods.Status().State == "watching" })
			if n := told.count("update"); n != 0 {
				t.Errorf("the relist told %d updates", n)
			}
		})
	}
}

// pagesOnly refuses watch-lists, as servers do that do not know them.
type pagesOnly struct{ http.RoundTripper }

func (p pagesOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Query().Get("sendInitialEvents") == "" {
		return p.RoundTripper.RoundTrip(req)
	}
	return &http.Response{
		StatusCode: 400, Status: "400 Bad Request", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(status(400, "BadRequest"))),
	}, nil
}

// The server has no watch cache for Events and sends no bookmarks: a version of other objects becomes
// known by a list (I10).
func TestALiveWaitForAVersionThatNoBookmarkBrings(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.Start(t)
	c := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	events := informer.For[corev1.Event](factory)
	run(t, ctx, factory)
	if err := c.Post().Namespace(namespace).Resource("configmaps").Body(configMap("a", "1")).Do(ctx).Error(); err != nil {
		t.Fatal(err)
	}
	var list corev1.EventList
	if err := c.Get().Namespace(namespace).Resource("events").Do(ctx).Into(&list); err != nil {
		t.Fatal(err)
	}
	lists := events.Status().Lists
	soon, cancel := context.WithTimeout(ctx, soonEnough)
	defer cancel()
	began := time.Now()
	if err := events.WaitFor(soon, list.ResourceVersion); err != nil {
		t.Fatal(err)
	}
	t.Logf("after %s: %+v", time.Since(began), events.Status())
	if n := events.Status().Lists - lists; n > 1 {
		t.Errorf("that took %d lists", n)
	}
}
