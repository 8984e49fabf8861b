// Package podlogs reads the log of a container.
package podlogs

import (
	"context"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ClientGo prints the log of the pod "web".
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	log, err := c.CoreV1().Pods(namespace).GetLogs("web",
		&corev1.PodLogOptions{Container: "app", TailLines: new(int64(2))}).Stream(ctx)
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = io.Copy(out, log)
	return err
}
