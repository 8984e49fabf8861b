package controller

import (
	"log/slog"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// Option changes what New makes. A controller needs one: what it is For.
type Option interface{ apply(*Controller) }

type optionFunc func(*Controller)

func (f optionFunc) apply(c *Controller) { f(c) }

const (
	// DefaultWorkers is one: a Reconcile is written for one key at a time, and
	// several at once should be somebody's decision.
	DefaultWorkers = 1

	// DefaultDrainTimeout is how long reconciles under way at the stop may take.
	// It is the grace period that Kubernetes gives a Pod by default.
	DefaultDrainTimeout = 30 * time.Second

	// DefaultWriteTimeout is how long a key waits at most until the caches show
	// its own writes. Healthy watches are behind by milliseconds; an informer that
	// a written object is hidden from by its selector never shows it.
	DefaultWriteTimeout = 10 * time.Second
)

// Workers is how many keys are reconciled at once, each key by one worker at a
// time. Default: DefaultWorkers.
func Workers(n int) Option {
	return optionFunc(func(c *Controller) { c.workers = n })
}

// MaxRetries is how often a key that fails is tried again, later each time. After
// that it is logged as given up, and waits for its next event or resync, which
// starts the count anew. 0 is never; less is without end. Default: without end,
// so that no fault, however long, leaves a key behind.
//
// While one of the controller's informers has lost the API server no key is given
// up: they are tried again every few seconds, and the count goes on when the API
// server is back.
func MaxRetries(n int) Option {
	return optionFunc(func(c *Controller) { c.maxRetries = n })
}

// Logger is what the controller logs to, and what LoggerFrom returns in a
// reconcile. Default: slog.Default.
func Logger(log *slog.Logger) Option {
	return optionFunc(func(c *Controller) { c.log = log })
}

// DrainTimeout is how long reconciles that are under way when Run's context ends
// may take to finish before their own context is cancelled. Default:
// DefaultDrainTimeout.
func DrainTimeout(d time.Duration) Option {
	return optionFunc(func(c *Controller) { c.drainTimeout = d })
}

// WriteTimeout is how long a key waits at most until the caches show its own
// writes. Default: DefaultWriteTimeout.
func WriteTimeout(d time.Duration) Option {
	return optionFunc(func(c *Controller) { c.writeTimeout = d })
}

// RateLimiter decides how long a key that failed waits. Controllers may share one.
// Default: workqueue.DefaultRateLimiter, each controller its own.
func RateLimiter(l workqueue.RateLimiter[Key]) Option {
	return optionFunc(func(c *Controller) { c.limiter = l })
}

// QueueMetrics is told what happens in the controller's queue. Default: nobody.
func QueueMetrics(m workqueue.Metrics) Option {
	return optionFunc(func(c *Controller) { c.queueMetrics = m })
}
