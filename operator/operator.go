package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/informer"
)

// Operator is the frame of an operator's process. New makes one; Add, Check and Handle add to it
// before Run. Its methods are safe for concurrent use.
type Operator struct {
	options     Options
	log         *slog.Logger
	controllers []*controller.Controller
	health      *Health
	mux         *http.ServeMux // of Settings.MetricsAddress, behind the Authorizer
	debug       *http.ServeMux // of Settings.DebugAddress

	mu       sync.Mutex
	added    []added  // guarded by mu until Run
	mistakes []error  // guarded by mu
	serving  *servers // guarded by mu: set by Run when the ports are open
	ran      bool     // guarded by mu

	started  time.Time
	leads    atomic.Bool
	stopping atomic.Bool
}

// added is a part of the program's own.
type added struct {
	name  string
	f     func(context.Context) error
	where Where
}

// Run is New and Operator.Run: it runs the controllers with all that stands around them until ctx
// ends, a signal comes, or a part fails.
func Run(ctx context.Context, o Options, controllers ...*controller.Controller) error {
	return New(o, controllers...).Run(ctx)
}

// New returns an operator of these controllers. It starts nothing and does not fail: Run returns a
// mistake in the arguments at once.
func New(o Options, controllers ...*controller.Controller) *Operator {
	o = o.withDefaults()
	op := &Operator{
		options: o, log: o.Logger, controllers: controllers,
		health: &Health{}, mux: http.NewServeMux(), debug: http.NewServeMux(), started: time.Now(),
	}
	op.checks()
	op.endpoints()
	o.Metrics.ObserveFactories(o.Factories...)
	o.Metrics.ObserveControllers(controllers...)
	if o.Elector != nil {
		o.Metrics.ObserveLeader(leaseOf(o), op.Leads)
	}
	if o.Webhooks != nil {
		op.health.Add("webhooks", Ready, o.Webhooks.Check)
		if err := o.Webhooks.Register(o.Metrics.Registry()); err != nil {
			op.mistake("register the metrics of webhooks: %w", err)
		}
	}
	return op
}

// checks adds the operator's own checks.
func (o *Operator) checks() {
	caches := NewCaches(o.options.Settings.UnreachableAfter, o.options.Factories...)
	o.health.Add("ping", Live, func(context.Context) error { return nil })
	if e, ok := o.options.Elector.(electionCheck); ok {
		o.health.Add("election", Live, func(context.Context) error { return e.Check(electionGrace) })
	}
	// A Service routes to replicas that are ready. If webhooks waited for the caches, a cache of a
	// custom resource that the API server converts by a webhook would wait for itself, and an API server
	// that was away would find no webhook when it is back.
	gate := Ready
	if o.options.Webhooks != nil {
		gate = Shown
	}
	o.health.Add("informer-sync", gate, caches.Synced)
	o.health.Add("informers", gate, caches.Reachable)
	o.health.Add("shutdown", Ready, func(context.Context) error {
		if o.stopping.Load() {
			return errors.New("the operator is stopping")
		}
		return nil
	})
}

// An *election.Elector has these, and an Elector of a program's own may.
type (
	electionStatus interface{ Status() election.Status }
	electionCheck  interface {
		Check(grace time.Duration) error
	}
)

// leaseOf returns the name of the Lease that the operator's Elector competes for, and the operator's
// name if the Elector does not tell.
func leaseOf(o Options) string {
	if e, ok := o.Elector.(electionStatus); ok {
		if _, name, ok := strings.Cut(e.Status().Lease, "/"); ok {
			return name
		}
	}
	return o.Name
}

// electionGrace is how long what the leader runs may go on after its lease has expired, before the
// process is to be started again.
const electionGrace = 20 * time.Second

// Add adds a function that is run where it is said. It is started before the controllers and
// stopped after they have ended, so that they may use it. It returns when ctx ends, or before, when
// its work is done. If it returns an error, or panics, the operator ends with that error. The name
// is for logs and errors. Add panics after Run has begun. Of OnLeader parts ctx ends also when the leadership ends.
func (o *Operator) Add(name string, f func(ctx context.Context) error, where Where) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ran:
		o.mistake("add part %q: the operator was run before", name)
	case name == "" || f == nil:
		o.mistake("add part %q: it needs a name and a function", name)
	default:
		o.added = append(o.added, added{name, f, where})
	}
}

// Check adds a check to /readyz or /healthz. See Health.Add.
func (o *Operator) Check(name string, p Probe, f func(ctx context.Context) error) {
	if name == "" || strings.ContainsAny(name, "/?&= \n") || f == nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.mistake("add check %q: it needs a function, and a name that can stand in a URL", name)
		return
	}
	o.health.Add(name, p, f)
}

// Handle serves h on Settings.MetricsAddress, for a pattern of http.ServeMux. With Settings.Authorize it
// is called only for requests that are permitted.
func (o *Operator) Handle(pattern string, h http.Handler) {
	defer func() { // ServeMux panics for a pattern that is wrong or taken
		if v := recover(); v != nil {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.mistake("handle %q: %v", pattern, v)
		}
	}()
	o.mux.Handle(pattern, h)
}

// mistake keeps an error for Run, and panics if Run has looked for them. o.mu is held.
func (o *Operator) mistake(format string, args ...any) {
	if o.ran {
		panic("operator: " + fmt.Sprintf(format, args...))
	}
	o.mistakes = append(o.mistakes, fmt.Errorf(format, args...))
}

// Leads reports whether this replica leads now. Without an Elector it does while it runs.
func (o *Operator) Leads() bool { return o.leads.Load() }

// Health returns the checks, for a server of the program's own.
func (o *Operator) Health() *Health { return o.health }

// check returns what is wrong with the arguments, and marks the operator as run.
func (o *Operator) check() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ran {
		return errors.New("run operator: it was run before: make a new one")
	}
	o.ran = true
	errs := append([]error{o.options.Settings.Check()}, o.mistakes...)
	for i, f := range o.options.Factories {
		if f == nil {
			errs = append(errs, fmt.Errorf("run operator: factory %d is nil", i))
		}
	}
	if o.options.Settings.Authorize && len(o.options.Factories) == 0 {
		errs = append(errs, errors.New("run operator: authorize needs a factory, whose API server is asked"))
	}
	names := map[string]bool{}
	for i, c := range o.controllers {
		if c == nil {
			errs = append(errs, fmt.Errorf("run operator: controller %d is nil", i))
			continue
		}
		if names[c.Name()] {
			errs = append(errs, fmt.Errorf("run operator: two controllers are named %q", c.Name()))
		}
		names[c.Name()] = true
		if err := c.Check(); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, i := range c.Caches() {
			if !o.runs(i) {
				errs = append(errs, fmt.Errorf("run operator: controller %q: the factory of its informer "+
					"of %s is not among the operator's", c.Name(), i))
			}
		}
	}
	return errors.Join(errs...)
}

// runs reports whether one of the operator's factories runs i.
func (o *Operator) runs(i informer.Untyped) bool {
	for _, f := range o.options.Factories {
		if f != nil && f.Has(i) {
			return true
		}
	}
	return false
}
