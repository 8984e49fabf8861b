// Package indexer finds cached objects by an index of one's own.
package indexer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// ClientGo prints the ConfigMaps of a colour.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(c, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	if err := informer.AddIndexers(cache.Indexers{"colour": func(obj any) ([]string, error) {
		return []string{obj.(*corev1.ConfigMap).Data["colour"]}, nil
	}}); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer factory.Shutdown()
	defer stop()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.New("the cache has not synced")
	}
	objects, err := informer.GetIndexer().ByIndex("colour", "blue")
	if err != nil {
		return err
	}
	var names []string
	for _, obj := range objects {
		names = append(names, obj.(*corev1.ConfigMap).Name)
	}
	slices.Sort(names)
	_, err = fmt.Fprintln(out, names)
	return err
}
