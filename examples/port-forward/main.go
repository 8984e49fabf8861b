// port-forward leads ports of this machine to a pod, until it is interrupted.
//
//	go run ./examples/port-forward [--kubeconfig FILE] [--namespace NAME] POD [LOCAL:]PORT…
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the `namespace`")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: port-forward [flags] POD [LOCAL:]PORT…")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)

	forwarder, err := remote.Forward(ctx, c, *namespace, flag.Arg(0),
		remote.ForwardOptions{Ports: flag.Args()[1:]})
	exitOn(err)
	for _, p := range forwarder.Ports() { // it listens already
		fmt.Printf("forwarding %s to port %d\n", p.Local, p.Port)
	}
	if err := forwarder.Run(ctx); ctx.Err() == nil {
		exitOn(err)
	}
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
