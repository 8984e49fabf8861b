package apply

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff applies a ConfigMap. Fields that are zero are not sent, unless client.Set names them.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	cm, err := client.Of[corev1.ConfigMap](c).Apply(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "applied"},
		Data:       map[string]string{"colour": "red"},
	}, metav1.ApplyOptions{FieldManager: "painter", Force: true})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, cm.Name, cm.Data)
	return err
}
