package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// says is a client of a server that answers everything by 200 and a body.
func says(t *testing.T, body, contentType string) *rest.Client {
	t.Helper()
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example",
		WrapTransport: func(http.RoundTripper) http.RoundTripper {
			return answers(func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Status: "200 OK", Request: req,
					Header: http.Header{"Content-Type": {contentType}}, ContentLength: int64(len(body)),
					Body: io.NopCloser(strings.NewReader(body))}, nil
			})
		}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type answers func(*http.Request) (*http.Response, error)

func (f answers) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func protobuf(t *testing.T, obj any, apiVersion, kind string) string {
	t.Helper()
	data, err := wire.Encode(obj, wire.Protobuf, apiVersion, kind)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const (
	jsonType     = "application/json"
	protobufType = "application/vnd.kubernetes.protobuf"
	failedStatus = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no","reason":"Forbidden","code":403}`
)

// Whatever verb gets an answer of another kind, group or version: it is refused, with both types
// named; a failed Status with 200 is the error that it is; nothing is returned beside an error.
func TestAnswersOfAnotherKindAreRefused(t *testing.T) {
	ctx := t.Context()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "n"}}
	type call func(c *client.Client[corev1.Pod]) (any, error)
	one := map[string]call{
		"get": func(c *client.Client[corev1.Pod]) (any, error) { return nilIf(c.Get(ctx, "a", metav1.GetOptions{})) },
		"create": func(c *client.Client[corev1.Pod]) (any, error) {
			return nilIf(c.Create(ctx, pod, metav1.CreateOptions{}))
		},
		"update": func(c *client.Client[corev1.Pod]) (any, error) {
			return nilIf(c.Update(ctx, pod, metav1.UpdateOptions{}))
		},
		"update the status": func(c *client.Client[corev1.Pod]) (any, error) {
			return nilIf(c.UpdateStatus(ctx, pod, metav1.UpdateOptions{}))
		},
		"patch": func(c *client.Client[corev1.Pod]) (any, error) {
			return nilIf(c.Patch(ctx, "a", types.MergePatchType, []byte("{}"), metav1.PatchOptions{}))
		},
		"patch a subresource": func(c *client.Client[corev1.Pod]) (any, error) {
			return nilIf(c.Patch(ctx, "a", types.MergePatchType, []byte("{}"), metav1.PatchOptions{}, "ephemeralcontainers"))
		},
		"apply": func(c *client.Client[corev1.Pod]) (any, error) {
			return nilIf(c.Apply(ctx, pod, metav1.ApplyOptions{FieldManager: "me"}))
		},
		"apply the status": func(c *client.Client[corev1.Pod]) (any, error) {
			return nilIf(c.ApplyStatus(ctx, pod, metav1.ApplyOptions{FieldManager: "me"}))
		},
		"delete": func(c *client.Client[corev1.Pod]) (any, error) {
			return nil, c.Delete(ctx, "a", metav1.DeleteOptions{})
		},
	}
	list := map[string]call{
		"list": func(c *client.Client[corev1.Pod]) (any, error) { return nilIf(c.List(ctx, metav1.ListOptions{})) },
		"all": func(c *client.Client[corev1.Pod]) (any, error) {
			for p, err := range c.All(ctx, metav1.ListOptions{}) {
				return nilIf(p, err)
			}
			return nil, nil
		},
		"delete all": func(c *client.Client[corev1.Pod]) (any, error) {
			return nil, c.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
		},
	}
	watch := map[string]call{"watch": func(c *client.Client[corev1.Pod]) (any, error) {
		w, err := c.Watch(ctx, metav1.ListOptions{})
		if err != nil {
			return nilIf(w, err)
		}
		defer w.Close()
		event, err := w.Next()
		return nilIf(event.Object, err)
	}}
	check := func(t *testing.T, name string, calls map[string]call, body, contentType string, verify func(error) string) {
		t.Helper()
		for verb, call := range calls {
			got, err := call(client.Of[corev1.Pod](says(t, body, contentType)).In("n"))
			if err == nil {
				t.Errorf("%s of %s: taken: %+v", verb, name, got)
				continue
			}
			if problem := verify(err); problem != "" {
				t.Errorf("%s of %s: %s: %v", verb, name, problem, err)
			}
			if got != nil {
				t.Errorf("%s of %s returns an object beside the error: %+v", verb, name, got)
			}
			if strings.Contains(err.Error(), "was carried out") || strings.Contains(err.Error(), "succeeded") {
				t.Errorf("%s of %s claims success: %v", verb, name, err)
			}
		}
	}
	names := func(got, want string) func(error) string {
		return func(err error) string {
			switch {
			case !strings.Contains(err.Error(), got) || !strings.Contains(err.Error(), want):
				return "it does not name " + got + " and " + want
			}
			return ""
		}
	}
	forbidden := func(err error) string {
		if !apierrors.IsForbidden(err) {
			return "it is no StatusError"
		}
		return ""
	}

	v9 := `{"apiVersion":"example.com/v9","kind":"Pod","metadata":{"name":"a","namespace":"n"}}`
	service := `{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","namespace":"n"}}`
	untyped := `{"metadata":{"name":"a","namespace":"n"}}`
	for name, test := range map[string]struct{ object, got string }{
		"another version":    {v9, "example.com/v9 Pod"},
		"another kind":       {service, "v1 Service"},
		"the kind's list":    {`{"apiVersion":"v1","kind":"PodList","items":[]}`, "v1 PodList"},
		"a Table":            {`{"apiVersion":"meta.k8s.io/v1","kind":"Table","rows":[]}`, "meta.k8s.io/v1 Table"},
		"another case":       {`{"apiVersion":"v1","kind":"pod","metadata":{"name":"a"}}`, "v1 pod"},
		"another apiVersion": {`{"apiVersion":"v2","metadata":{"name":"a"}}`, "v2"},
	} {
		check(t, name, one, test.object, jsonType, names(test.got, "v1 Pod"))
		check(t, name, watch, `{"type":"ADDED","object":`+test.object+`}`, jsonType, names(test.got, "v1 Pod"))
		check(t, name+" as the last event", watch, `{"type":"DELETED","object":`+test.object+`}`, jsonType, names(test.got, "v1 Pod"))
		check(t, name+" as a bookmark", watch, `{"object":`+test.object+`,"type":"BOOKMARK"}`, jsonType, names(test.got, "v1 Pod"))
		check(t, name+" among the items", list, `{"apiVersion":"v1","kind":"PodList","items":[`+test.object+`]}`, jsonType, names(test.got, "v1 Pod"))
		check(t, name+" in a List", list, `{"apiVersion":"v1","kind":"List","items":[`+test.object+`]}`, jsonType, names(test.got, "v1 Pod"))
	}
	for name, test := range map[string]struct{ body, got string }{
		"another list":            {`{"apiVersion":"v1","kind":"ServiceList","metadata":{"resourceVersion":"1"},"items":[]}`, "v1 ServiceList"},
		"another list of objects": {`{"apiVersion":"v1","kind":"ServiceList","items":[` + untyped + `]}`, "v1 ServiceList"},
		"its type comes last":     {`{"items":[],"apiVersion":"v1","kind":"ServiceList"}`, "v1 ServiceList"},
		"another version's list":  {`{"apiVersion":"example.com/v9","kind":"PodList","items":[]}`, "example.com/v9 PodList"},
		"one object":              {service, "Service"},
		"a Table":                 {`{"apiVersion":"meta.k8s.io/v1","kind":"Table","rows":[]}`, "Table"},
	} {
		check(t, name, list, test.body, jsonType, names(test.got, ""))
	}
	aService := protobuf(t, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, "v1", "Service")
	aPod := protobuf(t, pod, "example.com/v9", "Pod")
	check(t, "another kind in protobuf", one, aService, protobufType, names("v1 Service", "v1 Pod"))
	check(t, "another version in protobuf", one, aPod, protobufType, names("example.com/v9 Pod", "v1 Pod"))
	services := protobuf(t, &corev1.ServiceList{Items: []corev1.Service{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}}}, "v1", "ServiceList")
	check(t, "another list in protobuf", list, services, protobufType, names("v1 ServiceList", "v1 PodList"))
	check(t, "one object in protobuf", list, aService, protobufType, names("Service", ""))

	status := protobuf(t, &metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonForbidden, Code: 403}, "v1", "Status")
	for _, calls := range []map[string]call{one, list, watch} {
		check(t, "a failed Status", calls, failedStatus, jsonType, forbidden)
		check(t, "a failed Status in another order", calls, `{"code":403,"reason":"Forbidden","status":"Failure","kind":"Status","apiVersion":"v1"}`, jsonType, forbidden)
	}
	check(t, "a failed Status in protobuf", one, status, protobufType, forbidden)
	check(t, "a failed Status in protobuf", list, status, protobufType, forbidden)
	for _, calls := range []map[string]call{one, list, watch} {
		check(t, "a web page", calls, "<html>log in</html>", "text/html", names("text/html", "https://server.example"))
		check(t, "JSON of something else", calls, `{"status":"ok"}`, jsonType, names("https://server.example", ""))
	}

	// What is right stays right: without types, in a List, and after a deletion.
	for body, calls := range map[string]map[string]call{
		untyped:                       {"get": one["get"], "create": one["create"], "delete": one["delete"]},
		`{"items":[` + untyped + `]}`: list,
		`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}]}`: list,
		`{"apiVersion":"v1","kind":"PodList","items":[` + untyped + `]}`:                                       list,
		`{"type":"ADDED","object":` + untyped + `}`:                                                            watch,
		`{"kind":"Status","apiVersion":"v1","status":"Success"}`:                                               {"delete": one["delete"], "delete all": list["delete all"]},
		"": {"delete": one["delete"], "delete all": list["delete all"]},
	} {
		for verb, call := range calls {
			if _, err := call(client.Of[corev1.Pod](says(t, body, jsonType)).In("n")); err != nil {
				t.Errorf("%s of %s: %v", verb, body, err)
			}
		}
	}
}

// nilIf returns an untyped nil for a nil pointer.
func nilIf[T any](p *T, err error) (any, error) {
	if p == nil {
		return nil, err
	}
	return p, err
}

// An answer that is of the right kind and cannot be decoded is an error, and no object.
func TestAnswersThatCannotBeDecoded(t *testing.T) {
	for body, contentType := range map[string]string{
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":[]}`: jsonType,
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":7}}`:             jsonType,
		"k8s\x00\x0a\x0b\x0a\x02v1\x12\x05Pod\x00\x00\x12\x02\x12\x7f":       protobufType,
	} {
		c := client.Of[corev1.Pod](says(t, body, contentType)).In("n")
		pod, err := c.Get(context.Background(), "a", metav1.GetOptions{})
		if pod != nil || err == nil {
			t.Errorf("%q: %+v, %v", body, pod, err)
		}
		var status *apierrors.StatusError
		if errors.As(err, &status) {
			t.Errorf("%q: %v", body, err)
		}
	}
}
