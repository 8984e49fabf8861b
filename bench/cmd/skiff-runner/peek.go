package main

import "k8s.io/apimachinery/pkg/labels"

func (s *subject[T]) Peek(key string) error { return s.Get(key) }

func (s *subject[T]) PeekList(selector labels.Selector) (int, error) { return s.List(selector) }
