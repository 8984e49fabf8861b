// Package scaling changes the number of replicas.
package scaling

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ClientGo scales the Deployment "sized" to 3.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	scale, err := c.AppsV1().Deployments(namespace).GetScale(ctx, "sized", metav1.GetOptions{})
	if err != nil {
		return err
	}
	scale.Spec.Replicas = 3
	scale, err = c.AppsV1().Deployments(namespace).UpdateScale(ctx, "sized", scale, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, scale.Name, scale.Spec.Replicas)
	return err
}
