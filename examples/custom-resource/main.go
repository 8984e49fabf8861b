// custom-resource has a resource of its own, Site: it creates the CustomResourceDefinition, and a
// controller that writes into the status of each Site where it is served.
//
//	go run ./examples/custom-resource [--kubeconfig FILE]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Site is the Go type of the resource. The tags matter to Apply, which sends what is not empty.
type Site struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   SiteSpec   `json:"spec,omitempty"`
	Status SiteStatus `json:"status,omitempty"`
}

// SiteSpec is the desired state.
type SiteSpec struct {
	Host string `json:"host,omitempty"`
}

// SiteStatus is the observed state.
type SiteStatus struct {
	URL string `json:"url,omitempty"`
}

var site = kind.Info{
	Group: "example.com", Version: "v1", Kind: "Site", Resource: "sites", Namespaced: true,
}

const definition = `{
	"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
	"metadata": {"name": "sites.example.com"},
	"spec": {
		"group": "example.com", "scope": "Namespaced",
		"names": {"kind": "Site", "plural": "sites", "singular": "site"},
		"versions": [{
			"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
			"schema": {"openAPIV3Schema": {"type": "object", "properties": {
				"spec": {"type": "object", "properties": {"host": {"type": "string"}}},
				"status": {"type": "object", "properties": {"url": {"type": "string"}}}
			}}}
		}]
	}
}`

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	exitOn(kind.Register[Site](site))
	exitOn(define(ctx, c))
	log.Print("the server serves sites.example.com")

	factory := informer.NewFactory(c)
	sites := informer.For[Site](factory)
	reconcile := func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		s, err := sites.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			return done, client.IgnoreNotFound(err)
		}
		url := "https://" + s.Spec.Host
		if s.Spec.Host == "" || s.Status.URL == url {
			return done, nil
		}
		_, err = client.Of[Site](c).ApplyStatus(ctx, &Site{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name},
			Status:     SiteStatus{URL: url},
		}, metav1.ApplyOptions{FieldManager: "sites", Force: true})
		if err == nil {
			log.Printf("%s is served at %s", key, url)
		}
		return done, err
	}
	exitOn(controller.Run(ctx, factory, controller.New("sites", reconcile, controller.For(sites))))
}

// define creates or updates the CustomResourceDefinition, and waits until the server serves it.
func define(ctx context.Context, c *rest.Client) error {
	crd := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(definition), crd); err != nil {
		return err
	}
	definitions := dynamic.New(c).Resource(schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	})
	opts := metav1.ApplyOptions{FieldManager: "sites", Force: true}
	if _, err := definitions.Apply(ctx, crd, opts); err != nil {
		return err
	}
	w, err := definitions.Watch(ctx,
		metav1.ListOptions{FieldSelector: "metadata.name=" + crd.GetName()})
	if err != nil {
		return err
	}
	for event, err := range w.Events() {
		if err != nil {
			return err
		}
		if established(event.Object) {
			return nil
		}
	}
	return fmt.Errorf("watch %s: the watch ended before the definition was established",
		crd.GetName())
}

func established(crd *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == "Established" && c["status"] == "True" {
			return true
		}
	}
	return false
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
