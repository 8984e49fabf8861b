package controlplane

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Cluster is a running control plane. Its methods are safe for concurrent use.
type Cluster struct {
	process    *process // nil: that of $SKIFF_TEST_KUBECONFIG
	config     *rest.Config
	kubeconfig string
	version    string
}

// Run starts a control plane and returns when it is up, in a few seconds. The control plane runs until
// [Cluster.Stop] is called or this process ends. ctx bounds the start only.
//
// Errors:
//   - [ErrNoBinary], if there is no devcluster binary;
//   - ctx's error, if ctx ends before the control plane is up;
//   - an error with the output of devcluster and the path of the failed component's log, if a component
//     does not start;
//   - those of [Cluster.InstallCRDs], with [WithCRDs].
func Run(ctx context.Context, opts ...Option) (*Cluster, error) {
	path, err := binary()
	if err != nil {
		return nil, err
	}
	o := optionsOf(opts)
	p, err := launch(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("controlplane: %w", err)
	}
	config, err := kubeconfig.Load(p.hello.Kubeconfig)
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("controlplane: read the kubeconfig of devcluster: %w", err)
	}
	c := &Cluster{process: p, config: config, kubeconfig: p.hello.Kubeconfig, version: p.hello.Version}
	if err := c.InstallCRDs(ctx, o.crds...); err != nil {
		p.stop()
		return nil, err
	}
	return c, nil
}

// Stop stops the control plane and returns when all its processes have ended. It removes temporary
// data. A further call does nothing and returns the same. The cluster of $SKIFF_TEST_KUBECONFIG goes
// on.
func (c *Cluster) Stop() error {
	if c.process == nil {
		return nil
	}
	if err := c.process.stop(); err != nil {
		return fmt.Errorf("controlplane: stop: %w", err)
	}
	return nil
}

// Version returns the version of Kubernetes, such as "v1.37.2".
func (c *Cluster) Version() string { return c.version }

// Config returns the configuration of the cluster's administrator. The copy belongs to the caller.
func (c *Cluster) Config() *rest.Config { return c.config.Copy() }

// As returns the configuration of another user, by impersonation: what RBAC permits that user and the
// groups is permitted. The server adds the group system:authenticated, and to a service account
// without groups those that every service account has. The copy belongs to the caller.
//
//	jane := cluster.As("jane", "developers")
//	job := cluster.As("system:serviceaccount:default:job")
func (c *Cluster) As(user string, groups ...string) *rest.Config {
	config := c.Config()
	config.Impersonate = rest.Impersonation{User: user, Groups: slices.Clone(groups)}
	return config
}

// Kubeconfig returns the path of a kubeconfig file with the same configuration.
func (c *Cluster) Kubeconfig() string { return c.kubeconfig }

// Logs returns the folder of the components' logs. Stop removes it if the data is temporary. It is ""
// for the cluster of $SKIFF_TEST_KUBECONFIG.
func (c *Cluster) Logs() string {
	if c.process == nil {
		return ""
	}
	return c.process.hello.Logs
}

// PIDs returns the process ids of the components by name, as of the start of the control plane. A
// component that was started again since has another id. The map belongs to the caller. It is nil for
// the cluster of $SKIFF_TEST_KUBECONFIG.
func (c *Cluster) PIDs() map[string]int {
	if c.process == nil {
		return nil
	}
	return maps.Clone(c.process.hello.PIDs)
}

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

// do is what the methods above do. Their error is [ErrExisting] for the cluster of
// $SKIFF_TEST_KUBECONFIG.
func (c *Cluster) do(ctx context.Context, verb string) error {
	if c.process == nil {
		return fmt.Errorf("%s the API server: %w", verb, ErrExisting)
	}
	if err := c.process.do(ctx, verb+" "+apiserver); err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	return nil
}
