package applyconfig

import (
	"context"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff applies the same configuration. Package client does not link client-go.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	d, err := client.ApplyConfiguration(ctx, client.Of[appsv1.Deployment](c).In(namespace),
		Config(namespace), metav1.ApplyOptions{FieldManager: "deploy"})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, d.Name, *d.Spec.Replicas)
	return err
}
