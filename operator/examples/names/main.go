// names keeps a list of names outside of the objects that it is about: each Service with the label
// "named" has an entry in the ConfigMap "names", and a condition that says so. It is an operator.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/events"
	"github.com/skiff-k8s/skiff/finalizer"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func main() {
	var settings operator.Settings
	operator.Parse("NAMES_", &settings) // --help lists the flags; also $NAMES_METRICS_ADDRESS, …
	metrics := operator.NewMetrics(nil)
	cfg, err := kubeconfig.Load("")
	exitOn(err)
	cfg.Metrics = metrics.REST()
	elector, err := election.New(cfg, election.Options{
		Namespace: cfg.Namespace, Name: "names", Metrics: metrics.Election()})
	exitOn(err)
	c, err := rest.NewClient(elector.Fence(cfg)) // it writes only while this replica leads
	exitOn(err)
	recorder, err := events.New(c, events.Options{Controller: "example.com/names"})
	exitOn(err)
	factory := informer.NewFactory(c)
	services := informer.For[corev1.Service](factory, informer.LabelSelector("named"))
	writes, maps := client.Of[corev1.Service](c), client.Of[corev1.ConfigMap](c).In(cfg.Namespace)
	edit := func(ctx context.Context, change func(names map[string]string)) error {
		_, _, err := maps.CreateOrModify(ctx, "names", func(m *corev1.ConfigMap) error {
			if m.Data == nil {
				m.Data = map[string]string{}
			}
			change(m.Data)
			return nil
		})
		return err
	}
	enter := func(ctx context.Context, s *corev1.Service) (done controller.Result, err error) {
		err = edit(ctx, func(names map[string]string) { names[key(s)] = s.Spec.ClusterIP })
		if err != nil {
			recorder.Warning(s, "NotEntered", "Enter", "%v", err)
			return done, err
		}
		recorder.Normal(s, "Entered", "Enter", "the list has %s", key(s))
		_, err = controller.Status(ctx, writes, s, metav1.Condition{Type: "Named",
			Status: metav1.ConditionTrue, Reason: "Entered", Message: "the list has " + key(s)})
		return done, err
	}
	leave := func(ctx context.Context, s *corev1.Service) (done controller.Result, err error) {
		return done, edit(ctx, func(names map[string]string) { delete(names, key(s)) })
	}
	reconcile := func(ctx context.Context, k controller.Key) (controller.Result, error) {
		s, err := services.Lister().Get(k.Namespace, k.Name)
		if err != nil {
			return controller.Result{}, client.IgnoreNotFound(err)
		}
		return finalizer.Run(ctx, writes, s, "example.com/names", enter, leave)
	}
	op := operator.New(operator.Options{Name: "names", Settings: settings,
		Factories: []*informer.Factory{factory}, Elector: elector, Metrics: metrics},
		controller.New("names", reconcile, controller.For(services), controller.Workers(5)))
	op.Add("events", recorder.Run, operator.OnLeader)
	exitOn(op.Run(context.Background()))
}

func key(s *corev1.Service) string { return s.Name + "." + s.Namespace }

func exitOn(err error) {
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}
