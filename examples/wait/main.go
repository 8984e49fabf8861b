// wait waits until a Deployment is rolled out, by the rules of kubectl rollout status.
//
//	go run ./examples/wait [--kubeconfig FILE] [--namespace NAME] [--timeout 5m] DEPLOYMENT
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the Deployment's `namespace`")
	timeout := flag.Duration("timeout", 5*time.Minute, "how long to wait")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Print("usage: wait [--kubeconfig FILE] [--namespace NAME] [--timeout 5m] DEPLOYMENT")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)

	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	deployments := client.Of[appsv1.Deployment](c).In(*namespace)
	d, err := deployments.WaitFor(ctx, flag.Arg(0), wait.RolledOut())
	exitOn(err) // it says what was seen last
	fmt.Printf("%s is rolled out: %d replicas are available\n", d.Name, d.Status.AvailableReplicas)
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
