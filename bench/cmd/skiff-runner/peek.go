package main

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/informer"
)

// Peek passes the object that all readers share to a function, for the duration of the call.
func (s *subject[T]) Peek(key string) error {
	namespace, name, _ := strings.Cut(key, "/")
	return s.informer.Lister().View(namespace, name, func(*T) error { return nil })
}

func (s *subject[T]) PeekList(selector labels.Selector) (int, error) {
	n := 0
	err := s.informer.Lister().Views(informer.Query{Labels: selector}, func(*T) error { n++; return nil })
	return n, err
}

func (s *subject[T]) item(key string) (informer.Item[T], error) {
	namespace, name, _ := strings.Cut(key, "/")
	return s.informer.Lister().Item(namespace, name)
}

// Glance reads the metadata that every item has decoded.
func (s *subject[T]) Glance(key string) error {
	item, err := s.item(key)
	if err != nil || item.Key() != key || item.ResourceVersion() == "" {
		return fmt.Errorf("no item %s in the cache: %w", key, err)
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
	item, err := s.item(key)
	if err != nil {
		return err
	}
	_, err = item.Partial(s.fields)
	return err
}
