package scaling

import (
	"context"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff scales the Deployment "sized" to 3. client.SubresourceAt does it for a custom resource.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	scales := client.SubresourceOf[autoscalingv1.Scale](client.Of[appsv1.Deployment](c).In(namespace), "scale")
	scale, err := scales.Get(ctx, "sized", metav1.GetOptions{})
	if err != nil {
		return err
	}
	scale.Spec.Replicas = 3
	scale, err = scales.Update(ctx, "sized", scale, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, scale.Name, scale.Spec.Replicas)
	return err
}
