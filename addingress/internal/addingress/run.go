package addingress

import (
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

// Config is how an operator works. DefaultConfig is complete.
type Config struct {
	// Hosts makes the Ingresses' hosts.
	Hosts *HostTemplate
	// IngressClass is the class of all Ingresses. "" means that addingress does not own the class;
	// the API server sets the cluster's default class in new Ingresses.
	IngressClass string
	// Namespace is the namespace of the Services. "" means all namespaces.
	Namespace string
	// Workers is how many Services are reconciled concurrently. 0 means 1.
	Workers int
	// MaxRetries is how often a failed reconcile is retried before its Service waits for an event
	// or the resync. 0 means never; negative means retry forever.
	MaxRetries int
	// Resync is the interval at which every Service is reconciled without an event. 0 means never.
	// A Service whose Ingress is right costs no request.
	Resync time.Duration
	// DrainTimeout is how long reconciles under way may take to finish at the stop. 0 or negative
	// means that they are cancelled at once.
	DrainTimeout time.Duration
	// Logger is the operator's logger. nil means slog.Default.
	Logger *slog.Logger
	// QueueMetrics is called for the events of the queue of Services. Optional.
	QueueMetrics workqueue.Metrics
}

// DefaultConfig returns the Config of the operator without flags.
func DefaultConfig() Config {
	hosts, err := ParseHostTemplate(DefaultHostTemplate)
	if err != nil {
		panic(err) // a constant, tested
	}
	return Config{
		Hosts:      hosts,
		Workers:    5,
		MaxRetries: 10,
		// For Services that ran out of retries while, say, an admission webhook was
		// down: there is no event when that is over.
		Resync:       10 * time.Minute,
		DrainTimeout: controller.DefaultDrainTimeout,
	}
}

// Operator is addingress for one cluster. Make one with New, and run it once.
type Operator struct {
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
	log := cfg.Logger
	if log == nil {
		log = slog.Default()
	}
	factory := informer.NewFactory(c, informer.Logger(log), informer.Namespace(cfg.Namespace))
	services := informer.For[corev1.Service](factory, informer.Resync(cfg.Resync))
	ingresses := informer.For[networkingv1.Ingress](factory)
	r := &reconciler{
		settings:  settings{hosts: cfg.Hosts, class: cfg.IngressClass},
		services:  services.Lister(),
		ingresses: ingresses.Lister(),
		writer:    writer{client.Of[networkingv1.Ingress](c)},
		recorder:  newRecorder(apiEvents{client.Of[eventsv1.Event](c)}, log),
	}
	return &Operator{
		factory:  factory,
		recorder: r.recorder,
		controller: controller.New("addingress", around(r.reconcile),
			controller.For(services).Where(concerns),
			// By name and not by owner: a foreign Ingress stands in the way of the Service
			// of its name, which has to be reconciled when that Ingress goes.
			controller.Watches(ingresses, sameName),
			controller.Workers(cfg.Workers),
			controller.MaxRetries(retries(cfg.MaxRetries)),
			controller.DrainTimeout(max(cfg.DrainTimeout, 1)), // 0 would mean the default
			controller.QueueMetrics(cfg.QueueMetrics),
			controller.Logger(log)),
	}
}

// retries returns the controller's MaxRetries for a Config's, in which 0 means never.
func retries(n int) int {
	switch {
	case n < 0:
		return controller.RetryForever
	case n == 0:
		return -1
	}
	return n
}

// concerns reports whether a Service asks for an Ingress. If the annotation was removed while the
// operator did not run, the event of the Ingress queues the key.
func concerns(svc informer.Item[corev1.Service]) bool { return annotated(svc) }

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
	recording, stopRecording := context.WithCancel(ctx)
	var events sync.WaitGroup
	events.Go(func() { o.recorder.run(recording) })
	defer events.Wait()
	defer stopRecording()
	return controller.Run(ctx, o.factory, o.controller)
}

// Stats returns the counts of the operator's controller.
func (o *Operator) Stats() controller.Stats { return o.controller.Stats() }
