package podlogs

import (
	"context"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the log of the pod "web". remote.Logs reads those of all containers of a selector.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	log, err := remote.Log(ctx, c, namespace, "web",
		corev1.PodLogOptions{Container: "app", TailLines: new(int64(2))})
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = io.Copy(out, log)
	return err
}
