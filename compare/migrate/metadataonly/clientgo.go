// Package metadataonly caches the metadata of objects, and nothing else.
package metadataonly

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// ClientGo prints the names of the Secrets, and holds none of their data.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := metadata.NewForConfig(cfg)
	if err != nil {
		return err
	}
	factory := metadatainformer.NewFilteredSharedInformerFactory(c, 0, namespace, nil)
	informer := factory.ForResource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Informer()
	ctx, stop := context.WithCancel(ctx)
	defer factory.Shutdown()
	defer stop()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.New("the cache has not synced")
	}
	var names []string
	for _, obj := range informer.GetStore().List() {
		names = append(names, obj.(*metav1.PartialObjectMetadata).Name)
	}
	slices.Sort(names)
	_, err = fmt.Fprintln(out, names)
	return err
}
