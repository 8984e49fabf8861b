// Package watchall follows all changes of a resource without a cache.
package watchall

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// ClientGo prints the ConfigMaps with a label, and what happens to them, until the one named "last"
// is there. A version that the server has forgotten (410) ends it.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	web := metav1.ListOptions{LabelSelector: "app=web"}
	list, err := c.CoreV1().ConfigMaps(namespace).List(ctx, web)
	if err != nil {
		return err
	}
	for i := range list.Items {
		fmt.Fprintln(out, watch.Added, list.Items[i].Name)
	}
	w, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			opts.LabelSelector = web.LabelSelector
			return c.CoreV1().ConfigMaps(namespace).Watch(ctx, opts)
		},
	})
	if err != nil {
		return err
	}
	defer w.Stop()
	for e := range w.ResultChan() {
		cm, ok := e.Object.(*corev1.ConfigMap)
		if !ok {
			return fmt.Errorf("watch: %v", e.Object)
		}
		fmt.Fprintln(out, e.Type, cm.Name)
		if cm.Name == "last" {
			return nil
		}
	}
	return ctx.Err()
}
