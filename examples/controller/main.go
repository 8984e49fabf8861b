// controller gives every Deployment a PodDisruptionBudget, so that no drain takes all of its pods.
package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func main() {
	cfg, err := kubeconfig.Load("") // $KUBECONFIG, ~/.kube/config, or the pod's service account
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	factory := informer.NewFactory(c)
	deployments := informer.For[appsv1.Deployment](factory)
	budgets := informer.For[policyv1.PodDisruptionBudget](factory)
	guard := func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		d, err := deployments.Lister().Get(key.Namespace, key.Name)
		if err != nil { // a Deployment that is gone takes its budget along
			return done, client.IgnoreNotFound(err)
		}
		old, err := budgets.Lister().Item(key.Namespace, key.Name)
		if err == nil && old.Owner().UID != string(d.UID) {
			return done, controller.Terminalf("budget %s belongs to somebody else", key)
		}
		refs := []metav1.OwnerReference{*metav1.NewControllerRef(d, deployments.Kind().GVK())}
		b := &policyv1.PodDisruptionBudget{}
		b.Namespace, b.Name, b.OwnerReferences = d.Namespace, d.Name, refs
		b.Spec.Selector, b.Spec.MaxUnavailable = d.Spec.Selector, new(intstr.FromInt32(1))
		_, err = client.Of[policyv1.PodDisruptionBudget](c).Apply(ctx, b,
			metav1.ApplyOptions{FieldManager: "budgets", Force: true})
		return done, err
	}
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	exitOn(controller.Run(ctx, factory, controller.New("budgets", guard,
		controller.For(deployments), controller.Owns(budgets))))
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
