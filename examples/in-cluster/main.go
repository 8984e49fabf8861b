// in-cluster runs in a pod, and lists the pods of its own namespace with the pod's service account.
//
// The service account must be permitted to list pods. in-cluster.yaml has a Role for that, and a
// pod to run the program in:
//
//	CGO_ENABLED=0 GOOS=linux go build -o in-cluster ./examples/in-cluster
//	kubectl apply -f examples/in-cluster/in-cluster.yaml
//	kubectl wait --for=condition=Ready pod/in-cluster
//	kubectl cp in-cluster in-cluster:/tmp/in-cluster
//	kubectl exec in-cluster -- /tmp/in-cluster
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "in-cluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := kubeconfig.InCluster()
	if errors.Is(err, kubeconfig.ErrNotInCluster) {
		return fmt.Errorf("%w (this program runs in a pod only; kubeconfig.Load works everywhere)",
			err)
	} else if err != nil {
		return err
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	pods := client.Of[corev1.Pod](c).In(cfg.Namespace)
	for pod, err := range pods.All(ctx, metav1.ListOptions{}) {
		if apierrors.IsForbidden(err) {
			return fmt.Errorf("%w (in-cluster.yaml has the Role that permits it)", err)
		} else if err != nil {
			return err
		}
		fmt.Println(pod.Namespace, pod.Name, pod.Status.Phase)
	}
	return nil
}
