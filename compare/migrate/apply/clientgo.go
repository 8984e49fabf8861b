// Package apply sets fields by server-side apply.
package apply

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ClientGo applies a ConfigMap.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	config := corev1ac.ConfigMap("applied", namespace).WithData(map[string]string{"colour": "red"})
	cm, err := c.CoreV1().ConfigMaps(namespace).Apply(ctx, config,
		metav1.ApplyOptions{FieldManager: "painter", Force: true})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, cm.Name, cm.Data)
	return err
}
