package rest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/wire"
)

// seen is what a server saw of a request.
type seen struct {
	method, url string
	header      http.Header
	body        []byte
}

// recorder is a server that answers anything with {} and remembers the last request.
func recorder(t *testing.T, change ...func(*Config)) (*Client, *seen) {
	s := new(seen)
	return fakeClient(t, func(req *http.Request) (*http.Response, error) {
		*s = seen{method: req.Method, url: req.URL.String(), header: req.Header}
		if req.Body != nil {
			s.body, _ = io.ReadAll(req.Body)
		}
		return answer(req, 200, "{}"), nil
	}, change...), s
}

const (
	jsonOnly      = "application/json"
	protobufFirst = "application/vnd.kubernetes.protobuf, application/json"
	anyAnswer     = "application/json, */*"
)

func TestWhatIsAskedFor(t *testing.T) {
	apps := schema.GroupVersion{Group: "apps", Version: "v1"}
	widgets := schema.GroupVersion{Group: "acme.example", Version: "v1"}
	gateways := schema.GroupVersion{Group: "gateway.networking.k8s.io", Version: "v1"}
	c, s := recorder(t)
	noProtobuf, s2 := recorder(t, func(cfg *Config) { cfg.JSONOnly = true })
	for _, test := range []struct {
		name string
		r    *Request
		seen *seen
		want string
	}{
		{"core", c.Get().Resource("pods"), s, protobufFirst},
		{"apps", c.GroupVersion(apps).Get().Resource("deployments"), s, protobufFirst},
		{"a custom resource", c.GroupVersion(widgets).Get().Resource("widgets"), s, jsonOnly},
		{"a custom resource of Kubernetes itself", c.GroupVersion(gateways).Get().Resource("gateways"), s, jsonOnly},
		{"a path", c.Get().AbsPath("/version"), s, anyAnswer},
		{"JSON by choice", c.Get().Resource("pods").Format(wire.JSON), s, jsonOnly},
		{"protobuf by choice", c.GroupVersion(widgets).Get().Resource("widgets").Format(wire.Protobuf), s, protobufFirst},
		{"a header", c.Get().Resource("pods").SetHeader("accept", "text/plain"), s, "text/plain"},
		{"JSONOnly", noProtobuf.Get().Resource("pods"), s2, jsonOnly},
		{"JSONOnly against a choice", noProtobuf.Get().Resource("pods").Format(wire.Protobuf), s2, jsonOnly},
	} {
		if err := test.r.Do(t.Context()).Error(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := test.seen.header.Get("Accept"); got != test.want {
			t.Errorf("%s: Accept is %q, not %q", test.name, got, test.want)
		}
	}
}

func TestEveryRequestHasItsHeaders(t *testing.T) {
	c, s := recorder(t, func(cfg *Config) { cfg.BearerToken = "token"; cfg.UserAgent = "tester/1" })
	if err := c.Get().Resource("pods").SetHeader("X-A", "1", "2").Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	if got := s.header.Get("Authorization"); got != "Bearer token" {
		t.Errorf("Authorization: %q", got)
	}
	if got := s.header.Get("User-Agent"); got != "tester/1" {
		t.Errorf("User-Agent: %q", got)
	}
	if got := s.header["X-A"]; len(got) != 2 {
		t.Errorf("X-A: %q", got)
	}
	if _, there := s.header["Content-Type"]; there || len(s.body) != 0 {
		t.Errorf("a request without a body has one: %q %q", s.header["Content-Type"], s.body)
	}
}

func TestParameters(t *testing.T) {
	c, s := recorder(t)
	seconds, force := int64(30), true
	for _, test := range []struct {
		r    *Request
		want string
	}{
		{c.Get().Resource("pods").VersionedParams(&metav1.ListOptions{LabelSelector: "a=b", Limit: 5, TimeoutSeconds: &seconds}), "labelSelector=a%3Db&limit=5&timeout=30s&timeoutSeconds=30"},
		{c.Get().Resource("pods").VersionedParams(&metav1.ListOptions{}), ""},
		{c.Get().Resource("pods").VersionedParams(nil), ""},
		{c.Get().Resource("pods").VersionedParams((*metav1.ListOptions)(nil)), ""},
		{c.Patch(types.ApplyPatchType).Resource("pods").Name("a").VersionedParams(&metav1.PatchOptions{FieldManager: "me", Force: &force, DryRun: []string{"All"}}),
			"dryRun=All&fieldManager=me&force=true"},
		{c.Get().Resource("pods").Name("a").SubResource("log").VersionedParams(&corev1.PodLogOptions{Container: "c", Follow: true}), "container=c&follow=true"},
		{c.Get().Resource("pods").Param("command", "a").Param("command", "b"), "command=a&command=b"},
	} {
		if err := test.r.Do(t.Context()).Error(); err != nil {
			t.Errorf("%s: %v", test.want, err)
		}
		if _, query, _ := strings.Cut(s.url, "?"); query != test.want {
			t.Errorf("the query is %q, not %q", query, test.want)
		}
	}
}

func TestBodies(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	widget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "acme.example/v1", "kind": "Widget"}}
	background := metav1.DeletePropagationBackground
	c, s := recorder(t)
	noProtobuf, s2 := recorder(t, func(cfg *Config) { cfg.JSONOnly = true })
	for _, test := range []struct {
		name        string
		r           *Request
		seen        *seen
		contentType string
		apiVersion  string
		kind        string // "" for a body that is no object
	}{
		{"a built-in type, named by its Go type", c.Post().Resource("pods").Body(pod), s, "application/vnd.kubernetes.protobuf", "v1", "Pod"},
		{"in JSON by choice", c.Post().Resource("pods").Body(pod).Format(wire.JSON), s, jsonOnly, "v1", "Pod"},
		{"in JSON by JSONOnly", noProtobuf.Post().Resource("pods").Body(pod), s2, jsonOnly, "v1", "Pod"},
		{"its status", c.Put().Resource("pods").Name("a").SubResource("status").Body(pod), s, "application/vnd.kubernetes.protobuf", "v1", "Pod"},
		{"what Kind says", c.Post().Resource("pods").Name("a").SubResource("eviction").Kind(policyv1.SchemeGroupVersion.WithKind("Eviction")).Body(eviction), s,
			"application/vnd.kubernetes.protobuf", "policy/v1", "Eviction"},
		{"what the object says", c.Post().Resource("widgets").Body(widget), s, jsonOnly, "acme.example/v1", "Widget"},
		{"options of a deletion", c.Delete().Resource("pods").Name("a").Body(&metav1.DeleteOptions{PropagationPolicy: &background}), s,
			"application/vnd.kubernetes.protobuf", "meta.k8s.io/v1", "DeleteOptions"},
		{"applied", c.Patch(types.ApplyPatchType).Resource("pods").Name("a").Body(pod), s, "application/apply-patch+yaml", "v1", "Pod"},
		{"bytes", c.Post().Resource("pods").Body([]byte("{}")), s, jsonOnly, "", ""},
		{"bytes in a format", c.Post().Resource("pods").Body([]byte("{}")).Format(wire.Protobuf), s, "application/vnd.kubernetes.protobuf", "", ""},
		{"bytes of a patch", c.Patch(types.MergePatchType).Resource("pods").Name("a").Body([]byte("{}")), s, "application/merge-patch+json", "", ""},
		{"bytes by header", c.Post().Resource("pods").Body([]byte("{}")).SetHeader("Content-Type", "text/x"), s, "text/x", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.r.Do(t.Context()).Error(); err != nil {
				t.Fatal(err)
			}
			if got := test.seen.header.Get("Content-Type"); got != test.contentType {
				t.Errorf("Content-Type is %q, not %q", got, test.contentType)
			}
			if test.kind == "" {
				if string(test.seen.body) != "{}" {
					t.Errorf("the body became %q", test.seen.body)
				}
				return
			}
			f := wire.JSON
			if strings.Contains(test.contentType, "protobuf") {
				f = wire.Protobuf
			}
			o, err := wire.ReadObject(test.seen.body, f, wire.Options{})
			if err != nil {
				t.Fatalf("%v in %q", err, test.seen.body)
			}
			if o.APIVersion != test.apiVersion || o.Kind != test.kind {
				t.Errorf("the body is a %s %s, not a %s %s", o.APIVersion, o.Kind, test.apiVersion, test.kind)
			}
		})
	}
	if pod.Kind != "" || pod.APIVersion != "" {
		t.Error("the caller's object was changed")
	}
}

func TestABodyWhoseKindCannotBeKnownIsAnError(t *testing.T) {
	c, _ := recorder(t)
	for name, r := range map[string]*Request{
		"of a subresource":    c.Post().Resource("pods").Name("a").SubResource("eviction").Body(&policyv1.Eviction{}),
		"at a path":           c.Post().AbsPath("/api/v1/pods").Body(&corev1.Pod{}),
		"that could be any":   c.Post().Resource("pods").Body(&unstructured.Unstructured{Object: map[string]any{}}),
		"of a type with nils": c.Post().Resource("pods").Body((*corev1.Pod)(nil)),
	} {
		if err := r.Do(t.Context()).Error(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestARequestCanBeSentAgain(t *testing.T) {
	c, s := recorder(t)
	r := c.Post().Resource("pods").Body(&corev1.Pod{})
	for range 2 {
		s.body = nil
		if err := r.Do(t.Context()).Error(); err != nil || len(s.body) == 0 {
			t.Errorf("%q, %v", s.body, err)
		}
	}
}

func TestOnlyAGetIsWatched(t *testing.T) {
	c, _ := recorder(t)
	if _, err := c.Post().Resource("pods").Watch(t.Context(), wire.Options{}); err == nil {
		t.Error("a POST was watched")
	}
	if _, err := c.Delete().Resource("pods").List(t.Context(), wire.Options{}); err == nil {
		t.Error("a DELETE was listed")
	}
}

func TestResults(t *testing.T) {
	get := func(t *testing.T, code int, body string, headers ...string) Result {
		c := fakeClient(t, func(req *http.Request) (*http.Response, error) { return answer(req, code, body, headers...), nil })
		return c.Get().Namespace("default").Resource("configmaps").Name("a").Do(t.Context())
	}
	t.Run("an object", func(t *testing.T) {
		res := get(t, 201, emptyConfigMap)
		var cm corev1.ConfigMap
		if err := res.Into(&cm); err != nil || cm.Name != "a" || cm.Kind != "ConfigMap" {
			t.Errorf("%+v, %v", cm, err)
		}
		if res.StatusCode() != 201 || res.ContentType() != jsonOnly || res.Error() != nil {
			t.Errorf("%d %q %v", res.StatusCode(), res.ContentType(), res.Error())
		}
		if raw, err := res.Raw(); err != nil || string(raw) != emptyConfigMap {
			t.Errorf("%q, %v", raw, err)
		}
		o, err := res.Object(wire.Options{})
		if err != nil || o.Meta.Key() != "default/a" || o.Format != wire.JSON {
			t.Errorf("%+v, %v", o, err)
		}
	})
	t.Run("protobuf", func(t *testing.T) {
		data, err := wire.Encode(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, wire.Protobuf, "v1", "ConfigMap")
		if err != nil {
			t.Fatal(err)
		}
		var cm corev1.ConfigMap
		if err := get(t, 200, string(data), "Content-Type", "application/vnd.kubernetes.protobuf").Into(&cm); err != nil || cm.Name != "a" {
			t.Errorf("%+v, %v", cm, err)
		}
	})
	t.Run("without a content type", func(t *testing.T) {
		var cm corev1.ConfigMap
		if err := get(t, 200, emptyConfigMap, "Content-Type", "").Into(&cm); err != nil {
			t.Error(err)
		}
	})
	t.Run("managedFields stay", func(t *testing.T) {
		var cm corev1.ConfigMap
		err := get(t, 200, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[{"manager":"me"}]}}`).Into(&cm)
		if err != nil || len(cm.ManagedFields) != 1 {
			t.Errorf("%+v, %v", cm, err)
		}
	})
	t.Run("a status of success", func(t *testing.T) {
		res := get(t, 200, `{"apiVersion":"v1","kind":"Status","status":"Success"}`)
		var status metav1.Status
		if err := res.Into(&status); err != nil || status.Status != "Success" {
			t.Errorf("%+v, %v", status, err)
		}
		err := res.Into(&corev1.ConfigMap{})
		if err == nil {
			t.Fatal("it became a ConfigMap")
		}
		mustContain(t, err.Error(), "the body is a Status", `get configmaps "a" in namespace "default"`)
	})
	t.Run("an object where a status is wanted", func(t *testing.T) {
		if err := get(t, 200, emptyConfigMap).Into(&metav1.Status{}); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a failure with status 200", func(t *testing.T) {
		res := get(t, 200, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","code":404}`)
		if err := res.Into(&corev1.ConfigMap{}); !apierrors.IsNotFound(err) {
			t.Errorf("error: %v", err)
		}
	})
	for name, test := range map[string]struct {
		body, contentType, want string
	}{
		"HTML":                  {"<html>log in</html>", "text/html", "does Host name a Kubernetes API server?"},
		"empty":                 {"", jsonOnly, "empty"},
		"truncated":             {`{"apiVersion":"v1","ki`, jsonOnly, "byte"},
		"not JSON":              {"hello", jsonOnly, "byte 0"},
		"protobuf that is none": {"hello", "application/vnd.kubernetes.protobuf", "byte"},
		"a wrong type":          {`{"apiVersion":"v1","kind":"ConfigMap","data":[]}`, jsonOnly, "data"},
	} {
		t.Run(name, func(t *testing.T) {
			err := get(t, 200, test.body, "Content-Type", test.contentType).Into(&corev1.ConfigMap{})
			if err == nil {
				t.Fatal("no error")
			}
			mustContain(t, err.Error(), test.want, `get configmaps "a" in namespace "default"`, "https://server.example")
		})
	}
	t.Run("nothing", func(t *testing.T) {
		if _, err := (Result{}).Object(wire.Options{}); err == nil {
			t.Error("no error")
		}
		if res := (Result{err: errors.New("x")}); res.StatusCode() != 0 {
			t.Error(res.StatusCode())
		}
	})
}
