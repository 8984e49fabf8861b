package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Index adds an index of the pods by the Node that they run on.
func (s *subject) Index(name string) error {
	return s.informer.AddIndexers(cache.Indexers{name: func(object any) ([]string, error) {
		pod, ok := object.(*corev1.Pod)
		if !ok {
			return nil, fmt.Errorf("index %s: %T is no pod", name, object)
		}
		return []string{pod.Spec.NodeName}, nil
	}})
}
