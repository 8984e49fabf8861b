// list-client is examples/list-clientset over package client, to compare their sizes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	flag.Parse()
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, "list-clientset:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	cfg, err := kubeconfig.Load(path)
	if err != nil {
		return err
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}

	pods, err := client.Of[corev1.Pod](c).In("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	deployments, err := client.Of[appsv1.Deployment](c).In("kube-system").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "POD (default)\tPHASE")
	for _, pod := range pods.Items {
		fmt.Fprintf(w, "%s\t%s\n", pod.Name, pod.Status.Phase)
	}
	fmt.Fprintln(w, "\nDEPLOYMENT (kube-system)\tAVAILABLE")
	for _, d := range deployments.Items {
		want := int32(1) // what the server makes of an unset number of replicas
		if d.Spec.Replicas != nil {
			want = *d.Spec.Replicas
		}
		fmt.Fprintf(w, "%s\t%d/%d\n", d.Name, d.Status.AvailableReplicas, want)
	}
	return w.Flush()
}
