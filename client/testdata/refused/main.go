// This program does not compile: see TestWhatIsNoObjectDoesNotCompile.
package main

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
)

func main() {
	client.Of[*corev1.Pod](nil)                // refused
	client.Of[corev1.PodSpec](nil)             // refused
	client.Of[string](nil)                     // refused
	client.Of[corev1.Pod](nil)                 //
	kind.Of[*corev1.Pod]()                     // refused
	kind.Of[corev1.PodList]()                  // refused
	kind.Of[corev1.Pod]()                      //
	kind.Register[*corev1.Pod](kind.Info{})    // refused
	kind.Register[corev1.PodSpec](kind.Info{}) // refused
	kind.Register[corev1.Pod](kind.Info{})     //
}
