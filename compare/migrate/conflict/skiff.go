package conflict

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff paints the ConfigMap "settings" yellow. Modify sends the difference, so fields that this
// version of the Go type does not know stay; after a conflict it reads and changes again.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	cm, err := client.Of[corev1.ConfigMap](c).In(namespace).Modify(ctx, "settings",
		func(cm *corev1.ConfigMap) error {
			cm.Data["colour"] = "yellow"
			return nil
		})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, cm.Data)
	return err
}
