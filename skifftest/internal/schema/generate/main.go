// generate writes the types that package schema embeds, from what a control plane serves.
//
//	generate [-kubeconfig FILE] OUT
//
// Without a kubeconfig it starts the control plane that package controlplane finds. Run it with go
// generate ./internal/schema when devcluster has another version of Kubernetes; a test compares the
// two.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema/reduce"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	path := flag.String("kubeconfig", "", "the cluster's kubeconfig; without one a control plane is started")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: generate [-kubeconfig FILE] OUT")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := write(ctx, *path, flag.Arg(0)); err != nil {
		stop()
		log.Fatal(err)
	}
}

func write(ctx context.Context, path, out string) error {
	var config *rest.Config
	if path != "" {
		var err error
		if config, err = kubeconfig.Load(path); err != nil {
			return err
		}
	} else {
		cluster, err := controlplane.Run(ctx, controlplane.WithoutControllerManager(),
			controlplane.WithAPIServerArgs("--runtime-config=api/all=true"))
		if err != nil {
			return err
		}
		defer cluster.Stop()
		config = cluster.Config()
	}
	c, err := rest.NewClient(config)
	if err != nil {
		return err
	}
	defer c.CloseIdleConnections()
	file, err := reduce.Server(ctx, c)
	if err != nil {
		return err
	}
	data, err := file.Compress()
	if err != nil {
		return err
	}
	return os.WriteFile(out, data, 0o644)
}
