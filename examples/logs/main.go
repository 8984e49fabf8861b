// logs prints the logs of all containers of a pod, or of all pods of a selector.
//
//	go run ./examples/logs [--kubeconfig FILE] [--namespace NAME] [--follow] [--tail N] POD
//	go run ./examples/logs [flags] --selector app=web
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "`namespace` of the pods")
	selector := flag.String("selector", "", "`labels` of the pods, in place of a name")
	follow := flag.Bool("follow", false, "print lines as they come, until the containers end")
	tail := flag.Int64("tail", -1, "print the last `N` lines of each container (default: all)")
	flag.Parse()
	set := remote.LogSet{Pod: flag.Arg(0), Selector: *selector}
	opts := corev1.PodLogOptions{Follow: *follow}
	if *tail >= 0 {
		opts.TailLines = tail
	}
	if err := run(*path, *namespace, set, opts); err != nil {
		fmt.Fprintln(os.Stderr, "logs:", err)
		os.Exit(1)
	}
}

func run(path, namespace string, set remote.LogSet, opts corev1.PodLogOptions) error {
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
	err = remote.Logs(ctx, c, namespace, set, opts, os.Stdout)
	if ctx.Err() != nil {
		return nil // Ctrl-C is the usual end of following
	}
	return err
}
