// Package pagedlist lists many objects by pages.
package pagedlist

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
)

// ClientGo prints all ConfigMaps, two at a time.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	p := pager.New(func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
		return c.CoreV1().ConfigMaps(namespace).List(ctx, opts)
	})
	p.PageSize = 2
	return p.EachListItem(ctx, metav1.ListOptions{}, func(obj runtime.Object) error {
		_, err := fmt.Fprintln(out, obj.(*corev1.ConfigMap).Name)
		return err
	})
}
