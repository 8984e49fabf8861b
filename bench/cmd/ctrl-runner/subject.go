package main

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
)

// subject is a cache of controller-runtime with one informer. It implements probe.Subject.
type subject struct {
	resource resource
	open     func() (cache.Cache, error)

	cache   cache.Cache
	handler toolscache.ResourceEventHandlerRegistration
}

func (s *subject) Start(ctx context.Context, w *probe.Watcher) (err error) {
	if s.cache, err = s.open(); err != nil {
		return err
	}
	informer, err := s.cache.GetInformer(ctx, s.resource.object, cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	s.handler, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { w.Told(version(object)) },
		UpdateFunc: func(_, object any) { w.Told(version(object)) },
		DeleteFunc: func(last any) { w.Told(version(last)) },
	})
	if err != nil {
		return err
	}
	go s.cache.Start(ctx) // ends with ctx, and has nothing to say but that
	return nil
}

// version is empty for the tombstone of a deletion that the informer has missed.
func version(object any) string {
	if m, ok := object.(metav1.Object); ok {
		return m.GetResourceVersion()
	}
	return ""
}

func (s *subject) WaitForSync(ctx context.Context) error {
	select {
	case <-s.handler.HasSyncedChecker().Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("not synced: %w", context.Cause(ctx))
	}
}

// CaughtUp compares the version of the handler's last call: each event is one call, in order.
func (s *subject) CaughtUp(version uint64, w *probe.Watcher) bool { return w.Newest() >= version }

func (s *subject) Each(f func(key string, l labels.Labels)) {
	all := s.resource.list()
	err := s.cache.List(context.Background(), all, client.UnsafeDisableDeepCopy)
	if err == nil {
		err = meta.EachListItem(all, func(o runtime.Object) error {
			object := o.(client.Object)
			f(strings.TrimPrefix(client.ObjectKeyFromObject(object).String(), "/"), labels.Set(object.GetLabels()))
			return nil
		})
	}
	if err != nil {
		panic(err) // the list is of the cache's own type
	}
}

func (s *subject) get(key string, options ...client.GetOption) error {
	namespace, name, err := toolscache.SplitMetaNamespaceKey(key)
	if err != nil {
		return err
	}
	into := s.resource.object.DeepCopyObject().(client.Object) // an empty one
	return s.cache.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: name}, into, options...)
}

func (s *subject) list(selector labels.Selector, options ...client.ListOption) (int, error) {
	all := s.resource.list()
	err := s.cache.List(context.Background(), all, append(options, client.MatchingLabelsSelector{Selector: selector})...)
	return meta.LenList(all), err
}

func (s *subject) Get(key string) error { return s.get(key) }

func (s *subject) Peek(key string) error { return s.get(key, client.UnsafeDisableDeepCopy) }

func (s *subject) Glance(key string) error { return s.Peek(key) }

func (s *subject) Part(key string) error { return s.Peek(key) }

func (s *subject) List(selector labels.Selector) (int, error) { return s.list(selector) }

func (s *subject) PeekList(selector labels.Selector) (int, error) {
	return s.list(selector, client.UnsafeDisableDeepCopy)
}
