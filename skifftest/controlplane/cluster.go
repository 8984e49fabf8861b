package controlplane

import (
	"context"
	"fmt"
	"maps"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Cluster is a running control plane. Its methods are safe for concurrent use.
type Cluster struct {
	process *process
	config  *rest.Config
}

// Run starts a control plane and returns when it is up, in a few seconds. It runs until Stop, or
// until this process ends; ctx bounds the start only.
//
// Errors: ErrNoBinary; ctx's error; or what devcluster said of a failed start, with the path of the
// log that tells more.
func Run(ctx context.Context, opts ...Option) (*Cluster, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	p, err := launch(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("controlplane: %w", err)
	}
	config, err := kubeconfig.Load(p.hello.Kubeconfig)
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("controlplane: read what devcluster wrote: %w", err)
	}
	return &Cluster{process: p, config: config}, nil
}

// Stop ends the control plane and returns when none of its processes runs any more. It removes
// temporary data. Calling it again does no harm.
func (c *Cluster) Stop() error {
	if err := c.process.stop(); err != nil {
		return fmt.Errorf("controlplane: stop: %w", err)
	}
	return nil
}

// Config is the cluster administrator's configuration: a copy, the caller's own.
func (c *Cluster) Config() *rest.Config { return c.config.Copy() }

// Kubeconfig is the path of a kubeconfig file with the same.
func (c *Cluster) Kubeconfig() string { return c.process.hello.Kubeconfig }

// Logs is the folder of the components' logs. It is removed with temporary data.
func (c *Cluster) Logs() string { return c.process.hello.Logs }

// PIDs are the process ids of the components as they were started first, by name.
func (c *Cluster) PIDs() map[string]int { return maps.Clone(c.process.hello.PIDs) }

const apiserver = "kube-apiserver"

// RestartAPIServer stops the API server gracefully, starts it again on the same port, and returns
// when it is ready.
func (c *Cluster) RestartAPIServer(ctx context.Context) error { return c.do(ctx, "restart") }

// StopAPIServer stops the API server gracefully and returns when it has ended.
func (c *Cluster) StopAPIServer(ctx context.Context) error { return c.do(ctx, "stop") }

// KillAPIServer ends the API server as a crash would.
func (c *Cluster) KillAPIServer(ctx context.Context) error { return c.do(ctx, "kill") }

// StartAPIServer starts the API server that was stopped or killed, on the same port, and returns
// when it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error { return c.do(ctx, "start") }

// PauseAPIServer stops the API server in its tracks: its connections stay open and fall silent.
func (c *Cluster) PauseAPIServer(ctx context.Context) error { return c.do(ctx, "pause") }

// ResumeAPIServer has a paused API server go on.
func (c *Cluster) ResumeAPIServer(ctx context.Context) error { return c.do(ctx, "resume") }

func (c *Cluster) do(ctx context.Context, verb string) error {
	if err := c.process.do(ctx, verb+" "+apiserver); err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	return nil
}
