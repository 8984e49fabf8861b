package dynamic_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

type answers func(*http.Request) (*http.Response, error)

func (f answers) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func says(t *testing.T, body string) *dynamic.Client {
	t.Helper()
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example",
		WrapTransport: func(http.RoundTripper) http.RoundTripper {
			return answers(func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Status: "200 OK", Request: req,
					Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)),
					Body: io.NopCloser(strings.NewReader(body))}, nil
			})
		}})
	if err != nil {
		t.Fatal(err)
	}
	return dynamic.New(c)
}

// Whatever verb gets an answer of another kind or version is refused, for a resource that is known
// (pods) and for one that is not (widgets), of which the version and the kind that is sent count.
func TestAnswersOfAnotherKindAreRefused(t *testing.T) {
	ctx := context.Background()
	for _, r := range []struct {
		gvr                  schema.GroupVersionResource
		apiVersion, kindName string
		known                bool
	}{
		{schema.GroupVersionResource{Version: "v1", Resource: "pods"}, "v1", "Pod", true},
		{schema.GroupVersionResource{Group: "acme.example", Version: "v1", Resource: "widgets"}, "acme.example/v1", "Widget", false},
	} {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": r.apiVersion, "kind": r.kindName,
			"metadata": map[string]any{"name": "a", "namespace": "n"}}}
		type call func(*dynamic.Resource) (*unstructured.Unstructured, error)
		writes := map[string]call{
			"create": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				return d.Create(ctx, u, metav1.CreateOptions{})
			},
			"update": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				return d.Update(ctx, u, metav1.UpdateOptions{})
			},
			"update the status": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				return d.UpdateStatus(ctx, u, metav1.UpdateOptions{})
			},
			"apply": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				return d.Apply(ctx, u, metav1.ApplyOptions{FieldManager: "me"})
			},
		}
		reads := map[string]call{
			"get": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				return d.Get(ctx, "a", metav1.GetOptions{})
			},
			"patch": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				return d.Patch(ctx, "a", types.MergePatchType, []byte("{}"), metav1.PatchOptions{})
			},
			"delete": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				return nil, d.Delete(ctx, "a", metav1.DeleteOptions{})
			},
		}
		lists := map[string]call{
			"list": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				_, err := d.List(ctx, metav1.ListOptions{})
				return nil, err
			},
			"all": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				for o, err := range d.All(ctx, metav1.ListOptions{}) {
					return o, err
				}
				return nil, nil
			},
			"delete all": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
				return nil, d.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
			},
		}
		watch := map[string]call{"watch": func(d *dynamic.Resource) (*unstructured.Unstructured, error) {
			w, err := d.Watch(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, err
			}
			defer w.Close()
			e, err := w.Next()
			return e.Object, err
		}}
		refused := func(body string, calls ...map[string]call) {
			t.Helper()
			for _, calls := range calls {
				for verb, call := range calls {
					o, err := call(says(t, body).Resource(r.gvr).In("n"))
					if err == nil || o != nil {
						t.Errorf("%s %s of %s: %v, %v", verb, r.gvr.Resource, body, o, err)
					}
				}
			}
		}
		v9 := `{"apiVersion":"example.com/v9","kind":"` + r.kindName + `","metadata":{"name":"a","namespace":"n"}}`
		other := `{"apiVersion":"` + r.apiVersion + `","kind":"Other","metadata":{"name":"a","namespace":"n"}}`
		refused(v9, reads, writes)
		refused(`{"apiVersion":"`+r.apiVersion+`","kind":"`+r.kindName+`List","items":[`+v9+`]}`, lists)
		refused(`{"apiVersion":"example.com/v9","kind":"`+r.kindName+`List","items":[]}`, lists)
		refused(`{"type":"MODIFIED","object":`+v9+`}`, watch)
		refused(other, writes)
		refused(`{"status":"ok"}`, reads, writes, lists, watch)
		if r.known {
			refused(other, reads)
			refused(`{"apiVersion":"v1","kind":"ServiceList","items":[]}`, lists)
			refused(`{"type":"MODIFIED","object":`+other+`}`, watch)
		}
		const failed = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"Forbidden","code":403}`
		for _, calls := range []map[string]call{reads, writes, lists, watch} {
			for verb, call := range calls {
				if _, err := call(says(t, failed).Resource(r.gvr).In("n")); !apierrors.IsForbidden(err) {
					t.Errorf("%s %s of a failed Status: %v", verb, r.gvr.Resource, err)
				}
			}
		}
		// A Status of success is no object.
		refused(`{"kind":"Status","apiVersion":"v1","status":"Success"}`, map[string]call{"get": reads["get"],
			"update": writes["update"], "apply": writes["apply"], "patch": reads["patch"]})
	}
	// The kind of a custom resource's lists is its own choice.
	list, err := says(t, `{"apiVersion":"acme.example/v1","kind":"Widgets","items":[{"apiVersion":"acme.example/v1","kind":"Widget","metadata":{"name":"a"}}]}`).
		Resource(schema.GroupVersionResource{Group: "acme.example", Version: "v1", Resource: "widgets"}).List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}
