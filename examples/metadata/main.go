// metadata prints what happens to the objects of any resources, named as kubectl names them, until
// it is interrupted. The server sends the metadata only, and a cache holds no more.
//
//	go run ./examples/metadata [--kubeconfig FILE] [--namespace NAME] RESOURCE…
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

type item = informer.Item[metav1.PartialObjectMetadata]

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "", "the `namespace` (default: all)")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: metadata [flags] RESOURCE…")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	served := discovery.NewMemory(discovery.New(c))
	factory := informer.NewFactory(c)
	for _, name := range flag.Args() {
		resource, err := served.ForResource(ctx, name)
		exitOn(err)
		follow(factory, resource, *namespace)
	}
	exitOn(factory.Run(ctx))
}

// follow prints the changes of one resource. The namespace counts for namespaced ones.
func follow(factory *informer.Factory, r discovery.Resource, namespace string) {
	var opts []informer.Option
	if r.Info.Namespaced && namespace != "" {
		opts = append(opts, informer.Namespace(namespace))
	}
	print := func(what string, i item) {
		fmt.Println(what, r.Info.Resource, i.Key(), "at", i.ResourceVersion())
	}
	informer.Metadata(factory, r.Info, opts...).AddHandler(
		informer.Handler[metav1.PartialObjectMetadata]{
			OnAdd:    func(i item) { print("added  ", i) },
			OnUpdate: func(_, i item) { print("changed", i) },
			OnDelete: func(i item) { print("deleted", i) },
		})
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
