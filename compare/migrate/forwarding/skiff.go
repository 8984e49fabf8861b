package forwarding

import (
	"context"

	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff forwards a free local port to port 80 of the pod "web", until ctx ends. It calls ready with
// the address.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, ready func(address string)) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	forwarder, err := remote.Forward(ctx, c, namespace, "web", remote.ForwardOptions{Ports: []string{":80"}})
	if err != nil {
		return err
	}
	ready(forwarder.Ports()[0].Local.String())
	return forwarder.Run(ctx)
}
