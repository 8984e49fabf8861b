// Package measure measures requests.
package measure

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/metrics"
)

// ClientGo prints the method and code of each request. Register counts once in the life of a
// process, for all its clients.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	metrics.Register(metrics.RegisterOpts{RequestResult: results{out}})
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	_, err = c.CoreV1().ConfigMaps(namespace).Get(ctx, "a", metav1.GetOptions{})
	return err
}

type results struct{ out io.Writer }

func (r results) Increment(_ context.Context, code, method, _ string) {
	fmt.Fprintln(r.out, method, code)
}
