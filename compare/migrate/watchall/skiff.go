package watchall

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the ConfigMaps with a label, and what happens to them, until the one named "last" is
// there. It lists again when it has to, and tells each change once.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	for e, err := range client.Of[corev1.ConfigMap](c).In(namespace).Follow(ctx,
		metav1.ListOptions{LabelSelector: "app=web"}) {
		switch {
		case err != nil:
			return err
		case e.Type == client.Bookmark: // the list is complete
			continue
		}
		fmt.Fprintln(out, e.Type, e.Object.Name)
		if e.Object.Name == "last" {
			return nil
		}
	}
	return nil
}
