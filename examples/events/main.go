// events prints the Events about an object, those that are there and those that come, until it is
// interrupted.
//
//	go run ./examples/events [--kubeconfig FILE] [--namespace NAME] KIND NAME
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the `namespace`")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: events [flags] KIND NAME")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)

	about := fields.Set{"regarding.kind": flag.Arg(0), "regarding.name": flag.Arg(1)}
	events := client.Of[eventsv1.Event](c).In(*namespace)
	for change, err := range events.Follow(ctx,
		metav1.ListOptions{FieldSelector: about.String()}) {
		if errors.Is(err, context.Canceled) {
			return
		}
		exitOn(err)
		if change.Type == client.Deleted { // it was kept for an hour, or so
			continue
		}
		e := change.Object
		fmt.Println(e.Type, e.Reason, e.ReportingController+":", e.Note)
	}
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
