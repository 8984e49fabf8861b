package dynamicget

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints a field of a ConfigMap.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	configMaps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	u, err := dynamic.New(c).Resource(configMaps).Namespace(namespace).Get(ctx, "a", metav1.GetOptions{})
	if err != nil {
		return err
	}
	colour, _, err := unstructured.NestedString(u.Object, "data", "colour")
	fmt.Fprintln(out, u.GetKind(), u.GetName(), colour)
	return err
}
