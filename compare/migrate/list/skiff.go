package list

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the ConfigMaps with a label. One at a time is decoded.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	for cm, err := range client.Of[corev1.ConfigMap](c).In(namespace).All(ctx,
		metav1.ListOptions{LabelSelector: "app=web"}) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, cm.Name, cm.Data)
	}
	return nil
}
