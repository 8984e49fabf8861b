package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/skiff-k8s/skiff/kubeconfig"
)

const (
	// EnvKubeconfig names the environment variable with the path of a kubeconfig: [Start] then hands
	// out its cluster, and starts none.
	EnvKubeconfig = "SKIFF_TEST_KUBECONFIG"

	// EnvContext names the environment variable with the name of that kubeconfig's current context. It
	// guards against tests that write to the cluster that somebody happens to work with.
	EnvContext = "SKIFF_TEST_CONTEXT"
)

// ErrExisting is the error of what cannot be done to a cluster of $SKIFF_TEST_KUBECONFIG: it is
// somebody else's, so no component of it is stopped or configured.
var ErrExisting = errors.New("controlplane: the cluster of $" + EnvKubeconfig + " is not this process's own")

// existing returns the cluster of $SKIFF_TEST_KUBECONFIG, whose path is given.
func existing(ctx context.Context, path string, o options) (*Cluster, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("controlplane: $%s is %s, which is not an absolute path: each package's tests run in their own folder",
			EnvKubeconfig, path)
	}
	config, err := kubeconfig.Open(path)
	if err != nil {
		return nil, fmt.Errorf("controlplane: $%s: %w", EnvKubeconfig, err)
	}
	switch named := os.Getenv(EnvContext); {
	case named == "":
		return nil, fmt.Errorf("controlplane: $%s is set, so the tests would write to the cluster of the context %q: if they may, say so by %s=%s",
			EnvKubeconfig, config.Context, EnvContext, config.Context)
	case named != config.Context:
		return nil, fmt.Errorf("controlplane: the current context of $%s is %q, and $%s is %q: the tests write to neither",
			EnvKubeconfig, config.Context, EnvContext, named)
	case len(o.args()) > 0:
		return nil, fmt.Errorf("%w: it cannot be started with %q", ErrExisting, o.args())
	}
	c := &Cluster{runner: guest{}, stays: true, config: config.REST, kubeconfig: path}
	if c.version, err = serverVersion(ctx, config.REST); err != nil {
		return nil, fmt.Errorf("controlplane: $%s, context %q: %w", EnvKubeconfig, config.Context, err)
	}
	if err := c.install(ctx, o); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// guest is the cluster of $SKIFF_TEST_KUBECONFIG. It goes on after the tests.
type guest struct{}

func (guest) do(_ context.Context, verb string) error {
	return fmt.Errorf("%s the API server: %w", verb, ErrExisting)
}

func (guest) stop() error          { return nil }
func (guest) logs() string         { return "" }
func (guest) pids() map[string]int { return nil }
