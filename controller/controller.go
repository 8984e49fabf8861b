package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/workqueue"
)

// Reconcile brings the object of key into the state that it should have, whatever its present
// state. It is given a key and not an event: several events may lead to one call, and a call may
// come without any.
//
// It is called by several goroutines, for different keys; never twice at once for one key. After an
// error or a panic the key is tried again later (see MaxRetries and Terminal), and the Result is
// ignored.
//
// ctx does not end when the controller is stopped, so that nothing is left half done. It ends when
// that takes longer than the DrainTimeout. The controller observes what is written under ctx
// through package client, and does not reconcile the key again before the caches have seen it.
type Reconcile func(ctx context.Context, key Key) (Result, error)

// Controller calls a Reconcile. Make one with New or NewKeyed, and run it with Run or
// Controller.Run. Its methods are safe for concurrent use.
type Controller struct {
	name     string
	keyed    bool // by NewKeyed: its keys name no objects
	sources  []source
	feeds    []feed
	reads    []informer.Untyped
	mistakes []error // that New has found

	workers      int
	maxRetries   int
	syncTimeout  time.Duration
	drainTimeout time.Duration
	writeTimeout time.Duration
	lowWait      time.Duration
	timeout      time.Duration // of a reconcile; 0 means none
	interval     time.Duration // between two reconciles of a key; 0 means none
	limiter      any           // a workqueue.RateLimiter of the loop's keys; nil means the default
	queueMetrics workqueue.Metrics
	log          *slog.Logger

	loop   engine // a *loop[K]
	holds  *holds
	panics panics
	ran    atomic.Bool
	count  counters

	observers observers
	noLease   bool
	all       calls      // of ReconcileAll, and of the functions that Feed's get
	pausing   sync.Mutex // held by Pause and Resume
	paused    atomic.Bool
}

// New returns a controller that calls r for the keys that its sources name: one For or more, and
// any number of Owns and Watches. The name is for logs, errors and metrics. New starts nothing.
//
// New does not fail. A mistake in its arguments is returned by Run at once.
func New(name string, r Reconcile, opts ...Option) *Controller {
	return newController[Key](name, false, r, opts)
}

// NewKeyed is New for keys that do not name objects of one kind: a host, the name of a node, a zone.
// Its sources are Watches, with a function that returns such keys, Channel and Feed; it has neither
// For nor Owns. K must be equal to itself. fmt.Sprint of a key is its text in logs.
//
// What New promises holds for a K as it does for a [Key]. A hold waits for the caches of all sources.
func NewKeyed[K comparable](name string, r func(ctx context.Context, key K) (Result, error),
	opts ...Option) *Controller {
	return newController(name, true, r, opts)
}

func newController[K comparable](name string, keyed bool,
	r func(context.Context, K) (Result, error), opts []Option) *Controller {
	c := &Controller{name: name, keyed: keyed}
	for _, opt := range opts {
		opt.apply(c)
	}
	c.defaults()
	c.log = c.log.With("controller", name)
	if r == nil {
		c.mistakes = append(c.mistakes, errors.New("its Reconcile is nil"))
	}
	l := newLoop(c, r)
	c.loop = l
	c.holds = newHolds(c.writeTimeout, l.release, c.writeUnseen)
	c.holds.ended = c.holdEnded
	for _, s := range c.sources {
		s.attach(c.holds)
	}
	return c
}

// Name returns the name that New was given.
func (c *Controller) Name() string { return c.name }

// Caches returns the informers that the controller needs: those of its sources and of Reads.
func (c *Controller) Caches() []informer.Untyped { return c.caches() }

// NeedsLease reports whether the controller is to run in the replica that holds the lease only. It
// is true unless WithoutLease was given.
func (c *Controller) NeedsLease() bool { return !c.noLease }

// Check returns the mistakes in what New was given, which Run returns at once; nil if there are none.
// The frame of an operator asks before it starts anything.
func (c *Controller) Check() error {
	_, err := c.check()
	return err
}

// check returns what is wrong with the controller, and the kind that it is For.
func (c *Controller) check() (primary kind.Info, err error) {
	mistakes := slices.Clone(c.mistakes)
	if c.name == "" {
		mistakes = append(mistakes, errors.New("it has no name: logs, errors and metrics need one"))
	}
	if c.workers < 1 {
		mistakes = append(mistakes, fmt.Errorf(
			"it has %d workers: a positive number is needed, 0 means the default", c.workers))
	}
	fors := 0
	for _, s := range c.sources {
		if err := s.check(c); err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		if !s.isFor() {
			continue
		}
		switch k := s.cache().Kind(); {
		case fors == 0:
			primary = k
		case k.Group != primary.Group || k.Kind != primary.Kind:
			mistakes = append(mistakes, fmt.Errorf(
				"it is For %s and For %s: make a controller for each kind", primary, k))
		}
		fors++
	}
	for _, f := range c.feeds {
		if err := f.check(c); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	switch {
	case len(mistakes) > 0:
	case c.keyed && len(c.sources)+len(c.feeds) == 0:
		mistakes = append(mistakes, errors.New("it has no source: nothing names a key"))
	case fors == 0 && !c.keyed:
		mistakes = append(mistakes, errors.New(
			"it has no For: its sources must say which objects it is about"))
	}
	for _, cache := range c.reads {
		if err := mistakeOf(cache); err != nil {
			mistakes = append(mistakes, fmt.Errorf("Reads: %w", err))
		}
	}
	if len(mistakes) > 0 {
		return primary, fmt.Errorf("run controller %q: %w", c.name, errors.Join(mistakes...))
	}
	return primary, nil
}

// isFor reports whether a For of the controller caches the objects of a namespace; "" is that of
// cluster-scoped objects.
func (c *Controller) isFor(namespace string) bool {
	return slices.ContainsFunc(c.sources, func(s source) bool {
		return s.isFor() && s.covers(namespace)
	})
}

// mistakeOf returns the mistake that was made in the call that made an informer. That the informer
// has stopped is none: Run finds that out when it waits for the informer.
func mistakeOf(cache informer.Untyped) error {
	// A nil *Informer is an Untyped that is not nil.
	if cache == nil || reflect.ValueOf(cache).IsNil() {
		return errors.New("its informer is nil")
	}
	err := cache.Err()
	var stopped *informer.StoppedError
	if errors.As(err, &stopped) {
		return nil
	}
	return err
}

// caches returns the informers of the sources and of Reads.
func (c *Controller) caches() []informer.Untyped {
	var caches []informer.Untyped
	for _, s := range c.sources {
		caches = append(caches, s.cache())
	}
	return append(caches, c.reads...)
}
