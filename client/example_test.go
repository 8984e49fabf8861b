package client_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Every pod of a cluster, however many there are.
func ExampleClient_All() {
	cfg, err := kubeconfig.Load("")
	if err != nil {
		panic(err)
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		panic(err)
	}
	for pod, err := range client.Of[corev1.Pod](c).All(context.Background(), metav1.ListOptions{}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(pod.Namespace, pod.Name, pod.Status.Phase)
	}
}

// To own one label of a Service, apply nothing but that label.
func ExampleClient_Apply() {
	var c *rest.Client // as in the example of All
	label := &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "web", Labels: map[string]string{"example.com/tier": "front"},
	}}
	_, err := client.Of[corev1.Service](c).Apply(context.Background(), label, metav1.ApplyOptions{FieldManager: "tiers"})
	if err != nil {
		panic(err)
	}
}
