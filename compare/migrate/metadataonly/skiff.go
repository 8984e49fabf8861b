package metadataonly

import (
	"context"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the names of the Secrets, and holds none of their data.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	secret, err := kind.Of[corev1.Secret]()
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	secrets := informer.Metadata(factory, secret)
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
	for item, err := range secrets.Lister().Items(informer.Query{}) {
		if err != nil {
			return err
		}
		names = append(names, item.Name())
	}
	slices.Sort(names)
	_, err = fmt.Fprintln(out, names)
	return err
}
