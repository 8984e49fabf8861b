// ingress-skiff is skiff's side of cmd/ingresses: a controller that gives each annotated Service an
// Ingress.
//
//	ingress-skiff KUBECONFIG [idle]
//
// With idle it does nothing: what it needs then is what an empty program needs.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/bench/internal/ingresses"
	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[2] == "idle" {
		fmt.Println(ingresses.Ready)
		<-ctx.Done()
		return
	}
	if err := run(ctx, os.Args[1]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "ingress-skiff:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config string) error {
	cfg, err := kubeconfig.Load(config)
	if err != nil {
		return err
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	factory := informer.NewFactory(c)
	services := informer.For[corev1.Service](factory)
	owned := informer.For[networkingv1.Ingress](factory)
	reconcile := func(ctx context.Context, key controller.Key) (none controller.Result, err error) {
		svc, err := services.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			return none, client.IgnoreNotFound(err)
		}
		have, err := owned.Lister().Get(key.Namespace, key.Name)
		if err != nil && !apierrors.IsNotFound(err) {
			return none, err
		}
		err = nil
		in := client.Of[networkingv1.Ingress](c).In(key.Namespace)
		switch want := ingresses.Desired(svc); {
		case want == nil && have != nil:
			return none, client.IgnoreNotFound(in.Delete(ctx, key.Name, metav1.DeleteOptions{}))
		case want != nil && have == nil:
			_, err = in.Create(ctx, want, metav1.CreateOptions{})
		case want != nil && !ingresses.Right(have, want):
			have.Spec, have.OwnerReferences = want.Spec, want.OwnerReferences
			_, err = in.Update(ctx, have, metav1.UpdateOptions{})
		}
		if err != nil && ctx.Err() == nil { // the bench fails then
			fmt.Fprintf(os.Stderr, "reconcile %s: %v\n", key, err)
		}
		return none, err
	}
	go func() {
		if factory.WaitForSync(ctx) == nil {
			fmt.Println(ingresses.Ready)
		}
	}()
	return controller.Run(ctx, factory, controller.New("ingresses", reconcile,
		controller.For(services), controller.Owns(owned), controller.Workers(ingresses.Workers)))
}
