// Package namespaces caches the objects of some namespaces, for a program that may not read all.
package namespaces

import (
	"context"
	"errors"
	"fmt"
	"io"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// ClientGo counts the ConfigMaps named "a" of two namespaces: a factory and a lister each.
func ClientGo(ctx context.Context, cfg *rest.Config, namespaces []string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	count := 0
	for _, namespace := range namespaces {
		factory := informers.NewSharedInformerFactoryWithOptions(c, 0, informers.WithNamespace(namespace))
		informer := factory.Core().V1().ConfigMaps().Informer()
		defer factory.Shutdown()
		factory.Start(ctx.Done())
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			stop()
			return errors.New("the cache has not synced")
		}
		if _, ok, err := informer.GetStore().GetByKey(namespace + "/a"); err == nil && ok {
			count++
		}
	}
	stop()
	_, err = fmt.Fprintln(out, count)
	return err
}
