// follow prints what happens to the pods of a namespace, until it is interrupted: without a cache,
// and across whatever happens to the server.
//
//	go run ./examples/follow [--kubeconfig FILE] [--namespace NAME]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "", "the `namespace` (default: all)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)

	pods := client.Of[corev1.Pod](c).In(*namespace)
	for event, err := range pods.Follow(ctx, metav1.ListOptions{}) {
		if errors.Is(err, context.Canceled) {
			return
		}
		exitOn(err)
		pod := event.Object
		fmt.Printf("%-8s %s/%s %s\n", event.Type, pod.Namespace, pod.Name, pod.Status.Phase)
	}
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
