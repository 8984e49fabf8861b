package informer_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// valued is a ConfigMap with data.v and a second entry.
func valued(name, uid, version, value string) string {
	return fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":%q,"uid":%q,"resourceVersion":%q,"labels":{"large":"yes"}},"data":{"v":%q,"large":"data"}}`, name, uid, version, value)
}

// bothForms are the same transform in its two forms: it leaves out data.large and the labels, and drops
// the objects whose data.v is "hidden".
func bothForms() map[string]informer.Option {
	return map[string]informer.Option{
		"decoded": informer.Transform(func(m *corev1.ConfigMap) bool {
			delete(m.Data, "large")
			m.Labels = nil
			return m.Data["v"] != "hidden"
		}),
		"bytes": informer.TransformBytes(func(o wire.Object) ([]byte, bool) {
			data := bytes.Replace(o.Data, []byte(`,"large":"data"`), nil, 1)
			data = bytes.Replace(data, []byte(`,"labels":{"large":"yes"}`), nil, 1)
			return data, !bytes.Contains(data, []byte(`"hidden"`))
		}),
	}
}

// What a transform leaves is what everybody sees. An object that it drops is not there; if it was,
// it is deleted, and comes back when the transform keeps it again.
func TestTransform(t *testing.T) {
	for form, transform := range bothForms() {
		t.Run(form, func(t *testing.T) {
			play(t, func(s *scene) {
				w := s.synced()
				w.event("ADDED", valued("c", "uc", "11", "1"))
				w.event("ADDED", valued("d", "ud", "12", "hidden"))
				s.knows("a=ua/5 b=ub/7 c=uc/11")
				if !s.maps.Contains("12") || s.maps.WaitFor(s.ctx, "12") != nil {
					t.Error("the version of an object that was dropped is waited for")
				}
				item, _ := s.maps.Lister().Item("ns", "c")
				m, err := item.Object()
				if err != nil || !reflect.DeepEqual(m.Data, map[string]string{"v": "1"}) || m.Labels != nil || item.Labels().Len() != 0 {
					t.Errorf("cached is %+v (%v)", m, err)
				}
				if o, err := item.Wire(); err != nil || bytes.Contains(o.Data, []byte("large")) {
					t.Errorf("its bytes are %s (%v)", o.Data, err)
				}

				w.event("MODIFIED", valued("c", "uc", "13", "hidden"))
				s.knows("a=ua/5 b=ub/7")
				if deletes := s.told.count("delete"); deletes != 1 {
					t.Errorf("%d deletions", deletes)
				}
				w.event("MODIFIED", valued("c", "uc", "14", "hidden"))
				w.event("DELETED", valued("d", "ud", "15", "hidden"))
				w.event("MODIFIED", valued("c", "uc", "16", "2"))
				s.knows("a=ua/5 b=ub/7 c=uc/16")
				w.event("DELETED", valued("c", "uc", "17", "hidden"))
				s.knows("a=ua/5 b=ub/7")
				if adds, deletes := s.told.count("add"), s.told.count("delete"); adds != 4 || deletes != 2 {
					t.Errorf("%d additions and %d deletions", adds, deletes)
				}
			}, transform)
		})
	}
}

// A deletion that a transform drops carries the state that handlers know; one that it keeps carries
// the last state, transformed.
func TestTheLastStateOfATransformedObject(t *testing.T) {
	for form, transform := range bothForms() {
		t.Run(form, func(t *testing.T) {
			play(t, func(s *scene) {
				var last []string
				s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{OnDelete: func(item informer.Item[corev1.ConfigMap]) {
					m, err := item.Object()
					last = append(last, fmt.Sprint(item.ResourceVersion(), m.Data, err))
				}})
				w := s.synced()
				w.event("ADDED", valued("c", "uc", "11", "1"))
				w.event("MODIFIED", valued("c", "uc", "12", "hidden"))
				w.event("ADDED", valued("d", "ud", "13", "1"))
				w.event("DELETED", valued("d", "ud", "14", "2"))
				s.knows("a=ua/5 b=ub/7")
				if want := []string{"11map[v:1] <nil>", "14map[v:2] <nil>"}; !reflect.DeepEqual(last, want) {
					t.Errorf("handlers got %q, not %q", last, want)
				}
			}, transform)
		})
	}
}

// A list repeats objects: a transformed one that has not changed is no event, one that is dropped now is
// a deletion.
func TestAListOfTransformedObjects(t *testing.T) {
	for form, transform := range bothForms() {
		t.Run(form, func(t *testing.T) {
			play(t, func(s *scene) {
				w := s.synced()
				w.event("ADDED", valued("c", "uc", "11", "1"))
				w.event("ADDED", valued("d", "ud", "12", "1"))
				s.knows("a=ua/5 b=ub/7 c=uc/11 d=ud/12")
				w.event("ERROR", status(410, "Expired"))
				w = s.next("watch,sendInitialEvents=true").watch()
				typeless := strings.Replace(valued("c", "uc", "11", "1"), `"kind":"ConfigMap","apiVersion":"v1",`, "", 1)
				for _, o := range []string{object("a", "ua", "5"), object("b", "ub", "7"), typeless, valued("d", "ud", "13", "hidden")} {
					w.event("ADDED", o)
				}
				w.listEnd("13")
				s.knows("a=ua/5 b=ub/7 c=uc/11")
				if updates, deletes := s.told.count("update"), s.told.count("delete"); updates != 0 || deletes != 1 {
					t.Errorf("%d updates and %d deletions after a list", updates, deletes)
				}
			}, transform)
		})
	}
}

// Whatever a transform does wrong, the object is cached as the server sent it, and the error names it.
func TestATransformThatFails(t *testing.T) {
	replaced := func(was, is string) informer.Option {
		return informer.TransformBytes(func(o wire.Object) ([]byte, bool) {
			return bytes.Replace(o.Data, []byte(was), []byte(is), 1), true
		})
	}
	changed := func(change func(*corev1.ConfigMap)) informer.Option {
		return informer.Transform(func(m *corev1.ConfigMap) bool { change(m); return true })
	}
	for what, c := range map[string]struct {
		option informer.Option
		want   string
	}{
		"panic":                {changed(func(*corev1.ConfigMap) { panic("oh") }), "panicked: oh"},
		"panic, bytes":         {informer.TransformBytes(func(wire.Object) ([]byte, bool) { panic("oh") }), "panicked: oh"},
		"namespace":            {changed(func(m *corev1.ConfigMap) { m.Namespace = "x" }), `metadata.namespace from "ns" to "x"`},
		"name":                 {changed(func(m *corev1.ConfigMap) { m.Name = "x" }), `metadata.name from "a" to "x"`},
		"uid":                  {changed(func(m *corev1.ConfigMap) { m.UID = "" }), `metadata.uid from "ua" to ""`},
		"resourceVersion":      {changed(func(m *corev1.ConfigMap) { m.ResourceVersion = "6" }), `metadata.resourceVersion from "5" to "6"`},
		"kind":                 {changed(func(m *corev1.ConfigMap) { m.Kind = "Secret" }), "Secret"},
		"apiVersion":           {changed(func(m *corev1.ConfigMap) { m.APIVersion = "v2" }), "v2"},
		"another kind, bytes":  {replaced(`"ConfigMap"`, `"Secret"`), "Secret"},
		"a Status":             {replaced(`"ConfigMap"`, `"Status"`), "kind"},
		"another uid, bytes":   {replaced(`"ua"`, `"ux"`), `metadata.uid from "ua" to "ux"`},
		"no object":            {informer.TransformBytes(func(wire.Object) ([]byte, bool) { return nil, true }), "EOF"},
		"an object and more":   {informer.TransformBytes(func(o wire.Object) ([]byte, bool) { return append(o.Data, '}'), true }), "JSON"},
		"everything, in place": {changed(func(m *corev1.ConfigMap) { *m = corev1.ConfigMap{} }), "metadata"},
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(s *scene) {
				w := s.synced() // a and b are in the cache as they came
				m, err := s.maps.Lister().Get("ns", "a")
				if err != nil || m.Data["v"] != "5" {
					t.Errorf("cached is %+v (%v)", m, err)
				}
				err = <-s.errors
				if !strings.Contains(err.Error(), "transform ns/a: cached as the server sent it: ") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("the error is %v", err)
				}
				w.event("DELETED", object("b", "ub", "11"))
				s.knows("a=ua/5")
			}, c.option)
		})
	}
}

// An object that T cannot hold is cached as the server sent it.
func TestATransformOfWhatCannotBeDecoded(t *testing.T) {
	called := false
	play(t, func(s *scene) {
		w := s.synced()
		called = false
		w.event("ADDED", strings.Replace(valued("c", "uc", "11", "1"), `"data":{`, `"data":{"n":1,`, 1))
		s.knows("a=ua/5 b=ub/7 c=uc/11")
		if err := <-s.errors; called || !strings.Contains(err.Error(), "transform ns/c: cached as the server sent it: decode") {
			t.Errorf("the transform was called: %v; the error is %v", called, err)
		}
	}, informer.Transform(func(*corev1.ConfigMap) bool { called = true; return true }))
}

// A transform that fails for each object is reported once a minute, with the number of failures.
func TestATransformThatAlwaysFails(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		const first, more = "ns/a: cached as the server sent it: ", "ns/c: cached as the server sent it (2 failures more since the last report): "
		if err := <-s.errors; !strings.Contains(err.Error(), first) {
			t.Errorf("the first error is %v", err)
		}
		time.Sleep(time.Minute - 1)
		w.event("ADDED", object("c", "uc", "11"))
		synctest.Wait()
		if len(s.errors) != 0 {
			t.Errorf("a second error within a minute: %v", <-s.errors)
		}
		time.Sleep(time.Nanosecond)
		w.event("MODIFIED", object("c", "uc", "12"))
		if err := <-s.errors; !strings.Contains(err.Error(), more) {
			t.Errorf("the second error is %v", err)
		}
		w.event("MODIFIED", object("c", "uc", "13"))
		time.Sleep(time.Minute + 1)
		w.event("MODIFIED", object("c", "uc", "14"))
		if err := <-s.errors; !strings.Contains(err.Error(), "(1 failures more") {
			t.Errorf("the third error is %v", err)
		}
		time.Sleep(time.Minute)
		w.event("MODIFIED", object("c", "uc", "15"))
		if err := <-s.errors; !strings.Contains(err.Error(), "sent it: ") {
			t.Errorf("the fourth error is %v", err)
		}
	}, informer.Transform(func(*corev1.ConfigMap) bool { panic("oh") }))
}

// A transform is called once for each object that arrives, and under no lock: it may use the informer.
func TestATransformUsesTheInformer(t *testing.T) {
	var s *scene
	called := map[string]int{}
	play(t, func(scene *scene) {
		s = scene
		w := s.synced()
		w.event("MODIFIED", object("a", "ua", "11"))
		s.knows("a=ua/11 b=ub/7")
		if fmt.Sprint(called) != "map[11:1 5:1 7:1]" {
			t.Errorf("it was called for the versions %v", called)
		}
	}, informer.Transform(func(m *corev1.ConfigMap) bool {
		called[m.ResourceVersion]++
		s.maps.Status()
		_, _ = s.maps.Lister().Get("ns", "a")
		s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{}).Remove()
		return true
	}))
}

// Informers with the same Option share a cache, those with different ones do not. One informer's
// Transform takes the place of the factory's.
func TestATransformMakesACache(t *testing.T) {
	all := informer.TransformBytes(func(o wire.Object) ([]byte, bool) { return o.Data, true })
	play(t, func(s *scene) {
		before := len(s.factory.Informers())
		keep := func(*corev1.ConfigMap) bool { return true }
		one := informer.Transform(keep)
		informer.For[corev1.ConfigMap](s.factory, one)
		informer.For[corev1.ConfigMap](s.factory, one)
		informer.For[corev1.ConfigMap](s.factory, all) // the factory's own
		if n := len(s.factory.Informers()) - before; n != 1 {
			t.Errorf("one transform makes %d caches", n)
		}
		informer.For[corev1.ConfigMap](s.factory, informer.Transform(keep))
		informer.For[corev1.ConfigMap](s.factory, informer.Transform[corev1.ConfigMap](nil))
		informer.For[corev1.ConfigMap](s.factory, informer.TransformBytes(nil))
		if n := len(s.factory.Informers()) - before; n != 3 {
			t.Errorf("two transforms and none make %d caches", n)
		}
	}, all)
}

// A transform of another Go type than the informer's is a mistake.
func TestATransformOfAnotherType(t *testing.T) {
	play(t, func(s *scene) {
		s.synced()
		pods := informer.Transform(func(*corev1.Pod) bool { return true })
		maps := kind.Info{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
		for what, err := range map[string]error{
			"For":         informer.For[corev1.ConfigMap](s.factory, pods).Err(),
			"ForResource": informer.ForResource(s.factory, maps, pods).Err(),
			"Metadata":    informer.Metadata(s.factory, maps, pods).Err(),
		} {
			var misuse *kind.MisuseError
			if !errors.As(err, &misuse) || !strings.Contains(err.Error(), "its Transform takes a *v1.Pod") {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, err := range map[string]error{
			"For":         informer.For[corev1.Pod](s.factory, pods).Err(),
			"ForResource": informer.ForResource(s.factory, maps, informer.Transform(func(*unstructured.Unstructured) bool { return true })).Err(),
			"Metadata":    informer.Metadata(s.factory, maps, informer.Transform(func(*metav1.PartialObjectMetadata) bool { return true })).Err(),
		} {
			if err != nil {
				t.Errorf("%s of its own type: %v", what, err)
			}
		}
	})
}

// On a real server, in protobuf and in JSON, typed, not typed and metadata only: the cache has what the
// transform leaves, and only that, also after the API server has started again.
func TestTransformOnARealServer(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.New(t)
	c := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	create := func(name string) {
		p := pod(name)
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "LARGE", Value: strings.Repeat("x", 1000)}}
		if err := c.Post().Namespace(namespace).Resource("pods").Body(p).Do(ctx).Error(); err != nil {
			t.Fatal(err)
		}
	}
	label := func(name, value string) (written corev1.Pod) {
		persistent(t, ctx, func() error {
			return c.Patch(types.MergePatchType).Namespace(namespace).Resource("pods").Name(name).
				Body([]byte(`{"metadata":{"labels":{"app":"` + value + `"}}}`)).Do(ctx).Into(&written)
		})
		return written
	}
	create("one")
	create("two")

	chosen, err := fieldpath.New(reflect.TypeFor[corev1.Pod](), "metadata", "spec.nodeName")
	if err != nil {
		t.Fatal(err)
	}
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	pods := kind.Info{Version: "v1", Kind: "Pod", Resource: "pods", Namespaced: true, Protobuf: true}
	shown := func(labels map[string]string) bool { return labels["app"] != "hidden" }
	caches := map[string]interface {
		informer.Untyped
		names() string
		has(name, field string) bool
	}{}
	caches["decoded, protobuf"] = testCache[corev1.Pod]{informer.For[corev1.Pod](factory, informer.Transform(func(p *corev1.Pod) bool {
		p.Spec = corev1.PodSpec{}
		return shown(p.Labels)
	}))}
	caches["decoded, JSON"] = testCache[corev1.Pod]{informer.For[corev1.Pod](factory, informer.JSON(), informer.Transform(func(p *corev1.Pod) bool {
		p.Spec = corev1.PodSpec{}
		return shown(p.Labels)
	}))}
	caches["bytes, protobuf"] = testCache[corev1.Pod]{informer.For[corev1.Pod](factory, informer.TransformBytes(func(o wire.Object) ([]byte, bool) {
		kept, err := o.Keep(chosen, nil)
		if err != nil {
			t.Error(err)
		}
		return kept.Data, o.Meta.Labels.Get("app") != "hidden"
	}))}
	caches["not typed"] = testCache[unstructured.Unstructured]{informer.ForResource(factory, pods, informer.Transform(func(u *unstructured.Unstructured) bool {
		delete(u.Object, "spec")
		return shown(u.GetLabels())
	}))}
	caches["metadata"] = testCache[metav1.PartialObjectMetadata]{informer.Metadata(factory, pods, informer.Transform(func(m *metav1.PartialObjectMetadata) bool {
		m.Annotations = nil
		return shown(m.Labels)
	}))}
	errs := make(chan error, 100)
	model := newModel[corev1.Pod]("handler")
	hidden := informer.For[corev1.Pod](factory, informer.OnError(func(err error) { errs <- err }), informer.Transform(func(p *corev1.Pod) bool {
		return shown(p.Labels)
	}))
	hidden.AddHandler(model.handler())
	run(t, ctx, factory)

	want := func(version, names string) {
		t.Helper()
		for what, cache := range caches {
			if err := cache.WaitFor(ctx, version); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if got := cache.names(); got != names {
				t.Errorf("%s: the cache has %s, not %s", what, got, names)
			}
			if cache.has("two", "LARGE") || cache.has("two", "note") != (what != "metadata") {
				t.Errorf("%s: the transform is not seen", what)
			}
		}
	}
	want(label("one", "seen").ResourceVersion, "one two")
	want(label("one", "hidden").ResourceVersion, "two")
	if err := cluster.RestartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	want(label("two", "other").ResourceVersion, "two")
	last := label("one", "seen")
	want(last.ResourceVersion, "one two")
	all := map[string]string{}
	if err := hidden.WaitFor(ctx, last.ResourceVersion); err != nil {
		t.Fatal(err)
	}
	for item := range hidden.Lister().Items(informer.Query{}) {
		all[item.Key()] = state(item)
	}
	model.waitFor(t, ctx, all)
	if adds, deletes := model.count("add"), model.count("delete"); adds != 3 || deletes != 1 {
		t.Errorf("handlers got %d additions and %d deletions", adds, deletes)
	}
}

// testCache is an informer of any type.
type testCache[T any] struct{ *informer.Informer[T] }

func (c testCache[T]) names() string {
	var names []string
	for item, err := range c.Lister().Items(informer.Query{}) {
		if err != nil {
			return err.Error()
		}
		names = append(names, item.Name())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// has reports whether a pod's bytes hold a text.
func (c testCache[T]) has(name, text string) bool {
	for item := range c.Lister().Items(informer.Query{}) {
		if o, err := item.Wire(); err == nil && item.Name() == name && bytes.Contains(o.Data, []byte(text)) {
			return true
		}
	}
	return false
}
