package patch

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff paints the ConfigMap "settings" green.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	cm, err := client.Of[corev1.ConfigMap](c).In(namespace).Patch(ctx, "settings", types.MergePatchType,
		[]byte(`{"data": {"colour": "green"}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, cm.Data)
	return err
}
