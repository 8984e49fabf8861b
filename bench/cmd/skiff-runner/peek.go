package main

import "k8s.io/apimachinery/pkg/labels"

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
