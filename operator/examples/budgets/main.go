// budgets gives every Deployment a PodDisruptionBudget, so that no drain takes all of its pods. It is
// an operator: with probes, metrics, flags, a live page, and an orderly stop.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func main() {
	var settings operator.Settings
	operator.Parse("BUDGETS_", &settings) // flags, $BUDGETS_…, the logger
	metrics := operator.NewMetrics(nil)
	cfg, err := kubeconfig.Load("")
	exitOn(err)
	cfg.Metrics = metrics.REST()
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
		b := &policyv1.PodDisruptionBudget{}
		b.Namespace, b.Name = d.Namespace, d.Name
		b.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(d, deployments.Kind().GVK())}
		b.Spec.Selector, b.Spec.MaxUnavailable = d.Spec.Selector, new(intstr.FromInt32(1))
		_, err = client.Of[policyv1.PodDisruptionBudget](c).Apply(ctx, b,
			metav1.ApplyOptions{FieldManager: "budgets", Force: true})
		return done, err
	}
	exitOn(operator.Run(context.Background(),
		operator.Options{Factories: []*informer.Factory{factory}, Settings: settings, Metrics: metrics},
		controller.New("budgets", guard, controller.For(deployments), controller.Owns(budgets))))
}

func exitOn(err error) {
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}
