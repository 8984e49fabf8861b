// list-pods-rest lists the pods of the namespace default with the RESTClient: the request is
// spelled out, and the answer decoded into the type of your choice.
//
//	go run ./examples/list-pods-rest [--kubeconfig FILE]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	flag.Parse()
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, "list-pods-rest:", err)
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

	var pods corev1.PodList
	if err := c.Get().Namespace("default").Resource("pods").Do(ctx).Into(&pods); err != nil {
		return err
	}

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "POD\tPHASE\tIMAGE")
	for _, pod := range pods.Items {
		fmt.Fprintf(w, "%s\t%s\t%s\n", pod.Name, pod.Status.Phase, pod.Spec.Containers[0].Image)
	}
	return w.Flush()
}
