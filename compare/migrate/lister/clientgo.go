// Package lister reads cached objects by a selector.
package lister

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// ClientGo prints the cached ConfigMaps with a label.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(c, 0, informers.WithNamespace(namespace))
	lister := factory.Core().V1().ConfigMaps().Lister()
	synced := factory.Core().V1().ConfigMaps().Informer().HasSynced
	ctx, stop := context.WithCancel(ctx)
	defer factory.Shutdown()
	defer stop()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), synced) {
		return errors.New("the cache has not synced")
	}
	list, err := lister.ConfigMaps(namespace).List(labels.SelectorFromSet(labels.Set{"app": "web"}))
	if err != nil {
		return err
	}
	var names []string
	for _, cm := range list { // shared: not to be changed
		names = append(names, cm.Name)
	}
	slices.Sort(names)
	_, err = fmt.Fprintln(out, names)
	return err
}
