// Package handlers calls functions for each change of cached objects.
package handlers

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

// ClientGo prints the ConfigMaps with a colour as they come and change, until one is black.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(c, 0, informers.WithNamespace(namespace))
	done := make(chan struct{})
	show := func(obj any) {
		cm := obj.(*corev1.ConfigMap)
		if cm.Data["colour"] != "" {
			fmt.Fprintln(out, cm.Name, cm.Data["colour"])
		}
		if cm.Data["colour"] == "black" {
			close(done)
		}
	}
	_, err = factory.Core().V1().ConfigMaps().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    show,
		UpdateFunc: func(_, obj any) { show(obj) },
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer factory.Shutdown()
	defer stop()
	factory.Start(ctx.Done())
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("nothing is black")
	}
}
