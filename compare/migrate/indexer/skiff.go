package indexer

import (
	"context"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the ConfigMaps of a colour. AddIndex takes a function; AddFieldIndex reads the field
// off the bytes.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	configMaps := informer.For[corev1.ConfigMap](factory)
	if err := configMaps.AddFieldIndex("colour", "data['colour']"); err != nil {
		return err
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
	var names []string
	for item, err := range configMaps.Lister().Items(informer.Query{Index: "colour", Value: "blue"}) {
		if err != nil {
			return err
		}
		names = append(names, item.Name())
	}
	slices.Sort(names)
	_, err = fmt.Fprintln(out, names)
	return err
}
