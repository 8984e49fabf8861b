package dynamic_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// A resource that is known at run time only, and then its Go type after all.
func ExampleTo() {
	var c *rest.Client // by rest.NewClient
	gvr := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	u, err := dynamic.New(c).Resource(gvr).In("default").Get(context.Background(), "web", metav1.GetOptions{})
	if err != nil {
		panic(err)
	}
	d, err := dynamic.To[appsv1.Deployment](u)
	if err != nil {
		panic(err)
	}
	fmt.Println(d.Name, *d.Spec.Replicas)
}
