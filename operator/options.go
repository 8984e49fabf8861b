package operator

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skiff-k8s/skiff/informer"
)

// Options are what New makes an operator of. The zero value runs nothing but the servers.
type Options struct {
	// Name names the operator in logs and metrics. "" means the name of the program.
	Name string
	// Factories are the informers, of one cluster or of several. The operator runs them. The API
	// server of the first one is asked what Settings.Authorize asks.
	Factories []*informer.Factory
	// Settings are what whoever installs the operator decides.
	Settings Settings
	// Elector decides which replica leads: controllers without controller.WithoutLease, and
	// OnLeader parts, run there only. nil means that every replica leads.
	Elector Elector
	// Metrics are served at /metrics. nil means NewMetrics(nil).
	Metrics *Metrics
	// Webhooks answer the API server's questions on all replicas. They run from before the informers
	// until after them, and the operator is ready when they are: with Webhooks the state of the
	// informers does not decide whether it is ready (Shown). A *webhook.Server is one. nil means none.
	Webhooks Webhooks
	// Logger takes what the operator logs. nil means slog.Default.
	Logger *slog.Logger
	// NoSignals leaves SIGTERM and SIGINT to the caller. The default is that the first one stops
	// the operator and the second one ends the process.
	NoSignals bool
	// NoMemoryLimit leaves Go's memory limit as it is. The default is LimitMemory.
	NoMemoryLimit bool
}

// Webhooks are a server of webhooks. Package operator/webhook has one.
type Webhooks interface {
	// Listen opens the port, so that a port that is taken is an error before anything else is
	// started. Close closes the port of a server that does not run.
	Listen(ctx context.Context) error
	Close()
	// Run answers requests until ctx ends, and returns when those that are running have been
	// answered. The cause of ctx's end may have the method DrainTimeout, which
	// returns how long it has for that; negative means no limit.
	Run(ctx context.Context) error
	// Check returns why requests cannot be answered now, and nil if they can.
	Check(ctx context.Context) error
	// Register adds the server's metrics.
	Register(r prometheus.Registerer) error
}

// Elector decides which of several replicas leads. An *election.Elector is one.
type Elector interface {
	// Run takes part until ctx ends. When this replica leads, it calls lead, with a context that
	// ends when it may not lead any more, or when ctx ends. It keeps the leadership until lead has
	// returned. It returns an error if it has lost the leadership, and nil after ctx has ended.
	Run(ctx context.Context, lead func(ctx context.Context) error) error
}

// Where says which replicas run a part.
type Where int

const (
	// OnLeader parts run on the replica that leads.
	OnLeader Where = iota
	// Always parts run on all replicas.
	Always
)

// withDefaults returns o with its zeros replaced by the defaults.
func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = filepath.Base(os.Args[0])
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	o.Settings = o.Settings.withDefaults()
	return o
}
