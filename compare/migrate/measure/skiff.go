package measure

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the method and code of each request. The metrics are those of one client, with the
// verb, the resource, the sizes and the durations as well.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	measured := *cfg
	measured.Metrics = &rest.Metrics{
		Attempt: func(_ context.Context, r rest.RequestInfo, a rest.AttemptMetrics) {
			fmt.Fprintln(out, r.Method, a.Code)
		},
	}
	c, err := rest.NewClient(&measured)
	if err != nil {
		return err
	}
	_, err = client.Of[corev1.ConfigMap](c).In(namespace).Get(ctx, "a", metav1.GetOptions{})
	return err
}
