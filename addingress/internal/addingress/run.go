package addingress

import (
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/events"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

const (
	// DefaultWorkers is the default of Config.Workers.
	DefaultWorkers = 5
	// DefaultResync is the default of Config.Resync. Events cause all work that can be foreseen. The
	// resync is for what has no event, such as the end of an admission policy.
	DefaultResync = 10 * time.Minute

	// maxRetryPause is the longest pause between two tries of a Service that fails. It is short, so
	// that an outage of any length is over for the Services seconds after it is over for the API
	// server.
	maxRetryPause = 5 * time.Second
	// retriesPerSecond limits the retries of all Services together, beyond retriesBurst.
	retriesPerSecond = 100
	retriesBurst     = 500
)

// Config is how an operator works. The zero Config is complete.
type Config struct {
	// Hosts makes the Ingresses' hosts. nil means those of DefaultHostTemplate.
	Hosts *HostTemplate
	// IngressClass is the class of all Ingresses. "" means that addingress does not own the class;
	// the API server sets the cluster's default class in new Ingresses.
	IngressClass string
	// Namespace is the namespace of the Services. "" means all namespaces.
	Namespace string
	// Instance is the name of this operator among several in the cluster. Its field manager is
	// "addingress/" and this. "" means DefaultInstance.
	Instance string
	// Workers is how many Services are reconciled concurrently. 0 means the default, DefaultWorkers.
	Workers int
	// MaxRetries is how often a failed reconcile is retried before its Service waits for an event
	// or the resync. 0 means the default, controller.RetryForever; negative means never.
	MaxRetries int
	// Resync is the interval at which every Service is reconciled without an event. A Service whose
	// Ingress is right costs no request. 0 means the default, DefaultResync; negative means never.
	Resync time.Duration
	// DrainTimeout is how long reconciles under way may take to finish at the stop. 0 means the
	// default, controller.DefaultDrainTimeout; negative means no limit.
	DrainTimeout time.Duration
	// Logger is the operator's logger. nil means slog.Default.
	Logger *slog.Logger
	// QueueMetrics is called for the events of the queue of Services. Optional.
	QueueMetrics workqueue.Metrics
}

// DefaultConfig returns the Config of the operator without flags.
func DefaultConfig() Config {
	var cfg Config
	cfg.defaults()
	return cfg
}

// defaults replaces zeros by the defaults.
func (cfg *Config) defaults() {
	if cfg.Hosts == nil {
		hosts, err := ParseHostTemplate(DefaultHostTemplate)
		if err != nil {
			panic(err) // a constant, tested
		}
		cfg.Hosts = hosts
	}
	if cfg.Instance == "" {
		cfg.Instance = DefaultInstance
	}
	if cfg.Workers == 0 {
		cfg.Workers = DefaultWorkers
	}
	if cfg.MaxRetries == 0 {
		cfg.MaxRetries = controller.RetryForever
	}
	if cfg.Resync == 0 {
		cfg.Resync = DefaultResync
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = controller.DefaultDrainTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
}

// Operator is addingress for one cluster. Make one with New, and run it once.
type Operator struct {
	err        error // a mistake that New found
	factory    *informer.Factory
	controller *controller.Controller
	recorder   *recorder
}

// New makes an operator. It connects to nothing.
func New(c *rest.Client, cfg Config) *Operator {
	return newOperator(c, cfg, func(r controller.Reconcile) controller.Reconcile { return r })
}

// newOperator is New with something around the reconcile.
func newOperator(c *rest.Client, cfg Config,
	around func(controller.Reconcile) controller.Reconcile) *Operator {
	cfg.defaults()
	log := cfg.Logger
	factory := informer.NewFactory(c, informer.Logger(log), informer.Namespace(cfg.Namespace))
	services := informer.For[corev1.Service](factory, informer.Resync(cfg.Resync))
	ingresses := informer.For[networkingv1.Ingress](factory)
	set := settings{hosts: cfg.Hosts, class: cfg.IngressClass, instance: cfg.Instance}
	claims, err := addClaims(set, services, ingresses)
	r := &reconciler{
		settings:  set,
		services:  services.Lister(),
		ingresses: ingresses.Lister(),
		claims:    claims,
		writer:    writer{client.Of[networkingv1.Ingress](c), set.manager()},
		recorder:  newRecorder(events.SinkOf(c, set.manager()), log),
	}
	return &Operator{
		err:      err,
		factory:  factory,
		recorder: r.recorder,
		controller: controller.New("addingress", around(r.reconcile),
			controller.For(services).Where(concerns),
			// By name and not by owner: a foreign Ingress stands in the way of the Service
			// of its name, which has to be reconciled when that Ingress goes.
			controller.Watches(ingresses, sameName),
			controller.Watches(services, claims.successor).Where(annotated),
			controller.Workers(cfg.Workers),
			controller.MaxRetries(cfg.MaxRetries),
			controller.RateLimiter(retryLimiter()),
			controller.DrainTimeout(cfg.DrainTimeout),
			controller.QueueMetrics(cfg.QueueMetrics),
			controller.Logger(log)),
	}
}

// retryLimiter returns the pace of retries. With the controller's default, a Service could wait for
// as long again as an outage has lasted, up to a quarter of an hour.
func retryLimiter() workqueue.RateLimiter[controller.Key] {
	return workqueue.MaxOf(
		workqueue.Exponential[controller.Key](0, maxRetryPause),
		workqueue.Bucket[controller.Key](retriesPerSecond, retriesBurst))
}

// concerns reports whether a Service asks for an Ingress, or seems to be meant to. If the
// annotation was removed while the operator did not run, the event of the Ingress queues the key.
func concerns(svc informer.Item[corev1.Service]) bool {
	if annotated(svc) {
		return true
	}
	p, err := misannotated(svc)
	return p != nil || err != nil // the reconcile reports the error
}

// sameName returns the key of the Service with the Ingress's name.
func sameName(ing informer.Item[networkingv1.Ingress]) []controller.Key {
	return []controller.Key{{Namespace: ing.Namespace(), Name: ing.Name()}}
}

// Run gives Services their Ingresses until ctx ends. Then it waits for the reconciles under way,
// and returns nil if they finish and an error if they had to be aborted. If the API server cannot
// be reached, Run logs that and waits for it.
//
// All goroutines have ended when it returns.
func (o *Operator) Run(ctx context.Context) error {
	if o.err != nil {
		return o.err
	}
	recording, stopRecording := context.WithCancel(ctx)
	var writing sync.WaitGroup
	writing.Go(func() { o.recorder.run(recording) })
	defer writing.Wait()
	defer stopRecording()
	return controller.Run(ctx, o.factory, o.controller)
}

// Stats returns the counts of the operator's controller.
func (o *Operator) Stats() controller.Stats { return o.controller.Stats() }
