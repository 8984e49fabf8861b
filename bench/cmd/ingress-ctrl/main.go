// ingress-ctrl is controller-runtime's side of cmd/ingresses: a controller that gives each annotated
// Service an Ingress.
//
//	ingress-ctrl KUBECONFIG [idle]
//
// With idle it does nothing: what it needs then is what an empty program needs.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/skiff-k8s/skiff/bench/internal/ingresses"
)

func main() {
	ctx := ctrl.SetupSignalHandler()
	ctrl.SetLogger(logr.Discard())
	if len(os.Args) == 3 && os.Args[2] == "idle" {
		fmt.Println(ingresses.Ready)
		<-ctx.Done()
		return
	}
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "ingress-ctrl:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config string) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", config)
	if err != nil {
		return err
	}
	cfg.QPS = -1
	m, err := ctrl.NewManager(cfg, ctrl.Options{Scheme: clientgoscheme.Scheme, Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(m).For(&corev1.Service{}).Owns(&networkingv1.Ingress{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: ingresses.Workers}).Complete(&reconciler{m.GetClient()})
	if err != nil {
		return err
	}
	for _, object := range []client.Object{&corev1.Service{}, &networkingv1.Ingress{}} {
		// Else the cache is in sync before it has informers.
		if _, err := m.GetCache().GetInformer(ctx, object, cache.BlockUntilSynced(false)); err != nil {
			return err
		}
	}
	go func() {
		if m.GetCache().WaitForCacheSync(ctx) {
			fmt.Println(ingresses.Ready)
		}
	}()
	return m.Start(ctx)
}

type reconciler struct{ client client.Client }

func (r *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	svc, have := new(corev1.Service), new(networkingv1.Ingress)
	if err := r.client.Get(ctx, req.NamespacedName, svc); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	err := r.client.Get(ctx, req.NamespacedName, have)
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return ctrl.Result{}, err
	}
	err = nil
	switch want := ingresses.Desired(svc); {
	case want == nil && !missing:
		err = client.IgnoreNotFound(r.client.Delete(ctx, have))
	case want != nil && missing:
		err = r.client.Create(ctx, want)
	case want != nil && !ingresses.Right(have, want):
		have.Spec, have.OwnerReferences = want.Spec, want.OwnerReferences
		err = r.client.Update(ctx, have)
	}
	return ctrl.Result{}, err
}
