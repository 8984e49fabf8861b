package finalizer_test

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/finalizer"
	"github.com/skiff-k8s/skiff/informer"
)

// A reconcile that keeps something outside of the cluster for each ConfigMap.
func ExampleRun() {
	var configMaps *informer.Informer[corev1.ConfigMap] // informer.For[corev1.ConfigMap](factory)
	var c *client.Client[corev1.ConfigMap]              // client.Of[corev1.ConfigMap](rest)
	apply := func(ctx context.Context, cm *corev1.ConfigMap) (controller.Result, error) {
		return controller.Result{}, nil // make what cm describes, if it is not there
	}
	cleanup := func(ctx context.Context, cm *corev1.ConfigMap) (controller.Result, error) {
		return controller.Result{}, nil // remove it, if it is there
	}
	reconcile := func(ctx context.Context, key controller.Key) (controller.Result, error) {
		cm, err := configMaps.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			return controller.Result{}, client.IgnoreNotFound(err)
		}
		return finalizer.Run(ctx, c, cm, "example.com/bucket", apply, cleanup)
	}
	controller.New("buckets", reconcile, controller.For(configMaps))
}
