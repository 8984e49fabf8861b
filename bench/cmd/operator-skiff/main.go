// operator-skiff is a whole operator on skiff: a controller, election, metrics, probes, events, profiles,
// the live page and webhooks. The bench builds it and cmd/operator-ctrl, and compares their sizes.
package main

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/events"
	"github.com/skiff-k8s/skiff/finalizer"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/rest"
)

const name = "example.com/names"

func main() {
	var settings operator.Settings
	operator.Parse("NAMES_", &settings)
	if err := run(settings); err != nil {
		fmt.Fprintln(os.Stderr, "operator-skiff:", err)
		os.Exit(1)
	}
}

func run(settings operator.Settings) error {
	metrics := operator.NewMetrics(nil)
	cfg, err := kubeconfig.Load("")
	if err != nil {
		return err
	}
	cfg.Metrics = metrics.REST()
	elector, err := election.New(cfg, election.Options{Namespace: cfg.Namespace, Name: "names", Metrics: metrics.Election()})
	if err != nil {
		return err
	}
	c, err := rest.NewClient(elector.Fence(cfg))
	if err != nil {
		return err
	}
	recorder, err := events.New(c, events.Options{Controller: name})
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c)
	services := informer.For[corev1.Service](factory)
	owned := informer.For[corev1.ConfigMap](factory)
	writes := client.Of[corev1.Service](c)
	apply := func(ctx context.Context, s *corev1.Service) (controller.Result, error) {
		recorder.Normal(s, "Entered", "Enter", "%s is entered", s.Name)
		_, err := controller.Status(ctx, writes, s, metav1.Condition{Type: "Named", Status: metav1.ConditionTrue, Reason: "Entered"})
		return controller.Result{}, err
	}
	leave := func(context.Context, *corev1.Service) (controller.Result, error) { return controller.Result{}, nil }
	reconcile := func(ctx context.Context, k controller.Key) (controller.Result, error) {
		s, err := services.Lister().Get(k.Namespace, k.Name)
		if err != nil {
			return controller.Result{}, client.IgnoreNotFound(err)
		}
		return finalizer.Run(ctx, writes, s, name, apply, leave)
	}
	hooks := webhook.NewServer(webhook.Options{
		Authority: webhook.NewAuthority(c, webhook.AuthorityOptions{
			Namespace: cfg.Namespace, Secret: "names", Service: "names", Validating: []string{"names"}, Mutating: []string{"names"},
		}),
	}, webhook.Validate(validate), webhook.Default(defaults))
	op := operator.New(operator.Options{
		Name: "names", Settings: settings, Factories: []*informer.Factory{factory}, Elector: elector, Metrics: metrics, Webhooks: hooks,
	}, controller.New("names", reconcile, controller.For(services), controller.Owns(owned)))
	op.Add("events", recorder.Run, operator.OnLeader)
	return op.Run(context.Background())
}

func defaults(_ context.Context, r *webhook.Request[corev1.Service]) error {
	metav1.SetMetaDataLabel(&r.Object.ObjectMeta, "named", "true")
	return nil
}

func validate(_ context.Context, r *webhook.Request[corev1.Service]) ([]string, error) {
	if r.Object != nil && r.Object.Labels["named"] == "" {
		return nil, webhook.Deny("%s has no label", r.Object.Name)
	}
	return nil, nil
}
