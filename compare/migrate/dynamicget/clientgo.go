// Package dynamicget reads an object without its Go type.
package dynamicget

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// ClientGo prints a field of a ConfigMap.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return err
	}
	configMaps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	u, err := c.Resource(configMaps).Namespace(namespace).Get(ctx, "a", metav1.GetOptions{})
	if err != nil {
		return err
	}
	colour, _, err := unstructured.NestedString(u.Object, "data", "colour")
	fmt.Fprintln(out, u.GetKind(), u.GetName(), colour)
	return err
}
