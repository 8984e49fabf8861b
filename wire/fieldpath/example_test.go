package fieldpath_test

import (
	"errors"
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// Paths are made ready once for a Go type, which finds those that it does not have.
func ExampleNew() {
	fields, err := fieldpath.New(reflect.TypeFor[corev1.Pod](), "status.phase", "spec.containers[*].image", "metadata.labels['app']")
	fmt.Println(fields, err)

	_, err = fieldpath.New(reflect.TypeFor[corev1.Pod](), "spec.containers[*].imge")
	var wrong *fieldpath.Error
	if errors.As(err, &wrong) {
		fmt.Println(wrong.Path[:wrong.Offset], "?", wrong.Reason)
	}
	// Output:
	// metadata.labels['app'], spec.containers[*].image, status.phase <nil>
	// spec.containers[*]. ? a v1.Container has no field imge
}

// Of an object's JSON, only the chosen fields are kept.
func ExampleNames_Keep() {
	fields, err := fieldpath.New(nil, "spec.replicas", "metadata.labels['app']")
	if err != nil {
		fmt.Println(err)
		return
	}
	kept, err := fields.Names().Keep(nil, []byte(`{"metadata":{"name":"a","labels":{"app":"x","b":"c"}},"spec":{"replicas":3,"paused":true}}`))
	fmt.Println(string(kept), err)
	// Output: {"metadata":{"labels":{"app":"x"}},"spec":{"replicas":3}} <nil>
}
