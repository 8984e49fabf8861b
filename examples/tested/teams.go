// Package tested is a controller with its tests, which docs/testing.md shows.
package tested

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// New returns a controller that gives each Service the label team, with the name of its namespace.
func New(c *rest.Client, factory *informer.Factory) *controller.Controller {
	services := informer.For[corev1.Service](factory)
	reconcile := func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		s, err := services.Lister().Get(key.Namespace, key.Name)
		if err != nil || s.Labels["team"] != "" {
			return done, client.IgnoreNotFound(err)
		}
		metav1.SetMetaDataLabel(&s.ObjectMeta, "team", key.Namespace)
		_, err = client.Of[corev1.Service](c).Update(ctx, s, metav1.UpdateOptions{})
		return done, err
	}
	return controller.New("teams", reconcile, controller.For(services))
}
