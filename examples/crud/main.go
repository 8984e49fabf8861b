// crud creates a Deployment, reads it, changes it, lists it and deletes it, and waits until it is
// gone.
//
//	go run ./examples/crud [--kubeconfig FILE] [--namespace NAME] NAME
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the `namespace`")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: crud [flags] NAME")
		os.Exit(2)
	}
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	deployments := client.Of[appsv1.Deployment](c).In(*namespace)
	name := flag.Arg(0)

	created, err := deployments.Create(ctx, deployment(name), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		log.Fatalf("%s is there already: choose another name", name)
	}
	exitOn(err)
	fmt.Println("created", created.Name)

	read, err := deployments.Get(ctx, name, metav1.GetOptions{})
	exitOn(err)
	fmt.Println("read", *read.Spec.Replicas, "replicas")

	// Modify sends what the function has changed, and calls it again after a conflict.
	changed, err := deployments.Modify(ctx, name, func(d *appsv1.Deployment) error {
		d.Spec.Replicas = new(int32(1))
		return nil
	})
	exitOn(err)
	fmt.Println("changed to", *changed.Spec.Replicas, "replica")

	for d, err := range deployments.All(ctx, metav1.ListOptions{LabelSelector: "app=" + name}) {
		exitOn(err)
		fmt.Println("listed", d.Name)
	}

	// The pods go first, and only the Deployment that was created is deleted.
	exitOn(deployments.Delete(ctx, name, metav1.DeleteOptions{
		PropagationPolicy: new(metav1.DeletePropagationForeground),
		Preconditions:     &metav1.Preconditions{UID: &created.UID},
	}))
	_, err = deployments.WaitFor(ctx, name, wait.Deleted(created.UID))
	exitOn(err)
	fmt.Println("deleted", name)
}

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{
					{Name: "web", Image: "nginx"},
				}},
			},
		},
	}
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
