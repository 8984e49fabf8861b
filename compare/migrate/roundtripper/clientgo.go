// Package roundtripper puts a function of one's own around each request.
package roundtripper

import (
	"context"
	"fmt"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ClientGo prints the method and path of each request.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			fmt.Fprintln(out, req.Method, req.URL.Path)
			return next.RoundTrip(req)
		})
	})
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	_, err = c.CoreV1().ConfigMaps(namespace).Get(ctx, "a", metav1.GetOptions{})
	return err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
