package skifftest_test

import (
	"testing"
	"testing/synctest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/skifftest"
)

const boxes = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
	"metadata":{"name":"boxes.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
	"names":{"plural":"boxes","kind":"Box"},"versions":[{"name":"v1","served":true,"storage":true,
	"subresources":{"status":{}},"schema":{"openAPIV3Schema":{"type":"object","properties":{
	"spec":{"type":"object","properties":{"size":{"type":"integer","default":3}}},
	"status":{"type":"object","properties":{"full":{"type":"boolean"}}}}}}}]}}`

// A custom kind is served, with its defaults, from the moment that AddCRD returns.
func TestAddCRD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := skifftest.New(t, skifftest.WithCRDs([]byte(boxes)),
			`{"apiVersion":"example.com/v1","kind":"Box","metadata":{"name":"a","namespace":"shop"},"spec":{}}`)
		c := newClient(t, s)
		mapper := discovery.NewMapper(discovery.New(c))
		boxes, err := mapper.ResourceForWithContext(t.Context(), schema.GroupVersionResource{Resource: "box"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := dynamic.New(c).Resource(boxes).Namespace("shop").Get(t.Context(), "a", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if size, _, _ := unstructured.NestedInt64(got.Object, "spec", "size"); size != 3 {
			t.Errorf("size: %v", got.Object)
		}
	})
}
