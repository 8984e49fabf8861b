package transforming

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff caches ConfigMaps without their data. It never caches managedFields, unless it is told to.
// informer.Transform is for what Drop cannot say.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	lister := informer.For[corev1.ConfigMap](factory, informer.Drop("data")).Lister()
	ctx, stop := context.WithCancel(ctx)
	defer factory.Wait()
	defer stop()
	if err := factory.Start(ctx); err != nil {
		return err
	}
	if err := factory.WaitForSync(ctx); err != nil {
		return err
	}
	cm, err := lister.Get(namespace, "a")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, cm.Name, len(cm.Data))
	return err
}
