package roundtripper

import (
	"context"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the method and path of each request.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	wrapped := *cfg
	wrapped.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			fmt.Fprintln(out, req.Method, req.URL.Path)
			return next.RoundTrip(req)
		})
	})
	c, err := rest.NewClient(&wrapped)
	if err != nil {
		return err
	}
	_, err = client.Of[corev1.ConfigMap](c).In(namespace).Get(ctx, "a", metav1.GetOptions{})
	return err
}
