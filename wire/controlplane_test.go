package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func connect(t *testing.T) *rest.Client {
	t.Helper()
	c, err := rest.NewClient(controlplane.Start(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// What a real API server serves without anyone having made anything, in all shapes of metadata:
// hundreds of cluster roles with managedFields, CRDs' and API services' own types.
var served = []string{
	"/api/v1/namespaces", "/api/v1/configmaps", "/api/v1/serviceaccounts", "/api/v1/services", "/api/v1/events", "/api/v1/nodes", "/api/v1/secrets",
	"/apis/rbac.authorization.k8s.io/v1/clusterroles", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
	"/apis/rbac.authorization.k8s.io/v1/roles", "/apis/rbac.authorization.k8s.io/v1/rolebindings",
	"/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
	"/apis/scheduling.k8s.io/v1/priorityclasses", "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/apps/v1/deployments",
	"/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/discovery.k8s.io/v1/endpointslices", "/apis/networking.k8s.io/v1/servicecidrs",
}

func TestListsOfARealAPIServer(t *testing.T) {
	c := connect(t)
	makeFoos(t, c) // so that there is a CRD
	objects := 0
	for _, path := range served {
		t.Run(path, func(t *testing.T) {
			// One state in both formats, so that they can be compared.
			now, err := c.Get().AbsPath(path).Format(wire.JSON).DoRaw(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, list, err := readList(bytes.NewReader(now), wire.JSON, wire.Options{})
			if err != io.EOF {
				t.Fatal(err)
			}
			var metas [][]wire.Meta
			for _, f := range formats {
				data, err := c.Get().AbsPath(path).Param("resourceVersion", list.ResourceVersion).Param("resourceVersionMatch", "Exact").
					Format(f).DoRaw(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got, meta, err := readList(bytes.NewReader(data), f, wire.Options{})
				if err != io.EOF {
					t.Fatal(err)
				}
				if meta.ResourceVersion != list.ResourceVersion || meta.APIVersion == "" || !strings.HasSuffix(meta.Kind, "List") {
					t.Fatalf("%v: the list is %+v", f, meta)
				}
				var m []wire.Meta
				for _, o := range got {
					if o.APIVersion != meta.APIVersion || o.Kind+"List" != meta.Kind || o.Meta.UID == "" || bytes.Contains(o.Data, []byte("fieldsV1")) {
						t.Errorf("%v: got %+v", f, o)
					}
					m = append(m, o.Meta)
				}
				metas = append(metas, m)
				checkItems(t, f, data, got)
			}
			if !reflect.DeepEqual(metas[0], metas[1]) {
				t.Errorf("JSON and protobuf say different things:\n%+v\n%+v", metas[0], metas[1])
			}
			objects += len(metas[0])
		})
	}
	if objects < 150 {
		t.Errorf("%d objects are no test", objects)
	}
}

// checkItems compares with what Kubernetes decodes, of the types that the scheme knows.
func checkItems(t *testing.T, f wire.Format, data []byte, got []wire.Object) {
	t.Helper()
	list, _, err := serializer(f).Decode(data, nil, nil)
	if err != nil {
		return // not in the scheme
	}
	items, err := apimeta.ExtractList(list)
	if err != nil || len(items) != len(got) {
		t.Fatalf("%v: %d items, Kubernetes decodes %d, %v", f, len(got), len(items), err)
	}
	for i, want := range items {
		want.(metav1.Object).SetManagedFields(nil)
		want.GetObjectKind().SetGroupVersionKind(kindOf(t, want))
		into := reflect.New(reflect.TypeOf(want).Elem()).Interface()
		if err := wire.Decode(got[i], into); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(into, want) {
			t.Fatalf("%v: item %d\n got %+v\nwant %+v", f, i, into, want)
		}
	}
}

const foos = "/apis/wire.skiff.test/v1/foos"

// makeFoos makes a custom resource and some objects of it.
func makeFoos(t *testing.T, c *rest.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const crd = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"foos.wire.skiff.test"},
		"spec":{"group":"wire.skiff.test","scope":"Cluster","names":{"plural":"foos","kind":"Foo"},"versions":[{"name":"v1","served":true,"storage":true,
		"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`
	apply := func(path, body string) error {
		return c.Patch(types.ApplyPatchType).AbsPath(path).Param("fieldManager", "wire-test").Param("force", "true").Body([]byte(body)).Do(ctx).Error()
	}
	if err := apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.wire.skiff.test", crd); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		body := fmt.Sprintf(`{"apiVersion":"wire.skiff.test/v1","kind":"Foo","metadata":{"name":"foo-%d","labels":{"b":"2","a":"1"}},"spec":{"n":9007199254740993}}`, i)
		for {
			err := apply(fmt.Sprintf("%s/foo-%d", foos, i), body)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				t.Fatal(err)
			}
			select { // the resource is served a moment after its definition is there
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// Custom resources come in JSON only, with their keys sorted: what the list is stands after its
// items.
func TestCustomResourcesOfARealAPIServer(t *testing.T) {
	c := connect(t)
	makeFoos(t, c)
	var names []string
	token := ""
	for page := 0; page == 0 || token != ""; page++ {
		data, err := c.Get().AbsPath(foos).Param("limit", "2").Param("continue", token).DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		objects, meta, err := readList(bytes.NewReader(data), wire.JSON, wire.Options{})
		if err != io.EOF || meta.Kind != "FooList" || meta.ResourceVersion == "" {
			t.Fatalf("%+v, %v", meta, err)
		}
		if token = meta.Continue; token != "" && (meta.RemainingItemCount == nil || *meta.RemainingItemCount != int64(3-2*page)) {
			t.Errorf("page %d: %+v", page, meta)
		}
		for _, o := range objects {
			var u unstructured.Unstructured
			if err := wire.Decode(o, &u); err != nil {
				t.Fatal(err)
			}
			n, _, _ := unstructured.NestedInt64(u.Object, "spec", "n")
			if o.Kind != "Foo" || u.GetKind() != "Foo" || u.GetName() != o.Meta.Name || n != 9007199254740993 || u.GetManagedFields() != nil {
				t.Errorf("got %+v, %v", o, u)
			}
			names = append(names, o.Meta.Name)
		}
	}
	if len(names) != 5 {
		t.Errorf("got %q", names)
	}
}

func TestWatchOfARealAPIServer(t *testing.T) {
	c := connect(t)
	for _, f := range formats {
		t.Run(f.String(), func(t *testing.T) {
			ns := controlplane.Start(t).Namespace(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			configMaps := func(r *rest.Request) *rest.Request { return r.Namespace(ns).Resource("configmaps") }
			write := func(r *rest.Request, name, value string) {
				t.Helper()
				o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "a"}}, Data: map[string]string{"k": value}}
				if err := r.Body(o).Do(ctx).Error(); err != nil {
					t.Fatal(err)
				}
			}
			write(configMaps(c.Post()), "first", "1")

			w, err := configMaps(c.Get()).Param("sendInitialEvents", "true").Param("resourceVersionMatch", "NotOlderThan").
				Param("allowWatchBookmarks", "true").Format(f).Watch(ctx, wire.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			next := func() wire.Event {
				t.Helper()
				e, err := w.Next()
				if err != nil {
					t.Fatal(err)
				}
				if e.Object.Format != f || e.Object.Kind != "ConfigMap" || e.Object.APIVersion != "v1" || e.Object.Meta.ResourceVersion == "" {
					t.Fatalf("got %+v", e)
				}
				return e
			}
			for e := next(); !e.InitialEventsEnd(); e = next() {
				if e.Type != wire.Added {
					t.Fatalf("got %+v", e)
				}
			}
			write(configMaps(c.Post()), "second", "1")
			write(configMaps(c.Put()).Name("second"), "second", "2")
			if err := configMaps(c.Delete()).Name("second").Do(ctx).Error(); err != nil {
				t.Fatal(err)
			}
			for _, want := range []struct {
				wire.EventType
				value string
			}{{wire.Added, "1"}, {wire.Modified, "2"}, {wire.Deleted, "2"}} {
				e := next()
				for e.Type == wire.Bookmark || e.Object.Meta.Name != "second" {
					e = next()
				}
				var got corev1.ConfigMap
				if err := wire.Decode(e.Object, &got); err != nil {
					t.Fatal(err)
				}
				if e.Type != want.EventType || got.Data["k"] != want.value || got.ManagedFields != nil || !reflect.DeepEqual(metaOf(&got), e.Object.Meta) {
					t.Errorf("got %+v, want %+v", e, want)
				}
			}
		})
	}
}

// A watch that is to begin before what the server remembers (of a new resource, before it was there)
// ends with an Error event.
func TestExpiredWatchOfARealAPIServer(t *testing.T) {
	c := connect(t)
	makeFoos(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := c.Get().AbsPath(foos).Param("resourceVersion", "1").Watch(ctx, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	e, err := w.Next()
	if err != nil {
		t.Fatal(err)
	}
	status, err := e.Status()
	if err != nil || status.Code != http.StatusGone || status.Reason != metav1.StatusReasonExpired {
		t.Errorf("got %+v, %v, %v", e, status, err)
	}
	if e, err := w.Next(); err != io.EOF {
		t.Errorf("after it came %+v, %v", e, err)
	}
}
