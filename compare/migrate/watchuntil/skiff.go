package watchuntil

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff waits until the ConfigMap "settings" has a colour. The error at the end of ctx says what was
// seen last.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	cm, err := client.Of[corev1.ConfigMap](c).In(namespace).WaitFor(ctx, "settings",
		wait.When("have a colour", func(cm *corev1.ConfigMap) bool { return cm.Data["colour"] != "" }))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, cm.Data["colour"])
	return nil
}
