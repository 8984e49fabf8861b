package dynamic_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// serve returns the client of a server that answers every request with one body, as an API server
// would. It stands in for rest.NewClient(cfg) with the cfg of kubeconfig.Load.
func serve(body string) (c *rest.Client, stop func()) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body)
	}))
	c, err := rest.NewClient(&rest.Config{Host: s.URL})
	if err != nil {
		panic(err)
	}
	return c, s.Close
}

// The objects of a custom resource that the program has no Go type for.
func ExampleResource_All() {
	c, stop := serve(`{"kind": "BackupList", "apiVersion": "example.com/v1", "metadata": {"resourceVersion": "9"}, "items": [
		{"kind": "Backup", "apiVersion": "example.com/v1", "metadata": {"name": "daily"}, "status": {"phase": "Done"}},
		{"kind": "Backup", "apiVersion": "example.com/v1", "metadata": {"name": "weekly"}, "status": {"phase": "Failed"}}]}`)
	defer stop()

	backups := dynamic.New(c).Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "backups"})
	for u, err := range backups.Namespace("shop").All(context.Background(), metav1.ListOptions{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
		fmt.Println(u.GetName(), phase)
	}
	// Output:
	// daily Done
	// weekly Failed
}

// A resource that is known at run time only, and the Go type of its objects.
func ExampleTo() {
	c, stop := serve(`{"kind": "Deployment", "apiVersion": "apps/v1",
		"metadata": {"namespace": "shop", "name": "web"}, "spec": {"replicas": 3}}`)
	defer stop()

	gvr := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	u, err := dynamic.New(c).Resource(gvr).Namespace("shop").Get(context.Background(), "web", metav1.GetOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := dynamic.To[appsv1.Deployment](u)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Name, *d.Spec.Replicas)
	// Output: web 3
}

func ExampleFrom() {
	u, err := dynamic.From(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "settings"},
		Data:       map[string]string{"colour": "blue"},
	})
	fmt.Println(u.GetAPIVersion(), u.GetKind(), u.GetName(), u.Object["data"], err)
	// Output: v1 ConfigMap settings map[colour:blue] <nil>
}

// The objects of a file for kubectl apply.
func ExampleDecode() {
	file := strings.NewReader(`
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "settings"}}
---
apiVersion: v1
metadata: {name: broken}
`)
	for u, err := range dynamic.Decode(file) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(u.GetKind(), u.GetName())
	}
	// Output:
	// Namespace shop
	// ConfigMap settings
	// decode document 3, line 8: the document has no kind
}
