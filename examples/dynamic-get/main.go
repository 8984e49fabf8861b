// dynamic-get reads a deployment twice over: as an unstructured object, as a program does that
// learns of a type at run time only, and then as the typed object made of it.
//
//	go run ./examples/dynamic-get [--kubeconfig FILE] [--namespace NAMESPACE] DEPLOYMENT
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "",
		"the deployment's `namespace` (default: the kubeconfig's)")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr,
			"usage: dynamic-get [--kubeconfig FILE] [--namespace NAMESPACE] DEPLOYMENT")
		os.Exit(2)
	}
	if err := run(*path, *namespace, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "dynamic-get:", err)
		os.Exit(1)
	}
}

func run(path, namespace, name string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	cfg, err := kubeconfig.Load(path, kubeconfig.WithNamespace(namespace))
	if err != nil {
		return err
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}

	deployments := dynamic.New(c).Resource(schema.GroupVersionResource{
		Group: "apps", Version: "v1", Resource: "deployments",
	})
	u, err := deployments.In(cfg.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	replicas, _, err := unstructured.NestedInt64(u.Object, "spec", "replicas")
	if err != nil {
		return err
	}
	fmt.Printf("unstructured: %s %s/%s, spec.replicas %d\n", u.GetKind(), u.GetNamespace(),
		u.GetName(), replicas)

	d, err := dynamic.To[appsv1.Deployment](u)
	if err != nil {
		return err
	}
	fmt.Printf("typed:        %s %s/%s, image %s\n", d.Kind, d.Namespace, d.Name,
		d.Spec.Template.Spec.Containers[0].Image)
	return nil
}
