package controller

import (
	"log/slog"
	"math"
	"time"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/workqueue"
)

// Option configures the controller that New makes. A controller needs at least one: a For.
//
// In every option that takes a number, 0 means the default.
type Option interface{ apply(*Controller) }

type optionFunc func(*Controller)

func (f optionFunc) apply(c *Controller) { f(c) }

const (
	// DefaultWorkers is 1: a Reconcile is safe to run for one key at a time. To run it for several
	// keys at once is a decision.
	DefaultWorkers = 1

	// RetryForever is the MaxRetries without a limit. It is the default.
	RetryForever = math.MaxInt

	// DefaultSyncTimeout is the default of SyncTimeout.
	DefaultSyncTimeout = 2 * time.Minute

	// DefaultDrainTimeout is the default of DrainTimeout. It is the grace period that Kubernetes
	// gives a Pod by default.
	DefaultDrainTimeout = 30 * time.Second

	// DefaultWriteTimeout is the default of WriteTimeout. Healthy watches lag by milliseconds. An
	// informer whose selector hides a written object never shows it.
	DefaultWriteTimeout = 10 * time.Second
)

// Workers sets how many keys are reconciled at once. One key is never reconciled twice at once. 0
// means the default, DefaultWorkers; a negative number is a mistake, which Run returns.
func Workers(n int) Option {
	return optionFunc(func(c *Controller) { c.workers = n })
}

// MaxRetries sets how often a key that fails is tried again. The pauses between the tries grow.
// After the last try the controller logs that it gives the key up, and the key waits for its next
// event or resync, which starts the count anew. 0 means the default, RetryForever, so that no fault
// leaves a key behind, however long it lasts; negative means never retry.
//
// While one of the controller's informers cannot reach the API server no key is given up. A key
// whose retries are used up is then tried again every few seconds, and given up only if it still
// fails once the API server is back.
func MaxRetries(n int) Option {
	return optionFunc(func(c *Controller) { c.maxRetries = n })
}

// Logger sets the logger of the controller, and of LoggerFrom in a reconcile. nil means the
// default, slog.Default.
func Logger(log *slog.Logger) Option {
	return optionFunc(func(c *Controller) { c.log = log })
}

// SyncTimeout sets how long Run waits for the initial lists of its caches. When the time is over
// Run returns an error that names the informer and its last error. 0 means the default,
// DefaultSyncTimeout; negative means wait forever.
//
// The clock runs only while the API server answers. An error status, such as 403 Forbidden or 404
// Not Found, is an answer; a refused connection is not. The informer's pause after an answer counts;
// the time of a request counts when something of its answer has come. While the server cannot be
// reached Run waits. The log says after 10 seconds what Run waits for, and then once a minute.
func SyncTimeout(d time.Duration) Option {
	return optionFunc(func(c *Controller) { c.syncTimeout = d })
}

// DrainTimeout sets how long reconciles that are running when Run's context ends may go on. When
// the time is over their own context is cancelled. 0 means the default, DefaultDrainTimeout;
// negative means that it is never cancelled.
func DrainTimeout(d time.Duration) Option {
	return optionFunc(func(c *Controller) { c.drainTimeout = d })
}

// WriteTimeout sets how long a key waits at most until the caches have seen its own writes. When
// the time is over the controller logs a warning and reconciles the key. 0 means the default,
// DefaultWriteTimeout; negative means no limit: a key whose write is never seen, because an
// informer's selector hides it, is then never reconciled again.
func WriteTimeout(d time.Duration) Option {
	return optionFunc(func(c *Controller) { c.writeTimeout = d })
}

// ReconcileTimeout sets how long a reconcile may take. When the time is over its context ends, with a
// *[TimeoutError] as its cause; the Reconcile has to return then, as it does when the controller is
// stopped. If it returns an error, that is a *TimeoutError that wraps it, and the key is tried again
// as after any error. 0 means the default, which is no limit, as does a negative time.
func ReconcileTimeout(d time.Duration) Option {
	return optionFunc(func(c *Controller) { c.timeout = d })
}

// MinInterval sets the least time between the end of a reconcile of a key and the start of the next
// one of the same key, whatever asks for it: an event, a retry, a RequeueAfter. A key that comes
// before waits for the rest. 0 means the default, which is none, as does a negative time.
func MinInterval(d time.Duration) Option {
	return optionFunc(func(c *Controller) { c.interval = d })
}

// LowWait sets how long keys that nothing has happened to wait at most behind the others: the keys of
// an initial list, and of a resync. The others are the keys of live events, of retries and of
// RequeueAfter; they are reconciled first, so that a restart with 20,000 objects holds no event back.
// A key that has waited that long takes turns with them ([workqueue.WithPriority]). 0 means the
// default, [workqueue.DefaultLowWait]; negative means off: all keys are reconciled in the order in
// which they came.
func LowWait(d time.Duration) Option {
	return optionFunc(func(c *Controller) { c.lowWait = d })
}

// RateLimiter sets what decides how long a key that failed waits. Controllers may share one. nil
// means the default: a [workqueue.ControllerRateLimiter] of the controller's own. It differs from
// the default of workqueue.New, which has the figures of client-go: 10,000 keys that fail once are
// retried within 8 seconds and not within 17 minutes.
func RateLimiter[K comparable](l workqueue.RateLimiter[K]) Option {
	return optionFunc(func(c *Controller) { c.limiter = l })
}

// Observe makes the controller call the functions of o from its start. [Controller.Observe] does so
// from any time on.
func Observe(o Observer) Option {
	return optionFunc(func(c *Controller) { c.Observe(o) })
}

// WithoutLease marks a controller that runs in all replicas of an operator, also in those that do
// not hold the lease. The controller itself does nothing with it: the frame of an operator asks
// NeedsLease.
func WithoutLease() Option {
	return optionFunc(func(c *Controller) { c.noLease = true })
}

// QueueMetrics sets the functions that the controller's queue calls. The default calls none.
func QueueMetrics(m workqueue.Metrics) Option {
	return optionFunc(func(c *Controller) { c.queueMetrics = m })
}

// Reads names caches that the Reconcile reads beside its sources, or that a source's functions
// read. Run waits for their initial lists, and ends with an error if one of them stops. Their
// changes name no key to reconcile.
//
// A cache that a Reconcile reads and that is neither a source nor named here may not be in sync at
// the first reconcile. A lister's error tells then.
func Reads(informers ...informer.Untyped) Option {
	return optionFunc(func(c *Controller) { c.reads = append(c.reads, informers...) })
}

// defaults replaces zeros by the defaults.
func (c *Controller) defaults() {
	if c.workers == 0 {
		c.workers = DefaultWorkers
	}
	switch {
	case c.maxRetries == 0:
		c.maxRetries = RetryForever
	case c.maxRetries < 0:
		c.maxRetries = 0
	}
	if c.syncTimeout == 0 {
		c.syncTimeout = DefaultSyncTimeout
	}
	if c.drainTimeout == 0 {
		c.drainTimeout = DefaultDrainTimeout
	}
	if c.writeTimeout == 0 {
		c.writeTimeout = DefaultWriteTimeout
	}
	c.timeout, c.interval = max(c.timeout, 0), max(c.interval, 0)
	if c.log == nil {
		c.log = slog.Default()
	}
}
