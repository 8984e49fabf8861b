// manifests applies the objects of a file of YAML or JSON documents, of any kind, by server-side
// apply: Namespaces and CustomResourceDefinitions first.
//
//	go run ./examples/manifests [--kubeconfig FILE] [--namespace NAME] FILE
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the `namespace` of objects that name none")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: manifests [flags] FILE")
		os.Exit(2)
	}
	file, err := os.Open(flag.Arg(0))
	exitOn(err)
	defer file.Close()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	_, err = dynamic.ApplyAll(ctx, dynamic.New(c), discovery.NewMapper(discovery.New(c)),
		dynamic.Decode(file), dynamic.ApplyAllOptions{
			FieldManager: "manifests",
			Namespace:    *namespace,
			Each: func(a dynamic.Applied) {
				if a.Err == nil {
					fmt.Println("applied", a.Stored.GetKind(), a.Stored.GetName())
				}
			},
		})
	exitOn(err) // names each object that failed
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
