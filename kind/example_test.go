package kind_test

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/kind"
)

func ExampleOf() {
	k, err := kind.Of[appsv1.Deployment]()
	fmt.Println(k, k.Resource, k.Namespaced, err)
	// Output: apps/v1 Deployment deployments true <nil>
}

// Restore is a custom resource of a program.
type Restore struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

// A type is not known before it is registered.
func ExampleRegister() {
	_, err := kind.Of[Restore]()
	var unknown *kind.UnknownError
	fmt.Println(errors.As(err, &unknown))

	err = kind.Register[Restore](kind.Info{
		Group: "example.com", Version: "v1", Kind: "Restore", Resource: "restores", Namespaced: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	k, err := kind.Of[Restore]()
	fmt.Println(k.GVR(), err)
	// Output:
	// true
	// example.com/v1, Resource=restores <nil>
}

// A generic function of a program. Callers name the struct, and the compiler infers the pointer.
func ExampleObject() {
	fmt.Println(names([]corev1.Pod{
		{ObjectMeta: metav1.ObjectMeta{Name: "web-0"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "web-1"}},
	}))
	// Output: [web-0 web-1]
}

func names[T any, P kind.Object[T]](objects []T) (names []string) {
	for i := range objects {
		names = append(names, P(&objects[i]).GetName())
	}
	return names
}
