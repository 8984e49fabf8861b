// modify sets the image of a container of a Deployment. Its Go type of a Deployment has the names
// and images of containers only: whatever else the server stores stays as it is.
//
//	go run ./examples/modify [--kubeconfig FILE] [--namespace NAME] DEPLOYMENT CONTAINER IMAGE
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

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Deployment is the part of a Deployment that this program knows. The tag patchMergeKey names the
// field by which the containers of a changed list are found again.
type Deployment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Template struct {
			Spec struct {
				Containers []Container `json:"containers" patchMergeKey:"name"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// Container is the part of a container that this program knows.
type Container struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the Deployment's `namespace`")
	flag.Parse()
	if flag.NArg() != 3 {
		log.Print("usage: modify [--kubeconfig FILE] [--namespace NAME] DEPLOYMENT CONTAINER IMAGE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)

	deployments := client.Of[Deployment](c, client.Manager("modify-example"), client.Strict(),
		client.WithKind(kind.Info{Group: "apps", Version: "v1", Kind: "Deployment",
			Resource: "deployments", Namespaced: true})).In(*namespace)
	name, container, image := flag.Arg(0), flag.Arg(1), flag.Arg(2)
	// The function is called again if another writer is faster.
	d, err := deployments.Modify(ctx, name, func(d *Deployment) error {
		all := d.Spec.Template.Spec.Containers
		for i := range all {
			if all[i].Name == container {
				all[i].Image = image
				return nil
			}
		}
		return fmt.Errorf("deployment %s has no container %q", name, container)
	})
	exitOn(err)
	fmt.Printf("%s is at resourceVersion %s, with %v\n", name, d.ResourceVersion,
		d.Spec.Template.Spec.Containers)
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
