package lister

import (
	"context"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the cached ConfigMaps with a label.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c, informer.Namespace(namespace))
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
	var names []string
	query := informer.Query{Labels: labels.SelectorFromSet(labels.Set{"app": "web"})}
	for item, err := range lister.Items(query) { // Items decodes nothing; All yields objects of one's own
		if err != nil {
			return err
		}
		names = append(names, item.Name())
	}
	slices.Sort(names)
	_, err = fmt.Fprintln(out, names)
	return err
}
