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

// Run starts a control plane and returns when it is up, in a few seconds. The control plane runs until
// [Cluster.Stop] is called or this process ends. ctx bounds the start only.
//
// Errors:
//   - [ErrNoBinary], if there is no devcluster binary;
//   - ctx's error, if ctx ends before the control plane is up;
//   - an error with the output of devcluster and the path of the failed component's log, if a component
//     does not start.
func Run(ctx context.Context, opts ...Option) (*Cluster, error) {
	path, err := binary()
	if err != nil {
		return nil, err
	}
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	p, err := launch(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("controlplane: %w", err)
	}
	config, err := kubeconfig.Load(p.hello.Kubeconfig)
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("controlplane: read the kubeconfig of devcluster: %w", err)
	}
	return &Cluster{process: p, config: config}, nil
}

// Stop stops the control plane and returns when all its processes have ended. It removes temporary
// data. A further call does nothing and returns the same.
func (c *Cluster) Stop() error {
	if err := c.process.stop(); err != nil {
		return fmt.Errorf("controlplane: stop: %w", err)
	}
	return nil
}

// Version returns the version of Kubernetes, such as "v1.37.2".
func (c *Cluster) Version() string { return c.process.hello.Version }

// Config returns the configuration of the cluster's administrator. The copy belongs to the caller.
func (c *Cluster) Config() *rest.Config { return c.config.Copy() }

// Kubeconfig returns the path of a kubeconfig file with the same configuration.
func (c *Cluster) Kubeconfig() string { return c.process.hello.Kubeconfig }

// Logs returns the folder of the components' logs. Stop removes it if the data is temporary.
func (c *Cluster) Logs() string { return c.process.hello.Logs }

// PIDs returns the process ids of the components by name, as of the start of the control plane. A
// component that was started again since has another id. The map belongs to the caller.
func (c *Cluster) PIDs() map[string]int { return maps.Clone(c.process.hello.PIDs) }

const apiserver = "kube-apiserver"

// RestartAPIServer stops the API server gracefully, starts it again on the same port, and returns
// when it is ready.
func (c *Cluster) RestartAPIServer(ctx context.Context) error { return c.do(ctx, "restart") }

// StopAPIServer stops the API server gracefully and returns when it has ended.
func (c *Cluster) StopAPIServer(ctx context.Context) error { return c.do(ctx, "stop") }

// KillAPIServer kills the API server, as in a crash, and returns when it has ended.
func (c *Cluster) KillAPIServer(ctx context.Context) error { return c.do(ctx, "kill") }

// StartAPIServer starts the API server that was stopped or killed, on the same port, and returns
// when it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error { return c.do(ctx, "start") }

// PauseAPIServer suspends the API server's process: its connections stay open and nothing is sent on
// them.
func (c *Cluster) PauseAPIServer(ctx context.Context) error { return c.do(ctx, "pause") }

// ResumeAPIServer continues the process that PauseAPIServer suspended.
func (c *Cluster) ResumeAPIServer(ctx context.Context) error { return c.do(ctx, "resume") }

func (c *Cluster) do(ctx context.Context, verb string) error {
	if err := c.process.do(ctx, verb+" "+apiserver); err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	return nil
}
