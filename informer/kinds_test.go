package informer_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

type unstructuredObject = unstructured.Unstructured

const (
	testResync = 500 * time.Millisecond
	soonEnough = 30 * time.Second
)

func mustKind(t *testing.T, group, version, name string) kind.Info {
	t.Helper()
	k, ok := kind.ByGVK(schema.GroupVersionKind{Group: group, Version: version, Kind: name})
	if !ok {
		t.Fatalf("%s %s is unknown", group, name)
	}
	return k
}

func kindOfNothing() kind.Info {
	return kind.Info{Group: "example.com", Version: "v1", Kind: "Nothing", Resource: "nothings", Namespaced: true}
}
