// controller gives every Deployment a PodDisruptionBudget, so that no drain takes all of its pods.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "", "`file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	flag.Parse()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	factory := informer.NewFactory(c)
	deployments := informer.For[appsv1.Deployment](factory).Lister()
	budgets := informer.For[policyv1.PodDisruptionBudget](factory).Lister()
	protect := func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		d, err := deployments.Get(key.Namespace, key.Name)
		if err != nil { // a Deployment that is gone takes its budget along, by the owner reference
			return done, client.IgnoreNotFound(err)
		}
		if b, err := budgets.Item(key.Namespace, key.Name); err == nil && b.Owner().UID != string(d.UID) {
			return done, fmt.Errorf("budget %s belongs to somebody else: leaving it alone", key)
		}
		owner := metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))
		_, err = client.Of[policyv1.PodDisruptionBudget](c).Apply(ctx, &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Name: d.Name, Namespace: d.Namespace, OwnerReferences: []metav1.OwnerReference{*owner}},
			Spec:       policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromInt32(1)), Selector: d.Spec.Selector},
		}, metav1.ApplyOptions{FieldManager: "budgets", Force: true})
		return done, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	exitOn(controller.New("budgets", factory, protect,
		controller.For[appsv1.Deployment](), controller.Owns[policyv1.PodDisruptionBudget]()).Run(ctx))
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
