package controller_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// An informer of metadata is the source of a controller, in protobuf and in JSON; what it caches has
// no data, and a write through a metadata client is one that the next reconcile waits for.
func TestMetadataIsASource(t *testing.T) {
	cluster := controlplane.Start(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	for name, opts := range map[string][]informer.Option{"protobuf": nil, "JSON": {informer.JSON()}} {
		t.Run(name, func(t *testing.T) {
			ns := cluster.Namespace(t)
			k, err := kind.Of[corev1.ConfigMap]()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if _, err := client.Of[corev1.ConfigMap](c).In(ns).Create(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"k": "v"}}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			factory := informer.NewFactory(c, informer.Namespace(ns))
			maps := informer.Metadata(factory, k, append(opts, informer.FieldSelector("metadata.name=a"))...)
			if again := informer.Metadata(factory, kind.Info{}); again.Err() == nil {
				t.Error("a kind without a resource is no mistake")
			} else {
				again.Close()
			}
			finalizer := false
			reconcile := func(ctx context.Context, key controller.Key) (controller.Result, error) {
				object, err := maps.Lister().Get(key.Namespace, key.Name)
				if err != nil {
					return controller.Result{}, client.IgnoreNotFound(err)
				}
				if object.Kind != "PartialObjectMetadata" || object.UID == "" {
					t.Errorf("cached is %+v", object)
				}
				if len(object.Finalizers) > 0 {
					finalizer = true
					cancel()
					return controller.Result{}, nil
				}
				if finalizer {
					t.Error("the reconcile after the write does not see it")
				}
				finalizer = true
				_, err = client.Metadata(c, k).In(ns).Patch(ctx, key.Name, "application/merge-patch+json",
					[]byte(`{"metadata":{"finalizers":["controller.skiff.example.com/a"]}}`), metav1.PatchOptions{})
				return controller.Result{}, err
			}
			if err := controller.Run(ctx, factory, controller.New("metadata", reconcile, controller.For(maps))); err != nil {
				t.Fatal(err)
			}
			if !finalizer {
				t.Error("the controller has not seen its write")
			}
			if _, err := client.Metadata(c, k).In(ns).Patch(t.Context(), "a", "application/merge-patch+json",
				[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
}
