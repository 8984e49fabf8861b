package namespaces

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff counts the ConfigMaps named "a" of some namespaces: a stream each, one cache, one lister.
func Skiff(ctx context.Context, cfg *rest.Config, namespaces []string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c, informer.Namespaces(namespaces...))
	lister := informer.For[corev1.ConfigMap](factory).Lister()
	ctx, stop := context.WithCancel(ctx)
	defer factory.Wait()
	defer stop()
	if err := factory.Start(ctx); err != nil {
		return err
	}
	if err := factory.WaitForSync(ctx); err != nil {
		return err
	}
	count := 0
	for item, err := range lister.Items(informer.Query{}) {
		if err != nil {
			return err
		}
		if item.Name() == "a" {
			count++
		}
	}
	_, err = fmt.Fprintln(out, count)
	return err
}
