package namespaces

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff counts the ConfigMaps named "a" of two namespaces: informers of one factory.
func Skiff(ctx context.Context, cfg *rest.Config, namespaces []string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c)
	var listers []informer.Lister[corev1.ConfigMap]
	for _, namespace := range namespaces {
		listers = append(listers, informer.For[corev1.ConfigMap](factory, informer.Namespace(namespace)).Lister())
	}
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
	for i, namespace := range namespaces {
		if _, err := listers[i].Item(namespace, "a"); err == nil {
			count++
		} else if client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, count)
	return err
}
