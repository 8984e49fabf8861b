package main

import (
	"context"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// subject is a skiff informer. It implements probe.Subject.
type subject[T any] struct {
	factory  *informer.Factory
	open     func() *informer.Informer[T] // makes the informer
	informer *informer.Informer[T]
	handler  *informer.Registration
	fields   *informer.Fields[T] // of Part
}

func typed[T any, P kind.Object[T]](f *informer.Factory) *subject[T] {
	return &subject[T]{factory: f, open: func() *informer.Informer[T] { return informer.For[T, P](f) }}
}

func dynamic(f *informer.Factory, k kind.Info) *subject[unstructured.Unstructured] {
	return &subject[unstructured.Unstructured]{factory: f, open: func() *informer.Informer[unstructured.Unstructured] {
		return informer.ForResource(f, k)
	}}
}

func (s *subject[T]) Start(ctx context.Context, w *probe.Watcher) error {
	s.informer = s.open()
	s.handler = s.informer.AddHandler(informer.Handler[T]{
		OnAdd:    func(item informer.Item[T]) { w.Told(item.ResourceVersion()) },
		OnUpdate: func(_, item informer.Item[T]) { w.Told(item.ResourceVersion()) },
		OnDelete: func(last informer.Item[T]) { w.Told(last.ResourceVersion()) },
	})
	return s.factory.Start(ctx)
}

func (s *subject[T]) WaitForSync(ctx context.Context) error {
	if err := s.factory.WaitForSync(ctx); err != nil {
		return err
	}
	select {
	case <-s.handler.Synced():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the handler of %s has not been told of all: %w", s.informer, ctx.Err())
	}
}

// CaughtUp compares the version of the cache and checks the handler's queue. The version of the
// handler's last call would not do: the event of the last version may be merged into an earlier
// one.
func (s *subject[T]) CaughtUp(version uint64, _ *probe.Watcher) bool {
	return s.informer.Contains(strconv.FormatUint(version, 10)) && s.handler.Pending() == 0
}

func (s *subject[T]) Each(f func(key string, l labels.Labels)) {
	for item, err := range s.informer.Lister().Items(informer.Query{}) {
		if err != nil {
			return // no object; the caller finds the count too low
		}
		f(item.Key(), item.Labels())
	}
}

func (s *subject[T]) Get(key string) error {
	_, err := s.informer.Lister().ByKey(key)
	return err
}

func (s *subject[T]) List(selector labels.Selector) (int, error) {
	all, err := s.informer.Lister().List(informer.Query{Labels: selector})
	return len(all), err
}
