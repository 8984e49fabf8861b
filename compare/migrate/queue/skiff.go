package queue

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff gives each ConfigMap with a label the annotation "seen", until ctx ends. After a write, the
// key is not reconciled again until the cache has seen that write.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	configMaps := informer.For[corev1.ConfigMap](factory, informer.LabelSelector("app=web"))
	reconcile := func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		cached, err := configMaps.Lister().Item(key.Namespace, key.Name)
		if err != nil {
			return done, client.IgnoreNotFound(err)
		}
		if _, seen := cached.Annotation("seen"); seen {
			return done, nil
		}
		_, err = client.Of[corev1.ConfigMap](c).In(key.Namespace).Modify(ctx, key.Name,
			func(cm *corev1.ConfigMap) error {
				if cm.Annotations == nil {
					cm.Annotations = map[string]string{}
				}
				cm.Annotations["seen"] = "yes"
				return nil
			})
		if err == nil {
			_, err = fmt.Fprintln(out, "saw", key.Name)
		}
		return done, err
	}
	return controller.Run(ctx, factory,
		controller.New("seen", reconcile, controller.For(configMaps), controller.Workers(2)))
}
