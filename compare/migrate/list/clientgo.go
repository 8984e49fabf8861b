// Package list lists objects that a selector chooses.
package list

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ClientGo prints the ConfigMaps with a label.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	list, err := c.CoreV1().ConfigMaps(namespace).List(ctx,
		metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		return err
	}
	for i := range list.Items {
		fmt.Fprintln(out, list.Items[i].Name, list.Items[i].Data)
	}
	return nil
}
