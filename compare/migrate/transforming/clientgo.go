// Package transforming changes objects before they are cached.
package transforming

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// ClientGo caches ConfigMaps without their data.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(c, 0, informers.WithNamespace(namespace),
		informers.WithTransform(func(obj any) (any, error) {
			if cm, ok := obj.(*corev1.ConfigMap); ok {
				cm.Data, cm.ManagedFields = nil, nil
			}
			return obj, nil
		}))
	lister := factory.Core().V1().ConfigMaps().Lister()
	synced := factory.Core().V1().ConfigMaps().Informer().HasSynced
	ctx, stop := context.WithCancel(ctx)
	defer factory.Shutdown()
	defer stop()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), synced) {
		return errors.New("the cache has not synced")
	}
	cm, err := lister.ConfigMaps(namespace).Get("a")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, cm.Name, len(cm.Data))
	return err
}
