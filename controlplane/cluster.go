package controlplane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/skiff-k8s/skiff/rest"
)

// Cluster is a running control plane. Its methods are safe for concurrent use.
type Cluster struct {
	runner     runner
	config     *rest.Config
	kubeconfig string
	version    string
	stays      bool // its objects outlive Stop

	mu       sync.Mutex
	webhooks []*installed // those of WithWebhooks; guarded by mu
}

// Run starts a control plane and returns when it is up, in a few seconds. The control plane runs until
// [Cluster.Stop] is called or this process ends. ctx bounds the start only.
//
// Errors:
//   - [ErrNoBinary], if there is no devcluster binary and $KUBEBUILDER_ASSETS is not set;
//   - an error that names $KUBEBUILDER_ASSETS, if that folder has not the binaries or they cannot do
//     what an option asks for;
//   - ctx's error, if ctx ends before the control plane is up;
//   - an error with the end of the failed component's log, if a component does not start;
//   - those of [Cluster.InstallCRDs], with [WithCRDs], and of [Cluster.InstallWebhooks], with
//     [WithWebhooks].
func Run(ctx context.Context, opts ...Option) (*Cluster, error) {
	at, err := find()
	if err != nil {
		return nil, err
	}
	return start(ctx, at, optionsOf(opts))
}

// Stop stops the control plane and returns when all its processes have ended. It removes temporary
// data. A further call does nothing and returns the same. The cluster of $SKIFF_TEST_KUBECONFIG goes
// on.
//
// Its error is a component that had ended by itself, or what cannot be stopped or removed.
func (c *Cluster) Stop() error {
	c.mu.Lock()
	webhooks := c.webhooks
	c.webhooks = nil
	c.mu.Unlock()
	var errs []error
	if c.stays {
		for _, w := range webhooks {
			errs = append(errs, w.unregister())
		}
	}
	errs = append(errs, c.runner.stop())
	for _, w := range webhooks {
		errs = append(errs, w.end())
	}
	if err := errors.Join(errs...); err != nil {
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
func (c *Cluster) Logs() string { return c.runner.logs() }

// PIDs returns the process ids of the components by name, as of the start of the control plane. A
// component that was started again since has another id. The map belongs to the caller. It is nil for
// the cluster of $SKIFF_TEST_KUBECONFIG.
func (c *Cluster) PIDs() map[string]int { return c.runner.pids() }

// The names of the components.
const (
	etcd              = "etcd"
	apiserver         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
)

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
	err := c.runner.do(ctx, verb)
	if err == nil || errors.Is(err, ErrExisting) { // whose text begins likewise
		return err
	}
	return fmt.Errorf("controlplane: %w", err)
}
