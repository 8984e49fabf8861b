package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the ConfigMaps with a colour as they come and change, until one is black. An item is
// decoded when Object is called.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	ctx, stop := context.WithCancelCause(ctx)
	black := errors.New("it is black")
	show := func(item informer.Item[corev1.ConfigMap]) {
		cm, err := item.Object()
		if err != nil {
			stop(err)
			return
		}
		if cm.Data["colour"] != "" {
			fmt.Fprintln(out, cm.Name, cm.Data["colour"])
		}
		if cm.Data["colour"] == "black" {
			stop(black)
		}
	}
	informer.For[corev1.ConfigMap](factory).AddHandler(informer.Handler[corev1.ConfigMap]{
		OnAdd:    show,
		OnUpdate: func(_, item informer.Item[corev1.ConfigMap]) { show(item) },
	})
	err = factory.Run(ctx) // until ctx ends
	if errors.Is(context.Cause(ctx), black) {
		return nil
	}
	return err
}
