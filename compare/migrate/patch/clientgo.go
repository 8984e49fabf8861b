// Package patch changes an object by a merge patch.
package patch

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ClientGo paints the ConfigMap "settings" green.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	cm, err := c.CoreV1().ConfigMaps(namespace).Patch(ctx, "settings", types.MergePatchType,
		[]byte(`{"data": {"colour": "green"}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, cm.Data)
	return err
}
