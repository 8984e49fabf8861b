// quickstart caches all pods of a cluster and prints what the cache takes.
package main

import (
	"context"
	"fmt"
	"log"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	cfg, err := kubeconfig.Load("") // $KUBECONFIG, ~/.kube/config, or the pod's service account
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	factory := informer.NewFactory(c)
	pods := informer.For[corev1.Pod](factory)
	exitOn(factory.Start(context.Background()))
	exitOn(pods.WaitForSync(context.Background()))
	cache := pods.Stats()
	fmt.Printf("%d pods take %d B, packed from %d B\n", cache.Objects, cache.PackedBytes,
		cache.RawBytes)
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
