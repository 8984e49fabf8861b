// operator-ctrl is a whole operator on controller-runtime: a controller, election, metrics, probes,
// events, profiles and webhooks. The bench builds it and operator/examples/webhooks, and compares their
// sizes.
package main

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const name = "example.com/names"

func main() {
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, "operator-ctrl:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	m, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: clientgoscheme.Scheme, LeaderElection: true, LeaderElectionID: "names",
		Metrics:                server.Options{BindAddress: ":8080"},
		HealthProbeBindAddress: ":8081", PprofBindAddress: "localhost:6060",
	})
	if err != nil {
		return err
	}
	r := &reconciler{m.GetClient(), m.GetEventRecorder(name)}
	if err := ctrl.NewControllerManagedBy(m).For(&corev1.Service{}).Owns(&corev1.ConfigMap{}).Complete(r); err != nil {
		return err
	}
	err = ctrl.NewWebhookManagedBy(m, &corev1.Service{}).WithValidator(hooks{}).WithDefaulter(hooks{}).Complete()
	if err != nil {
		return err
	}
	if err := m.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := m.AddReadyzCheck("webhooks", m.GetWebhookServer().StartedChecker()); err != nil {
		return err
	}
	return m.Start(ctx)
}

type reconciler struct {
	client.Client
	events events.EventRecorder
}

func (r *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	service := new(corev1.Service)
	if err := r.Get(ctx, req.NamespacedName, service); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !controllerutil.AddFinalizer(service, name) {
		return ctrl.Result{}, nil
	}
	if err := r.Update(ctx, service); err != nil {
		return ctrl.Result{}, err
	}
	r.events.Eventf(service, nil, corev1.EventTypeNormal, "Entered", "Enter", "%s is entered", service.Name)
	return ctrl.Result{}, r.Status().Update(ctx, service)
}

type hooks struct{}

func (hooks) Default(_ context.Context, s *corev1.Service) error {
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	s.Labels["named"] = "true"
	return nil
}

func (hooks) ValidateCreate(context.Context, *corev1.Service) (admission.Warnings, error) {
	return nil, nil
}

func (hooks) ValidateUpdate(_ context.Context, _, s *corev1.Service) (admission.Warnings, error) {
	if s.Labels["named"] == "" {
		return nil, fmt.Errorf("%s has no label", s.Name)
	}
	return nil, nil
}

func (hooks) ValidateDelete(context.Context, *corev1.Service) (admission.Warnings, error) {
	return nil, nil
}
