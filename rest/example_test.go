package rest_test

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

func ExampleClient() {
	ctx := context.Background()
	cfg, err := kubeconfig.Load("")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	var pod corev1.Pod
	err = c.Get().Namespace("default").Resource("pods").Name("web").Do(ctx).Into(&pod)
	if apierrors.IsNotFound(err) {
		fmt.Println("there is no such pod")
	}
}

// A list of any length passes through in the memory of one object.
func ExampleRequest_List() {
	ctx := context.Background()
	c, err := rest.NewClient(&rest.Config{Host: "http://127.0.0.1:8001"}) // kubectl proxy
	if err != nil {
		fmt.Println(err)
		return
	}
	pods, err := c.Get().Resource("pods").VersionedParams(&metav1.ListOptions{LabelSelector: "app=web"}).List(ctx, wire.Options{})
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
}
