// resize changes how much CPU a container of a running pod requests, without a restart of the pod.
//
//	go run ./examples/resize [--kubeconfig FILE] [--namespace NAME] POD CONTAINER CPU
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the `namespace`")
	flag.Parse()
	if flag.NArg() != 3 {
		fmt.Fprintln(os.Stderr, "usage: resize [flags] POD CONTAINER CPU")
		os.Exit(2)
	}
	pod, container := flag.Arg(0), flag.Arg(1)
	cpu, err := resource.ParseQuantity(flag.Arg(2))
	exitOn(err)
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"containers": []any{
		map[string]any{"name": container, "resources": map[string]any{
			"requests": corev1.ResourceList{corev1.ResourceCPU: cpu},
		}},
	}}})
	exitOn(err)
	resized, err := client.Of[corev1.Pod](c).In(*namespace).Patch(ctx, pod,
		types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "resize")
	exitOn(err)
	for _, c := range resized.Spec.Containers {
		fmt.Println(c.Name, "requests", c.Resources.Requests.Cpu())
	}
	// The kubelet reports in the pod's conditions what it has done of it.
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
