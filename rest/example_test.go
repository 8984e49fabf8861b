package rest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

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
