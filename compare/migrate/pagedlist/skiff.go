package pagedlist

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints all ConfigMaps, two at a time. All does not begin again when the list expires, so it
// never yields an object twice; AllOrAgain begins again.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	for cm, err := range client.Of[corev1.ConfigMap](c).In(namespace).AllOrAgain(ctx,
		metav1.ListOptions{Limit: 2}) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, cm.Name)
	}
	return nil
}
