// everything counts the objects of every resource that the server serves, of a namespace or of all,
// without reading them: of each list it asks for one object, and how many remain.
//
//	go run ./examples/everything [--kubeconfig FILE] [--namespace NAME]
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "", "the `namespace` (default: the whole cluster)")
	flag.Parse()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	cfg.Warnings = func(rest.Warning) {} // what is deprecated is counted, too
	c, err := rest.NewClient(cfg)
	exitOn(err)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()

	served, err := discovery.New(c).Resources(ctx)
	exitOn(err)
	for _, version := range served {
		for _, r := range version.Resources {
			if !r.Can("list") || *namespace != "" && !r.Info.Namespaced {
				continue
			}
			objects := client.Metadata(c, r.Info).In(*namespace)
			list, err := objects.List(ctx, metav1.ListOptions{Limit: 1})
			if apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err) {
				fmt.Printf("%8s %s %s\n", "?", version.APIVersion(), r.Info.Resource)
				continue
			}
			exitOn(err)
			n := int64(len(list.Items))
			if list.RemainingItemCount != nil {
				n += *list.RemainingItemCount
			}
			if n > 0 {
				fmt.Printf("%8d %s %s\n", n, version.APIVersion(), r.Info.Resource)
			}
		}
	}
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
