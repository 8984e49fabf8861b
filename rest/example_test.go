package rest_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// answers returns a client of a server that gives these answers, by method, path and query. A
// program gets its configuration from kubeconfig.Load instead.
func answers(by map[string]string) (c *rest.Client, stop func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body, ok := by[r.Method+" "+r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, body)
	}))
	c, err := rest.NewClient(&rest.Config{Host: server.URL})
	if err != nil {
		panic(err)
	}
	return c, server.Close
}

// The answer to a request is decoded into a type of the caller's choice.
func ExampleResult_Into() {
	c, stop := answers(map[string]string{
		"GET /api/v1/namespaces/default/pods/web": `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web"},"status":{"phase":"Running"}}`,
	})
	defer stop()
	ctx := context.Background()

	var pod corev1.Pod
	if err := c.Get().Namespace("default").Resource("pods").Name("web").Do(ctx).Into(&pod); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pod.Name, pod.Status.Phase)

	err := c.Get().Namespace("default").Resource("pods").Name("db").Do(ctx).Error()
	fmt.Println(apierrors.IsNotFound(err))
	// Output:
	// web Running
	// true
}

// A streamed list of any length takes the memory of one object.
func ExampleRequest_List() {
	c, stop := answers(map[string]string{
		"GET /api/v1/pods?labelSelector=app%3Dweb": `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},
			"items":[{"metadata":{"namespace":"a","name":"web-0"}},{"metadata":{"namespace":"b","name":"web-1"}}]}`,
	})
	defer stop()

	options := &metav1.ListOptions{LabelSelector: "app=web"}
	pods, err := c.Get().Resource("pods").VersionedParams(options).List(context.Background(), wire.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pods.Close()
	for {
		pod, err := pods.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(pod.Meta.Key())
	}
	fmt.Println("at version", pods.Meta().ResourceVersion)
	// Output:
	// a/web-0
	// b/web-1
	// at version 7
}

// A watch is read event by event, until the server ends it.
func ExampleRequest_Watch() {
	c, stop := answers(map[string]string{
		"GET /api/v1/pods?resourceVersion=7&watch=true": `
			{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"a","name":"web-2"}}}
			{"type":"DELETED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"a","name":"web-0"}}}`,
	})
	defer stop()

	w, err := c.Get().Resource("pods").Param("resourceVersion", "7").Watch(context.Background(), wire.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.Close()
	for {
		event, err := w.Next()
		if err == io.EOF {
			return // the server ended the watch
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(event.Type, event.Object.Meta.Key())
	}
	// Output:
	// ADDED a/web-2
	// DELETED a/web-0
}

// The body of a request is an object of the API, or bytes.
func ExampleRequest_Body() {
	c, stop := answers(map[string]string{
		"POST /api/v1/namespaces/default/configmaps": `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"colors","uid":"42"}}`,
	})
	defer stop()

	colors := corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "colors"}, Data: map[string]string{"sky": "blue"}}
	err := c.Post().Namespace("default").Resource("configmaps").Body(&colors).Do(context.Background()).Into(&colors)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(colors.Name, colors.UID)
	// Output: colors 42
}

// Metrics for a monitoring system are counted by functions of the program: those of client-go's
// rest_client_requests_total and rest_client_request_duration_seconds, here.
func ExampleMetrics() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	requests := map[string]int{} // a counter by code, method and host
	c, err := rest.NewClient(&rest.Config{
		Host: server.URL,
		Metrics: &rest.Metrics{
			Attempt: func(_ context.Context, r rest.RequestInfo, a rest.AttemptMetrics) {
				requests[fmt.Sprint(a.Code, " ", r.Method)]++
			},
			Request: func(_ context.Context, r rest.RequestInfo, m rest.RequestMetrics) {
				if r.Verb != "watch" { // whose duration is its life
					fmt.Println(r.Verb, r.Resource, m.Duration > 0)
				}
			},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = c.Get().Resource("pods").Do(context.Background())
	fmt.Println(requests)
	// Output:
	// list pods true
	// map[404 GET:1]
}

// A log of all requests, as with kubectl -v=6.
func ExampleTrace() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	untimed := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" || a.Key == "duration" || a.Key == "url" {
			return slog.Attr{}
		}
		return a
	}}
	cfg := &rest.Config{Host: server.URL}
	cfg.Wrap(rest.Trace(slog.NewTextHandler(os.Stdout, untimed), 6))
	c, err := rest.NewClient(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = c.Get().Resource("pods").Do(context.Background())
	// Output: level=INFO msg=request method=GET status="404 Not Found" code=404
}
