package controlplane

import (
	"context"
	"fmt"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// runner is what runs a Cluster. There are three: [process] is devcluster, [programs] are the
// binaries of $KUBEBUILDER_ASSETS, and [guest] is the cluster of $SKIFF_TEST_KUBECONFIG. Its methods
// are safe for concurrent use.
type runner interface {
	// do starts, stops, restarts, kills, pauses or resumes the API server, as the verb says.
	do(ctx context.Context, verb string) error
	// stop ends all processes and removes temporary data. A further call does the same or nothing.
	stop() error
	// logs returns the folder of the logs, and pids the process ids by name. The map belongs to the
	// caller.
	logs() string
	pids() map[string]int
}

// start starts a control plane of the binaries at a place.
func start(ctx context.Context, at place, o options) (*Cluster, error) {
	c := &Cluster{stays: o.data != ""}
	if at.devcluster != "" {
		p, err := launch(ctx, at.devcluster, o)
		if err != nil {
			return nil, fmt.Errorf("controlplane: %w", err)
		}
		c.runner, c.kubeconfig, c.version = p, p.hello.Kubeconfig, p.hello.Version
	} else {
		p, err := startPrograms(ctx, at.assets, o)
		if err != nil {
			return nil, fmt.Errorf("controlplane: start the control plane of $%s: %w", EnvAssets, err)
		}
		c.runner, c.kubeconfig = p, p.kubeconfig()
	}
	err := c.open(ctx, o)
	if err != nil {
		_ = c.Stop() // err says why
		return nil, err
	}
	return c, nil
}

// open reads the kubeconfig of a control plane that runs, and installs what the options say.
func (c *Cluster) open(ctx context.Context, o options) error {
	config, err := kubeconfig.Load(c.kubeconfig)
	if err != nil {
		return fmt.Errorf("controlplane: read the control plane's kubeconfig: %w", err)
	}
	c.config = config
	if c.version == "" {
		if c.version, err = serverVersion(ctx, config); err != nil {
			return fmt.Errorf("controlplane: %w", err)
		}
	}
	return c.install(ctx, o)
}

// install installs what the options say.
func (c *Cluster) install(ctx context.Context, o options) error {
	if len(o.webhooks) == 0 {
		return c.InstallCRDs(ctx, o.crds...)
	}
	return c.installWebhooks(ctx, o.crds, nil, o.webhooks...)
}

// serverVersion asks an API server for its version.
func serverVersion(ctx context.Context, config *rest.Config) (string, error) {
	client, err := rest.NewClient(config.Copy())
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	info, err := discovery.New(client).ServerVersion(ctx)
	if err != nil {
		return "", err
	}
	return info.GitVersion, nil
}
