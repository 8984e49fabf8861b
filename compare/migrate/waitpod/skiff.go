package waitpod

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff waits until the pod "web" is ready, or has ended.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	pod, err := client.Of[corev1.Pod](c).In(namespace).WaitFor(ctx, "web", wait.PodReady())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, pod.Status.Phase)
	return err
}
