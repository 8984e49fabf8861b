package wire_test

import (
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/wire"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

const examplePod = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","labels":{"app":"web"}},` +
	`"spec":{"nodeName":"n1","containers":[{"name":"a","env":[{"name":"X","value":"1"}]},{"name":"b"}]},"status":{"phase":"Running"}}`

// A program that never looks at the environment of containers does not keep it.
func ExampleNewDrop() {
	drop, err := wire.NewDrop(reflect.TypeFor[corev1.Pod](), "spec.containers[*].env", "metadata.annotations")
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := wire.ReadObject([]byte(examplePod), wire.JSON, wire.Options{Drop: drop})
	fmt.Println(string(o.Data), err)

	_, err = wire.NewDrop(reflect.TypeFor[corev1.Binding](), "target.node")
	fmt.Println(err)
	// Output:
	// {"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"nodeName":"n1","containers":[{"name":"a"},{"name":"b"}]},"status":{"phase":"Running"}} <nil>
	// field path "target.node", at byte 7: a v1.ObjectReference has no field node; there is apiVersion, fieldPath, kind, name, namespace, resourceVersion, uid
}

// A program that asks for the phase only decodes nothing else.
func ExampleObject_Keep() {
	phase, err := fieldpath.New(reflect.TypeFor[corev1.Pod](), "status.phase")
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := wire.ReadObject([]byte(examplePod), wire.JSON, wire.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	kept, err := o.Keep(phase, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var pod corev1.Pod
	if err := wire.Decode(kept, &pod); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(kept.Meta.Name, string(kept.Data))
	fmt.Println(pod.Status.Phase)
	// Output:
	// web {"kind":"Pod","apiVersion":"v1","status":{"phase":"Running"}}
	// Running
}

// An index by a field needs the field's value, and no object.
func ExampleObject_Values() {
	fields, err := fieldpath.New(reflect.TypeFor[corev1.Pod](), "spec.nodeName", "spec.containers[*].name")
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := wire.ReadObject([]byte(examplePod), wire.JSON, wire.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for value := range o.Values(fields) {
		fmt.Println(value)
	}
	// Output:
	// n1
	// a
	// b
}
