package wire_test

import (
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// A list is read object by object while it arrives; what is wanted of an object is decoded.
func ExampleListReader() {
	body := strings.NewReader(`{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[
		{"metadata":{"name":"web","namespace":"default","labels":{"app":"web"}},"spec":{"ports":[{"port":80}]}},
		{"metadata":{"name":"db","namespace":"default","labels":{"app":"db"}},"spec":{"ports":[{"port":5432}]}}
	]}`)
	list := wire.NewListReader(body, wire.JSON, wire.Options{})
	for {
		o, err := list.Next()
		if err == io.EOF {
			fmt.Println("complete at", list.Meta().ResourceVersion)
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		if o.Meta.Labels.Get("app") != "db" {
			continue // not worth decoding
		}
		var service corev1.Service
		if err := wire.Decode(o, &service); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(o.Kind, o.Meta.Key(), service.Spec.Ports[0].Port)
	}
	// Output:
	// Service default/db 5432
	// complete at 7
}

func ExampleObject_Annotation() {
	o, err := wire.ReadObject([]byte(`{
		"apiVersion": "v1", "kind": "Service",
		"metadata": {"name": "web", "namespace": "default", "annotations": {"ingress/http": "true"}},
		"spec": {"ports": [{"port": 80}]}
	}`), wire.JSON, wire.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	value, ok := o.Annotation("ingress/http")
	fmt.Println(o.Kind, o.Meta.Key(), value, ok)
	// Output: Service default/web true true
}
