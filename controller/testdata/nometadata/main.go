// A mistake that does not compile: a type without metadata.
package main

import (
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	corev1 "k8s.io/api/core/v1"
)

func main() {
	var factory *informer.Factory
	controller.For(informer.For[corev1.PodSpec](factory))
}
