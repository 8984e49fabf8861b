// Package watchuntil waits until an object is in a state.
package watchuntil

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// ClientGo waits until the ConfigMap "settings" has a colour.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	one := fields.OneTermEqualSelector("metadata.name", "settings").String()
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			opts.FieldSelector = one
			return c.CoreV1().ConfigMaps(namespace).List(ctx, opts)
		},
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			opts.FieldSelector = one
			return c.CoreV1().ConfigMaps(namespace).Watch(ctx, opts)
		},
	}
	event, err := watchtools.UntilWithSync(ctx, lw, &corev1.ConfigMap{}, nil,
		func(e watch.Event) (bool, error) {
			cm, ok := e.Object.(*corev1.ConfigMap)
			return ok && e.Type != watch.Deleted && cm.Data["colour"] != "", nil
		})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, event.Object.(*corev1.ConfigMap).Data["colour"])
	return nil
}
