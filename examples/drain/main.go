// drain makes a node unschedulable, and evicts its pods, one after the other, as far as their
// PodDisruptionBudgets permit. Pods of DaemonSets, and those of the node's own files, stay.
//
//	go run ./examples/drain [--kubeconfig FILE] [--timeout DURATION] NODE
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	timeout := flag.Duration("timeout", 10*time.Minute, "how long it may take")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: drain [flags] NODE")
		os.Exit(2)
	}
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()

	node := flag.Arg(0)
	_, err = client.Of[corev1.Node](c).Modify(ctx, node, func(n *corev1.Node) error {
		n.Spec.Unschedulable = true
		return nil
	})
	exitOn(err)
	fmt.Println("cordoned", node)

	onNode := metav1.ListOptions{FieldSelector: "spec.nodeName=" + node}
	for pod, err := range client.Of[corev1.Pod](c).All(ctx, onNode) {
		exitOn(err)
		if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "DaemonSet" ||
			pod.Annotations[corev1.MirrorPodAnnotationKey] != "" {
			continue
		}
		exitOn(evict(ctx, client.Of[corev1.Pod](c).In(pod.Namespace), pod))
		fmt.Printf("evicted %s/%s\n", pod.Namespace, pod.Name)
	}
}

// evict asks until the pod's budgets permit the eviction, and waits until the pod is gone.
func evict(ctx context.Context, pods *client.Client[corev1.Pod], pod *corev1.Pod) error {
	eviction := &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &pod.UID},
		},
	}
	evictions := client.SubresourceOf[policyv1.Eviction](pods, "eviction")
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		_, err := evictions.Create(ctx, pod.Name, eviction, metav1.CreateOptions{})
		switch {
		case err == nil:
			_, err = pods.WaitFor(ctx, pod.Name, wait.Deleted(pod.UID))
			return err
		case apierrors.IsNotFound(err), apierrors.IsConflict(err): // gone, or another of that name
			return nil
		case !apierrors.IsTooManyRequests(err):
			return err
		}
		log.Printf("evict %s/%s: %v; again in %s", pod.Namespace, pod.Name, err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("evict %s/%s: %w; last: %w", pod.Namespace, pod.Name, ctx.Err(), err)
		}
	}
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
