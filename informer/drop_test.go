package informer_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// Informers share a cache if they drop the same fields, however those are written, and not if they
// drop others.
func TestWhatIsDroppedMakesACache(t *testing.T) {
	play(t, func(s *scene) {
		before := len(s.factory.Informers())
		informer.For[corev1.ConfigMap](s.factory, informer.Drop("binaryData", "metadata.annotations"))
		informer.For[corev1.ConfigMap](s.factory, informer.Drop("metadata.annotations", "binaryData", "binaryData"))
		if n := len(s.factory.Informers()) - before; n != 1 {
			t.Errorf("the same fields make %d caches", n)
		}
		informer.For[corev1.ConfigMap](s.factory, informer.Drop("binaryData"))
		informer.For[corev1.ConfigMap](s.factory)
		if n := len(s.factory.Informers()) - before; n != 2 {
			t.Errorf("two sets of fields make %d caches", n)
		}
	})
}

// What is dropped is nowhere: not in the object, not in its bytes.
func TestWhatIsDroppedIsGone(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		w.event("ADDED", `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":"c","uid":"uc","resourceVersion":"11","annotations":{"secret":"1","other":"2"}},"data":{"x":"1"}}`)
		s.knows("a=ua/5 b=ub/7 c=uc/11")
		item, _ := s.maps.Lister().Item("ns", "c")
		m, err := item.Object()
		if err != nil || len(m.Data) != 0 || len(m.Annotations) != 1 || m.Annotations["other"] != "2" {
			t.Errorf("read %+v (%v)", m, err)
		}
		if o, err := item.Wire(); err != nil || strings.Contains(string(o.Data), "data") && strings.Contains(string(o.Data), `"x"`) || strings.Contains(string(o.Data), "secret") {
			t.Errorf("its bytes are %s (%v)", o.Data, err)
		}
		if _, ok := item.Annotation("secret"); ok {
			t.Error("its annotation is there")
		}
	}, informer.Drop("data", "metadata.annotations['secret']"))
}

// A path that cannot be dropped is told by everything that would use the informer, and no stream is
// opened for it.
func TestAFieldThatCannotBeDropped(t *testing.T) {
	for _, path := range []string{"dat", "metadata.name", "data["} {
		t.Run(path, func(t *testing.T) {
			play(t, func(s *scene) {
				s.synced()
				bad := informer.For[corev1.ConfigMap](s.factory, informer.Drop(path))
				var wrong *fieldpath.Error
				_, get := bad.Lister().Get("ns", "a")
				_, list := bad.Lister().List(informer.Query{})
				_, index := bad.Lister().List(informer.Query{Index: informer.NamespaceIndex, Value: "ns"})
				view := bad.Lister().View("ns", "a", func(*corev1.ConfigMap) error { return nil })
				for what, err := range map[string]error{
					"WaitForSync": bad.WaitForSync(s.ctx), "WaitFor": bad.WaitFor(s.ctx, "1"), "Factory.WaitForSync": s.factory.WaitForSync(s.ctx),
					"Get": get, "List": list, "ByIndex": index, "View": view, "Status": bad.Status().LastError,
				} {
					if !errors.As(err, &wrong) || !strings.Contains(err.Error(), path) {
						t.Errorf("%s: %v", what, err)
					}
				}
				for _, err := range bad.Lister().All(informer.Query{}) {
					if !errors.As(err, &wrong) {
						t.Errorf("All: %v", err)
					}
				}
				for _, err := range views(bad.Lister(), informer.Query{}) {
					if !errors.As(err, &wrong) {
						t.Errorf("Views: %v", err)
					}
				}
				if got := bad.String(); !strings.Contains(got, "configmaps") {
					t.Errorf("the informer is called %q", got)
				}
				if informer.For[corev1.ConfigMap](s.factory).WaitForSync(s.ctx) != nil {
					t.Error("the informer that drops nothing suffers from it")
				}
			})
		})
	}
}

// On a real server, in protobuf and in JSON, typed and not: dropped fields are gone and the others
// are there; a partial read, a view and an index by a field say what the whole object says.
func TestReadingFromARealServer(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.Start(t)
	c := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	for _, name := range []string{"one", "two"} {
		p := pod(name)
		p.Spec.NodeName = "node-" + name
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "LARGE", Value: strings.Repeat("x", 1000)}}
		p.Spec.Containers[0].Args = []string{"--of", name}
		if err := c.Post().Namespace(namespace).Resource("pods").Body(p).Do(ctx).Error(); err != nil {
			t.Fatal(err)
		}
	}
	drop := informer.Drop("spec.containers[*].env", "status.conditions")
	fields := informer.MustFields[corev1.Pod]("metadata.name", "spec.nodeName", "spec.containers[*].args")
	for name, opts := range map[string][]informer.Option{
		"protobuf": {drop, informer.CheckViews()}, "JSON": {drop, informer.CheckViews(), informer.JSON()},
	} {
		t.Run(name, func(t *testing.T) {
			factory := informer.NewFactory(c, append(opts, informer.Namespace(namespace))...)
			pods := informer.For[corev1.Pod](factory)
			dynamic := informer.ForResource(factory, pods.Kind())
			// In JSON both are one cache, so the names differ.
			if err := errors.Join(pods.AddFieldIndex("node", "spec.nodeName"), dynamic.AddFieldIndex("node of the untyped", "spec.nodeName")); err != nil {
				t.Fatal(err)
			}
			run(t, ctx, factory)
			if n, err := pods.Lister().Len(informer.Query{}); n != 2 || err != nil {
				t.Fatalf("%d pods are cached (%v)", n, err)
			}
			for range 3 {
				for view, err := range views(pods.Lister(), informer.Query{}) {
					if err != nil {
						t.Fatal(err)
					}
					checkReads(t, pods, fields, view)
				}
				for view, err := range views(dynamic.Lister(), informer.Query{}) {
					if err != nil {
						t.Fatal(err)
					}
					if text, err := view.MarshalJSON(); err != nil || strings.Contains(string(text), "LARGE") || !strings.Contains(string(text), "--of") {
						t.Errorf("untyped it is %s (%v)", text, err)
					}
					node, _, _ := unstructured.NestedString(view.Object, "spec", "nodeName")
					found, err := dynamic.Lister().List(informer.Query{Index: "node of the untyped", Value: node})
					if err != nil || len(found) != 1 || found[0].GetName() != view.GetName() {
						t.Errorf("on %q there is %v (%v)", node, found, err)
					}
				}
			}
		})
	}
}

func checkReads(t *testing.T, pods *informer.Informer[corev1.Pod], fields *informer.Fields[corev1.Pod], view *corev1.Pod) {
	t.Helper()
	item, err := pods.Lister().Item(view.Namespace, view.Name)
	if err != nil {
		t.Fatalf("%s is lent and not there: %v", view.Name, err)
	}
	main := view.Spec.Containers[0]
	if len(main.Env) != 0 || len(view.Status.Conditions) != 0 || len(main.Args) != 2 || main.Args[1] != view.Name || main.Image == "" || view.Status.Phase != corev1.PodPending {
		t.Errorf("%s is lent as %+v", view.Name, view)
	}
	part, err := item.Partial(fields)
	if err != nil || part.Name != view.Name || part.Spec.NodeName != view.Spec.NodeName || len(part.Spec.Containers) != 1 ||
		part.Spec.Containers[0].Args[1] != view.Name || part.Spec.Containers[0].Image != "" || part.UID != "" {
		t.Errorf("a part of %s is %+v (%v)", view.Name, part, err)
	}
	found, err := pods.Lister().List(informer.Query{Index: "node", Value: "node-" + view.Name})
	if err != nil || len(found) != 1 || found[0].UID != view.UID {
		t.Errorf("on %s's node there is %v (%v)", view.Name, found, err)
	}
}
