package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/informer"
)

// Peek lends the object that all readers share, for the length of a call.
func (s *subject[T]) Peek(key string) error {
	return s.informer.Lister().View(key, func(*T) error { return nil })
}

func (s *subject[T]) PeekList(selector labels.Selector) (int, error) {
	n := 0
	for _, err := range s.informer.Lister().Views(selector) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Glance takes what every item has at hand.
func (s *subject[T]) Glance(key string) error {
	item, ok := s.informer.Lister().Item(key)
	if !ok || item.Key() != key || item.ResourceVersion() == "" {
		return fmt.Errorf("no item %s in the cache", key)
	}
	item.Labels()
	return nil
}

// Part decodes two fields of a pod and leaves the others packed.
func (s *subject[T]) Part(key string) (err error) {
	if s.fields == nil {
		if s.fields, err = informer.NewFields[T]("spec.nodeName", "status.phase"); err != nil {
			return err
		}
	}
	item, ok := s.informer.Lister().Item(key)
	if !ok {
		return fmt.Errorf("no item %s in the cache", key)
	}
	_, err = item.Partial(s.fields)
	return err
}
