package main

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
)

// subject is a client-go informer. It implements probe.Subject.
type subject struct {
	open      func() (cache.SharedIndexInformer, error) // makes the informer
	transform cache.TransformFunc                       // nil: none
	informer  cache.SharedIndexInformer
	handler   cache.ResourceEventHandlerRegistration
}

func (s *subject) Start(ctx context.Context, w *probe.Watcher) (err error) {
	if s.informer, err = s.open(); err != nil {
		return err
	}
	if s.transform != nil {
		if err := s.informer.SetTransform(s.transform); err != nil {
			return err
		}
	}
	s.handler, err = s.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { w.Told(version(object)) },
		UpdateFunc: func(_, object any) { w.Told(version(object)) },
		DeleteFunc: func(last any) { w.Told(version(last)) },
	})
	if err != nil {
		return err
	}
	go s.informer.RunWithContext(ctx)
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
	for _, object := range s.informer.GetStore().List() {
		key, err := cache.MetaNamespaceKeyFunc(object)
		if err != nil {
			panic(err) // the store has made the same key of it
		}
		f(key, labels.Set(object.(metav1.Object).GetLabels()))
	}
}

// find returns the cache's own object, which must not be changed.
func (s *subject) find(key string) (runtime.Object, error) {
	object, ok, err := s.informer.GetStore().GetByKey(key)
	if err == nil && !ok {
		err = fmt.Errorf("no object %s in the cache", key)
	}
	if err != nil {
		return nil, err
	}
	return object.(runtime.Object), nil
}

// Get copies the object, because an object in client-go's cache must not be changed.
func (s *subject) Get(key string) error {
	object, err := s.find(key)
	if err != nil {
		return err
	}
	object.DeepCopyObject()
	return nil
}

func (s *subject) Peek(key string) error {
	_, err := s.find(key)
	return err
}

func (s *subject) Glance(key string) error { return s.Peek(key) }

func (s *subject) Part(key string) error { return s.Peek(key) }

func (s *subject) List(selector labels.Selector) (int, error) {
	var all []runtime.Object
	err := cache.ListAll(s.informer.GetStore(), selector, func(object any) {
		all = append(all, object.(runtime.Object).DeepCopyObject())
	})
	return len(all), err
}

func (s *subject) PeekList(selector labels.Selector) (int, error) {
	var all []runtime.Object
	err := cache.ListAll(s.informer.GetStore(), selector, func(object any) {
		all = append(all, object.(runtime.Object))
	})
	return len(all), err
}
