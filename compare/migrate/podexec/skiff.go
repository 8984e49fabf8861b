package podexec

import (
	"context"
	"io"

	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints what a command in the pod "web" writes.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	return remote.Exec(ctx, c, namespace, "web", []string{"echo", "hello"},
		remote.Session{Container: "app", Stdout: out, Stderr: out})
}
