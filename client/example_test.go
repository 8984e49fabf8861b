package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
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

// Every pod of a cluster, however many there are.
func ExampleClient_All() {
	c, stop := serve(`{"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}, "items": [
		{"metadata": {"namespace": "shop", "name": "web-0"}, "status": {"phase": "Running"}},
		{"metadata": {"namespace": "shop", "name": "web-1"}, "status": {"phase": "Pending"}}]}`)
	defer stop()

	for pod, err := range client.Of[corev1.Pod](c).All(context.Background(), metav1.ListOptions{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(pod.Namespace, pod.Name, pod.Status.Phase)
	}
	// Output:
	// shop web-0 Running
	// shop web-1 Pending
}

// A call that cannot be right is a MisuseError, and no request is sent.
func ExampleOf() {
	c, stop := serve("")
	defer stop()

	_, err := client.Of[corev1.Pod](c).Get(context.Background(), "web-0", metav1.GetOptions{})
	var misuse *kind.MisuseError
	fmt.Println(errors.As(err, &misuse))
	fmt.Println(err)
	// Output:
	// true
	// get pods "web-0": pods are namespaced and no namespace was given: use In(namespace)
}

// To own one label of a Service, apply nothing but that label.
func ExampleClient_Apply() {
	c, stop := serve(`{"kind": "Service", "apiVersion": "v1", "metadata": {
		"namespace": "shop", "name": "web", "labels": {"app": "web", "example.com/tier": "front"}}}`)
	defer stop()

	label := &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "web", Labels: map[string]string{"example.com/tier": "front"},
	}}
	service, err := client.Of[corev1.Service](c).Apply(context.Background(), label, metav1.ApplyOptions{FieldManager: "tiers"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(service.Labels)
	// Output: map[app:web example.com/tier:front]
}

// A zero field is not sent, so that it takes no field from another manager. To make a policy select
// every pod, name the selector.
func ExampleSet() {
	c, stop := serve(`{"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": {
		"namespace": "shop", "name": "all"}, "spec": {"podSelector": {}}}`)
	defer stop()

	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "all"}}
	opts := metav1.ApplyOptions{FieldManager: "policies"}
	policies := client.Of[networkingv1.NetworkPolicy](c)
	applied, err := policies.Apply(context.Background(), policy, opts, client.Set("spec.podSelector"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(applied.Name, applied.Spec.PodSelector.Size())

	_, err = policies.Apply(context.Background(), policy, opts, client.Set("spec.selector"))
	fmt.Println(err)
	// Output:
	// all 0
	// apply networkpolicies.networking.k8s.io "all": Set: field path "spec.selector", at byte 5: a v1.NetworkPolicySpec has no field selector; there is egress, ingress, podSelector, policyTypes
}

// A watch ends without an error when the server ends it.
func ExampleWatch_Events() {
	c, stop := serve(strings.Join([]string{
		`{"type": "ADDED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}}}`,
		`{"type": "DELETED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}}}`,
		``}, "\n"))
	defer stop()

	w, err := client.Of[corev1.Pod](c).In("shop").Watch(context.Background(), metav1.ListOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for event, err := range w.Events() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(event.Type, event.Object.Name)
	}
	// Output:
	// ADDED web-0
	// DELETED web-0
}

// A Go type of a program's own for a kind that has one already, with the fields that the program
// reads: what the type lacks is not decoded, and Modify keeps it.
func ExampleWithKind() {
	type Pod struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			NodeName string `json:"nodeName"`
		} `json:"spec"`
	}
	c, stop := serve(`{"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "shop", "name": "web-0"},
		"spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "nginx"}]}}`)
	defer stop()

	k, err := kind.Of[corev1.Pod]()
	if err != nil {
		fmt.Println(err)
		return
	}
	pod, err := client.Of[Pod](c, client.WithKind(k)).In("shop").Get(context.Background(), "web-0", metav1.GetOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pod.Name, "runs on", pod.Spec.NodeName)
	// Output: web-0 runs on n1
}

// All objects of a namespace that have a label, in one request.
func ExampleClient_DeleteCollection() {
	c, stop := serve(`{"kind": "Status", "apiVersion": "v1", "status": "Success"}`)
	defer stop()

	pods := client.Of[corev1.Pod](c).In("shop")
	err := pods.DeleteCollection(context.Background(), metav1.DeleteOptions{},
		metav1.ListOptions{LabelSelector: "app=web"})
	fmt.Println(err)
	// Output: <nil>
}
